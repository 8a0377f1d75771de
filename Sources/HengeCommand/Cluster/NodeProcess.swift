import Glibc

/// Starts, signals and watches processes that outlive this one.
package enum NodeProcess {
    /// The record of a running process; nil when there is none of this pid.
    package static func record(of pid: Int32) -> ProcessRecord? {
        guard let stat = stat(pid), !stat.hasEnded else { return nil }
        return ProcessRecord(pid: pid, startTicks: stat.startTicks, boot: boot)
    }

    /// Whether exactly this process still runs.
    package static func isRunning(_ record: ProcessRecord) -> Bool {
        self.record(of: record.pid) == record
    }

    /// Signals exactly this process; false when it has ended.
    package static func signal(_ record: ProcessRecord, _ number: Int32) -> Bool {
        isRunning(record) && kill(record.pid, number) == 0
    }

    /// Resident memory in bytes; nil when it has ended.
    package static func residentBytes(_ record: ProcessRecord) -> Int? {
        guard isRunning(record), let status = SmallFile.read("/proc/\(record.pid)/status") else {
            return nil
        }
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return line.split { $0.isWhitespace }.dropFirst().first.flatMap { Int($0) }.map {
                $0 * 1024
            }
        }
        return nil
    }

    /// Starts this same executable in a session of its own, so that neither the end of the
    /// terminal nor Ctrl-C reaches it, with both outputs appended to `log`.
    package static func start(
        arguments: [String], log: String
    ) throws(CommandFailure) -> ProcessRecord {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        let append = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, append, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID, which the module of the C library leaves out.
        let setsid: Int32 = 0x80
        let flags = setsid | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let pid = try spawn(arguments, &actions, &attributes)
        // Until this process asks how it ended, nobody else gets its pid.
        return record(of: pid) ?? ProcessRecord(pid: pid, startTicks: 0, boot: boot)
    }

    /// Starts this same executable; it inherits the standard descriptors alone.
    static func spawn(
        _ arguments: [String],
        _ actions: inout posix_spawn_file_actions_t,
        _ attributes: UnsafePointer<posix_spawnattr_t>?
    ) throws(CommandFailure) -> Int32 {
        closeTheRestOnExec()
        var pid: Int32 = 0
        var words = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for case let word? in words { free(word) } }
        let result = posix_spawn(&pid, executable, &actions, attributes, &words, environ)
        guard result == 0 else {
            throw CommandFailure(
                .failed,
                "can't start \(executable): \(String(cString: strerror(result)))"
            )
        }
        return pid
    }

    /// The status of a child that has ended, in words; see wait(2).
    static func describe(status: Int32) -> String {
        let number = status & 0x7F
        return number == 0 ? "status \((status >> 8) & 0xFF)" : "signal \(number)"
    }

    /// How a child of this process ended, in words; nil when it is none, or runs.
    package static func ending(_ record: ProcessRecord) -> String? {
        var status: Int32 = 0
        guard waitpid(record.pid, &status, WNOHANG) == record.pid else { return nil }
        return describe(status: status)
    }

    private static func stat(_ pid: Int32) -> ProcessStat? {
        SmallFile.read("/proc/\(pid)/stat").flatMap { ProcessStat($0) }
    }

    private static let boot =
        SmallFile.read("/proc/sys/kernel/random/boot_id")?
        .split(separator: "\n").first.map(String.init) ?? "-"

    private static let executable: String = {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { space in
            space.withMemoryRebound(to: CChar.self) {
                $0.baseAddress.map { readlink("/proc/self/exe", $0, space.count) } ?? -1
            }
        }
        let path = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        // After a rebuild the path of the file that runs here is gone; the new one stands at its
        // place.
        let deleted = " (deleted)"
        return path.hasSuffix(deleted) ? String(path.dropLast(deleted.count)) : path
    }()

    /// Has every descriptor but the three standard ones closed in what is started: a node must
    /// not hold the locks and pipes of whoever called.
    private static func closeTheRestOnExec() {
        guard let directory = opendir("/proc/self/fd") else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }
}
