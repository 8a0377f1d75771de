package import HengeBase
package import HengeRESP

/// When a key is to expire, as a command says it: `EX 10`, `PXAT 1700000000000`, or a bare number
/// whose meaning the command's name tells.
package struct ExpiryOption: Hashable {
    package var isInSeconds: Bool
    package var isAbsolute: Bool

    package static let seconds = ExpiryOption(isInSeconds: true, isAbsolute: false)
    package static let milliseconds = ExpiryOption(isInSeconds: false, isAbsolute: false)
    package static let atSeconds = ExpiryOption(isInSeconds: true, isAbsolute: true)
    package static let atMilliseconds = ExpiryOption(isInSeconds: false, isAbsolute: true)

    package init(isInSeconds: Bool, isAbsolute: Bool) {
        self.isInSeconds = isInSeconds
        self.isAbsolute = isAbsolute
    }

    /// Nil for a word that isn't one of the four.
    package init?(_ keyword: CommandName?) {
        switch keyword {
        case Keyword.ex: self = .seconds
        case Keyword.px: self = .milliseconds
        case Keyword.exat: self = .atSeconds
        case Keyword.pxat: self = .atMilliseconds
        default: return nil
        }
    }

    /// The time that `amount` stands for, in milliseconds since 1970; it may lie in the past, even
    /// before 1970.
    ///
    /// - Parameter name: the command's, for the error when the sum overflows.
    package func milliseconds(
        _ amount: Int64,
        now: WallTime,
        command name: String
    ) throws(CommandError) -> Int64 {
        var time = amount
        if isInSeconds {
            let (product, overflow) = time.multipliedReportingOverflow(by: 1000)
            guard !overflow else { throw .invalidExpire(name) }
            time = product
        }
        if !isAbsolute {
            let (sum, overflow) = time.addingReportingOverflow(Int64(clamping: now.milliseconds))
            guard !overflow else { throw .invalidExpire(name) }
            time = sum
        }
        return time
    }

    /// The same for commands that take no number below 1 (SET, SETEX, GETEX).
    package func positive(
        _ amount: Int64,
        now: WallTime,
        command name: String
    ) throws(CommandError) -> WallTime {
        guard amount > 0 else { throw .invalidExpire(name) }
        let time = try milliseconds(amount, now: now, command: name)
        return WallTime(milliseconds: UInt64(time))
    }
}
