import Glibc
import Logging

/// Each connection takes a file descriptor, and the usual soft limit of 1,024 is far below what a
/// node serves.
enum FileLimit {
    /// Raises the soft limit to the hard one.
    static func raise(logger: Logger) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
            limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = min(limit.rlim_max, 1_048_576)
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            logger.warning("could not raise the limit of open files")
        }
    }
}
