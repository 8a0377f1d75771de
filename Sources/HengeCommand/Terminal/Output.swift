import Glibc

/// Standard output and standard error, unbuffered, so that what reads a pipe sees each line at
/// once.
enum Output {
    static func line(_ text: String) {
        write(Array((text + "\n").utf8), to: STDOUT_FILENO)
    }

    /// Several lines in one piece.
    static func lines(_ lines: [String]) {
        guard !lines.isEmpty else { return }
        line(lines.joined(separator: "\n"))
    }

    static func error(_ text: String) {
        write(Array((text + "\n").utf8), to: STDERR_FILENO)
    }

    /// Exactly these bytes.
    static func bytes(_ bytes: some Collection<UInt8>) {
        write(Array(bytes), to: STDOUT_FILENO)
    }

    static func json(_ value: JSON) {
        line(value.text)
    }

    /// Whether someone looks: progress bars and what else only people want go to terminals alone.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether to colour: on a terminal that can, unless NO_COLOR is set and not empty (no-
    /// color.org).
    static var usesColor: Bool {
        guard isTerminal, environment("TERM") != "dumb" else { return false }
        return (environment("NO_COLOR") ?? "").isEmpty
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, written))
        }
    }
}
