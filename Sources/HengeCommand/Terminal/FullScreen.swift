import Glibc

/// A whole terminal that is drawn on, and keys that are read one by one.
///
/// Whatever ends the process, the terminal is as it was: also a signal, unless it can't be caught.
struct FullScreen {
    /// The second buffer, without a cursor and without wrapping lines.
    private static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l"
    private static let leave: StaticString = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

    /// How the terminal was. A handler of signals can take nothing with it, so this is global; it
    /// is written before the handlers are set, and only read from then on.
    nonisolated(unsafe) private static var before = termios()

    private var drawn: [String] = []
    private var drawnSize: Size?

    struct Size: Equatable {
        var width: Int
        var height: Int
    }

    /// Nil when standard input or output is no terminal, or one that can't move its cursor.
    init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1,
            Output.environment("TERM") != "dumb",
            tcgetattr(STDIN_FILENO, &Self.before) == 0
        else { return nil }
        for number in [SIGTERM, SIGHUP, SIGQUIT, SIGINT] {
            signal(number) { number in
                FullScreen.restore()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
        var raw = Self.before
        // Ctrl-C comes as a key, too.
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        Output.bytes(Self.enter.utf8)
    }

    /// Gives the terminal back.
    func close() {
        Self.restore()
        for number in [SIGTERM, SIGHUP, SIGQUIT, SIGINT] { signal(number, SIG_DFL) }
    }

    /// Only what a handler of signals may do.
    private static func restore() {
        _ = write(STDOUT_FILENO, leave.utf8Start, leave.utf8CodeUnitCount)
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    /// 80 by 24 where the terminal doesn't tell.
    var size: Size {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
        else { return Size(width: 80, height: 24) }
        return Size(width: Int(size.ws_col), height: Int(size.ws_row))
    }

    /// The bytes that were typed and not read yet; nil when nobody will type any more.
    func typed() -> [UInt8]? {
        var bytes: [UInt8] = []
        while true {
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&input, 1, 0) > 0 else { return bytes }
            var byte: UInt8 = 0
            guard read(STDIN_FILENO, &byte, 1) == 1 else { return nil }
            bytes.append(byte)
        }
    }

    /// Draws what differs from the last time, or all of it on a terminal of another size.
    mutating func draw(_ lines: [String], on size: Size) {
        let isNew = drawnSize != size
        var text = isNew ? "\u{1B}[2J" : ""
        for row in 0..<size.height {
            let line = row < lines.count ? lines[row] : ""
            if !isNew, row < drawn.count, drawn[row] == line { continue }
            if !isNew, row >= drawn.count, line.isEmpty { continue }
            text += "\u{1B}[\(row + 1);1H\(line)\u{1B}[0m\u{1B}[K"
        }
        drawn = Array(lines.prefix(size.height))
        if drawn.count < size.height {
            drawn += Array(repeating: "", count: size.height - drawn.count)
        }
        drawnSize = size
        if !text.isEmpty { Output.bytes(text.utf8) }
    }
}
