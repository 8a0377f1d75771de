import NIOCore

extension ByteBuffer {
    /// A type, a sign, at most 19 digits, CRLF.
    private static let numberLengthMax = 23

    /// Writes a type byte, a decimal number and CRLF, without making a string.
    mutating func writeRESPNumber(_ type: UInt8, _ value: Int64) {
        _ = writeWithUnsafeMutableBytes(minimumWritableBytes: Self.numberLengthMax) { target in
            Self.putRESPNumber(type, value, into: target)
        }
    }

    /// Writes a bulk string with its length before it and CRLF behind it, in one piece: each write
    /// of its own looks at the buffer's bounds and owners anew.
    mutating func writeRESPBulk(_ bytes: ByteBuffer) {
        let length = bytes.readableBytes
        writeWithUnsafeMutableBytes(minimumWritableBytes: Self.numberLengthMax + length + 2) {
            target in
            let start = Self.putRESPNumber(UInt8(ascii: "$"), Int64(length), into: target)
            bytes.withUnsafeReadableBytes {
                UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: $0)
            }
            target[start + length] = Ascii.carriageReturn
            target[start + length + 1] = Ascii.lineFeed
            return start + length + 2
        }
    }

    /// - Parameter target: of ``numberLengthMax`` bytes or more.
    /// - Returns: how many of them were written.
    private static func putRESPNumber(
        _ type: UInt8,
        _ value: Int64,
        into target: UnsafeMutableRawBufferPointer
    ) -> Int {
        target[0] = type
        var end = 1
        var magnitude = value.magnitude
        if value < 0 {
            target[1] = Ascii.minus
            end = 2
        }
        var rest = magnitude
        repeat {
            end += 1
            rest /= 10
        } while rest > 0
        var index = end
        repeat {
            index -= 1
            target[index] = Ascii.zero &+ UInt8(truncatingIfNeeded: magnitude % 10)
            magnitude /= 10
        } while magnitude > 0
        target[end] = Ascii.carriageReturn
        target[end + 1] = Ascii.lineFeed
        return end + 2
    }

    /// Writes a type byte, a text whose line breaks become spaces, and CRLF.
    mutating func writeRESPLine(_ type: UInt8, _ text: String) {
        writeInteger(type)
        let start = writerIndex
        writeString(text)
        // UTF-8 has these two bytes nowhere but as themselves.
        var utf8 = text.utf8.makeIterator()
        var index = start
        while let byte = utf8.next() {
            if byte == Ascii.carriageReturn || byte == Ascii.lineFeed {
                setInteger(UInt8(ascii: " "), at: index)
            }
            index += 1
        }
        writeInteger(UInt16(0x0D0A))
    }
}
