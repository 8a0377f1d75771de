import Glibc

/// Standard output, line by line, so that what reads it through a pipe sees each line at once.
enum Output {
    static func line(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    static func error(_ text: String) {
        write(text + "\n", to: STDERR_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = ArraySlice(text.utf8)
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard written > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(0, written))
        }
    }

    /// Whether colours and progress bars make sense there: a terminal, and NO_COLOR not set.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    static var usesColor: Bool { isTerminal && getenv("NO_COLOR") == nil }
}
