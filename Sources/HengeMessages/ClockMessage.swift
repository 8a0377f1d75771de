package import HengeBase

import struct NIOCore.ByteBuffer

/// A look at another node's wall clock, as in NTP (RFC 5905): the answer was given at some time
/// between the question and its arrival.
package enum ClockMessage: Hashable, Sendable {
    /// - asked: the asker's monotonic clock.
    case ask(asked: Instant)
    /// - asked: from the question.
    /// - wall: microseconds since 1970-01-01 UTC, of the node that answers.
    case tell(asked: Instant, wallMicroseconds: UInt64)
}

extension ByteBuffer {
    mutating func writeClock(_ clock: ClockMessage) {
        switch clock {
        case .ask(let asked):
            writeInteger(UInt8(0))
            writeInteger(asked.nanoseconds)
        case .tell(let asked, let wall):
            writeInteger(UInt8(1))
            writeInteger(asked.nanoseconds)
            writeInteger(wall)
        }
    }

    mutating func readClock() throws(WireDecodeError) -> ClockMessage {
        switch try field(UInt8.self) {
        case 0: return .ask(asked: Instant(nanoseconds: try field(UInt64.self)))
        case 1:
            let asked = Instant(nanoseconds: try field(UInt64.self))
            return .tell(asked: asked, wallMicroseconds: try field(UInt64.self))
        default: throw .invalidField("clock")
        }
    }
}
