import Glibc

/// A child process that runs a share of the seeds, and the pipes from it.
struct ChildProcess {
    let share: SimulationShare
    /// The seed that it runs now.
    var seed: UInt64?
    /// Runs that it has finished.
    var itemsDone = 0

    private let pid: Int32
    private let output: Int32
    private let errors: Int32
    private var partial: [UInt8] = []
    private(set) var isOpen = true

    /// Starts this executable again.
    static func start(
        _ arguments: [String],
        share: SimulationShare
    ) throws(CommandFailure) -> ChildProcess {
        let output = try makePipe()
        let errors = try makePipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors.write, STDERR_FILENO)
        // A trap needs no backtrace here: the replay that is printed gives one.
        setenv("SWIFT_BACKTRACE", "enable=no", 1)
        // Hashing must differ from process to process, or --verify would show nothing.
        unsetenv("SWIFT_DETERMINISTIC_HASHING")
        let pid: Int32
        do throws(CommandFailure) {
            pid = try NodeProcess.spawn(arguments, &actions, nil)
        } catch {
            for descriptor in [output.read, output.write, errors.read, errors.write] {
                close(descriptor)
            }
            throw error
        }
        close(output.write)
        close(errors.write)
        return ChildProcess(share: share, pid: pid, output: output.read, errors: errors.read)
    }

    private init(share: SimulationShare, pid: Int32, output: Int32, errors: Int32) {
        self.share = share
        self.pid = pid
        self.output = output
        self.errors = errors
    }

    /// Waits until one of them has something to say, or a moment.
    static func wait(for children: [ChildProcess]) {
        var descriptors = children.map {
            pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0)
        }
        poll(&descriptors, nfds_t(descriptors.count), 200)
    }

    /// The whole lines that have come; without any at the end, which ``isOpen`` then tells.
    mutating func readLines() -> [String] {
        var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        guard isOpen, poll(&waiting, 1, 0) > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(output, &bytes, bytes.count)
        guard count > 0 else {
            if count == 0 { isOpen = false }
            return []
        }
        partial += bytes[..<count]
        guard let last = partial.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let text = String(decoding: partial[..<last], as: UTF8.self)
        partial.removeFirst(last + 1)
        return text.split(separator: "\n").map(String.init)
    }

    /// How it ended and what it complained of, once it has said all; nil when it ended well.
    func finish() -> String? {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        defer {
            close(output)
            close(errors)
        }
        return status == 0 ? nil : "\(NodeProcess.describe(status: status)): \(complaint)"
    }

    /// What it said on standard error that tells most.
    private var complaint: String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = max(0, read(errors, &bytes, bytes.count))
        let lines = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
        let telling = lines.first { $0.contains("Fatal error") } ?? lines.first
        return telling.map { Wording.printable(String($0), limit: 400) } ?? "it said nothing"
    }

    private static func makePipe() throws(CommandFailure) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw CommandFailure.system("can't make a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
