import Glibc

/// The directory that holds a node's data.
enum DataDirectory {
    /// Makes the directory and its missing parents, mode 0700, and makes their names durable:
    /// RocksDB syncs its own directory but not those above it.
    static func create(_ path: String) throws(StoreOpenError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            let parent = prefix.isEmpty ? "." : prefix
            prefix += (prefix.isEmpty || prefix.hasSuffix("/") ? "" : "/") + component
            if mkdir(prefix, 0o700) == 0 {
                sync(parent)
            } else if errno != EEXIST {
                throw unusable(path)
            }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw unusable(path) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw .directoryUnusable(directory: path, reason: "it is not a directory")
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else { throw unusable(path) }
    }

    /// Whether a RocksDB database was made there.
    static func holdsDatabase(_ path: String) -> Bool {
        access(path + "/CURRENT", F_OK) == 0
    }

    /// Bytes that this process may still write there; zero when that can't be told.
    static func freeBytes(_ path: String) -> UInt64 {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
            .partialValue
    }

    private static func sync(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func unusable(_ path: String) -> StoreOpenError {
        .directoryUnusable(directory: path, reason: String(cString: strerror(errno)))
    }
}
