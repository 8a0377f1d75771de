import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// The keys between which all records of a stretch of tokens lie.
struct TokenBounds {
    /// At or before the first of them.
    let start: ByteBuffer
    /// Behind the last of them.
    let end: ByteBuffer

    init(_ tokens: ClosedRange<Token>) {
        start = ByteBuffer(integer: tokens.lowerBound.rawValue)
        var end = ByteBuffer()
        if tokens.upperBound < .max {
            end.writeInteger(tokens.upperBound.rawValue + 1)
        } else {
            // What comes right after the last key of the last token.
            end.writeRepeatingByte(0xFF, count: StoredKey.lengthMax + 1)
        }
        self.end = end
    }
}
