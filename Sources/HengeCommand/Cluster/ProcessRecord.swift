/// Names one process for good: a pid is used again after a while, but not with the same start
/// time since the same boot.
package struct ProcessRecord: Equatable, Sendable {
    package var pid: Int32
    /// Clock ticks since boot.
    package var startTicks: UInt64
    /// The id of the boot, so that equal ticks after a restart of the machine don't count.
    package var boot: String

    package init(pid: Int32, startTicks: UInt64, boot: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.boot = boot
    }

    /// What a pid file says.
    package var text: String { "\(pid) \(startTicks) \(boot)\n" }

    /// Nil unless the text is what ``text`` writes.
    package init?(text: String) {
        let words = text.split { $0.isWhitespace }
        guard words.count == 3, let pid = Int32(words[0]), pid > 0,
            let ticks = UInt64(words[1])
        else { return nil }
        self.init(pid: pid, startTicks: ticks, boot: String(words[2]))
    }
}

/// What `/proc/PID/stat` says of a process.
package struct ProcessStat: Equatable, Sendable {
    /// `R`, `S`, `Z` and so on; see proc(5).
    package var state: Character
    package var startTicks: UInt64

    /// The process has ended, and only its parent hasn't asked how.
    package var hasEnded: Bool { state == "Z" || state == "X" }

    /// Source: proc(5); the name of the command is in parentheses and may hold anything, so what
    /// counts begins after the last one.
    package init?(_ text: String) {
        guard let parenthesis = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: parenthesis)...].split { $0.isWhitespace }
        // The state is field 3 and the start time field 22.
        guard fields.count > 19, let state = fields[0].first, let ticks = UInt64(fields[19]) else {
            return nil
        }
        self.state = state
        startTicks = ticks
    }
}
