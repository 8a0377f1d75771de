package import HengeBase
package import HengeRESP
package import NIOCore

/// The words of commands' options, made once.
package enum Keyword {
    package static let consistency: CommandName = "CONSISTENCY"
    package static let sloppy: CommandName = "SLOPPY"
    package static let one: CommandName = "ONE"
    package static let quorum: CommandName = "QUORUM"
    package static let all: CommandName = "ALL"
    package static let read: CommandName = "READ"
    package static let write: CommandName = "WRITE"
    package static let ex: CommandName = "EX"
    package static let px: CommandName = "PX"
    package static let exat: CommandName = "EXAT"
    package static let pxat: CommandName = "PXAT"
    package static let keepTTL: CommandName = "KEEPTTL"
    package static let persist: CommandName = "PERSIST"
    package static let nx: CommandName = "NX"
    package static let xx: CommandName = "XX"
    package static let gt: CommandName = "GT"
    package static let lt: CommandName = "LT"
    package static let get: CommandName = "GET"
    package static let context: CommandName = "CONTEXT"
    package static let match: CommandName = "MATCH"
    package static let count: CommandName = "COUNT"
    package static let window: CommandName = "WINDOW"
    package static let minute: CommandName = "MINUTE"
    package static let hour: CommandName = "HOUR"
    package static let start: CommandName = "START"
    package static let type: CommandName = "TYPE"
    package static let string: CommandName = "STRING"
    package static let async: CommandName = "ASYNC"
    package static let sync: CommandName = "SYNC"
    package static let auth: CommandName = "AUTH"
    package static let setName: CommandName = "SETNAME"
    package static let on: CommandName = "ON"
    package static let off: CommandName = "OFF"
    package static let id: CommandName = "ID"
    package static let token: CommandName = "TOKEN"
    package static let compare: CommandName = "COMPARE"
    package static let pause: CommandName = "PAUSE"
    package static let resume: CommandName = "RESUME"
    package static let drop: CommandName = "DROP"
    package static let stage: CommandName = "STAGE"
    package static let staged: CommandName = "STAGED"
    package static let plan: CommandName = "PLAN"
    package static let commit: CommandName = "COMMIT"
    package static let abort: CommandName = "ABORT"
    package static let progress: CommandName = "PROGRESS"
    package static let loss: CommandName = "LOSS"
    package static let recover: CommandName = "RECOVER"
    package static let fewer: CommandName = "FEWER"
    package static let clear: CommandName = "CLEAR"
    package static let add: CommandName = "ADD"
    package static let remove: CommandName = "REMOVE"
    package static let replace: CommandName = "REPLACE"
    package static let forceRemove: CommandName = "FORCE-REMOVE"
    package static let weight: CommandName = "WEIGHT"
    package static let zone: CommandName = "ZONE"
    package static let distribution: CommandName = "DISTRIBUTION"
    package static let siblings: CommandName = "SIBLINGS"
    package static let sizes: CommandName = "SIZES"
    package static let sample: CommandName = "SAMPLE"
}

extension RESPCommand {
    /// Argument `index` as a number, as strictly as Redis (`util.c`, `string2ll`).
    package func integer(_ index: Int) throws(CommandError) -> Int64 {
        guard let value = Self.integer(self[index]) else { throw .notAnInteger }
        return value
    }

    /// A whole number without plus sign, leading zeros or blanks; nil for what is none.
    package static func integer(_ text: ByteBuffer) -> Int64? {
        let bytes = text.readableBytesUInt8Span
        guard bytes.count > 0, bytes.count <= 20 else { return nil }
        let isNegative = bytes[0] == UInt8(ascii: "-")
        let first = isNegative ? 1 : 0
        guard first < bytes.count else { return nil }
        if bytes[first] == UInt8(ascii: "0") { return bytes.count == 1 ? 0 : nil }
        var value: Int64 = 0
        for index in first..<bytes.count {
            guard bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") else {
                return nil
            }
            let digit = Int64(bytes[index] - UInt8(ascii: "0"))
            // Downwards, as the least number has no positive counterpart.
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, underflow) = product.subtractingReportingOverflow(digit)
            guard !overflow, !underflow else { return nil }
            value = next
        }
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }

    /// Argument `index` as text; bytes that are no UTF-8 are replaced.
    package func text(_ index: Int) -> String { String(buffer: self[index]) }

    /// The level named at `index`.
    package func level(_ index: Int) throws(CommandError) -> Consistency {
        switch keyword(index) {
        case Keyword.one: return .one
        case Keyword.quorum: return .quorum
        case Keyword.all: return .all
        default:
            guard let level = Consistency(text(index)) else { throw .invalidLevel(self[index]) }
            return level
        }
    }

    /// Reads `CONSISTENCY level [SLOPPY]`, whose first word stands at `index`; returns the index
    /// behind it.
    package func option(
        consistency index: Int,
        _ consistency: inout RequestConsistency
    ) throws(CommandError) -> Int {
        guard index + 1 < count else { throw .syntax }
        let level = try level(index + 1)
        let isSloppy = index + 2 < count && keyword(index + 2) == Keyword.sloppy
        consistency = RequestConsistency(level, isSloppy: isSloppy)
        return index + (isSloppy ? 3 : 2)
    }

    /// Takes a trailing `CONSISTENCY level [SLOPPY]` off a command of many keys; returns where its
    /// keys end.
    ///
    /// One key at least stands before it, so a key of that name can still be named first.
    package func trailingConsistency(
        _ consistency: inout RequestConsistency
    ) throws(CommandError) -> Int {
        if count >= 5, keyword(count - 1) == Keyword.sloppy,
            keyword(count - 3) == Keyword.consistency
        {
            consistency = RequestConsistency(try level(count - 2), isSloppy: true)
            return count - 3
        }
        guard count >= 4, keyword(count - 2) == Keyword.consistency else { return count }
        consistency = RequestConsistency(try level(count - 1), isSloppy: false)
        return count - 2
    }
}
