import HengeBase
import HengeRESP
import HengeRing
import NIOCore

/// Writes the requests of operations, encoded beforehand but for the digits of the key and the
/// value.
package struct RequestWriter: Sendable {
    /// Keys look as those of `redis-benchmark -r`, so that its results can be compared.
    package static let keyPrefix = "key:"
    package static let keyDigits = 12

    /// Values are cut from a block of random letters at an offset below this: a constant value
    /// would flatter a store that compresses, and a new one each time would measure the generator.
    private static let variants: UInt64 = 4096

    private let ping: [UInt8]
    private let get: [UInt8]
    private let getDigits: Int
    private let setHead: [UInt8]
    private let setDigits: Int
    private let setTail: [UInt8]
    private let values: [UInt8]
    private let valueBytes: Int

    /// The most that ``write(_:into:at:)`` writes for one operation.
    package let bytesMax: Int

    /// - Parameters:
    ///   - valueBytes: of each value written, at least 0.
    ///   - afterWrite: the words of a request to send behind each write; none if empty.
    ///   - seed: of the values.
    package init(valueBytes: Int, afterWrite: [String] = [], seed: UInt64) {
        precondition(valueBytes >= 0)
        let key = Self.keyPrefix + String(repeating: "0", count: Self.keyDigits)
        ping = Self.encoded(["PING"])
        get = Self.encoded(["GET", key])
        // The key is followed by CRLF.
        getDigits = get.count - 2 - Self.keyDigits
        let set = Self.encoded(["SET", key, String(repeating: "v", count: valueBytes)])
        setHead = Array(set.dropLast(valueBytes + 2))
        // Behind the key: CRLF, then `$` and the value's length, then CRLF.
        setDigits = setHead.count - 5 - String(valueBytes).utf8.count - Self.keyDigits
        setTail = Array(set.suffix(2)) + (afterWrite.isEmpty ? [] : Self.encoded(afterWrite))
        var generator = SeededGenerator(seed: seed)
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        values = (0..<(valueBytes + Int(Self.variants))).map { _ in
            letters[generator.below(letters.count)]
        }
        self.valueBytes = valueBytes
        bytesMax = max(get.count, setHead.count + valueBytes + setTail.count)
    }

    /// Writes one operation's requests.
    ///
    /// - Parameters:
    ///   - target: has at least ``bytesMax`` bytes left at `index`.
    ///   - index: where to write; afterwards the end of what was written.
    package func write(
        _ operation: Operation,
        into target: UnsafeMutableRawBufferPointer,
        at index: inout Int
    ) {
        switch operation {
        case .ping:
            Self.copy(ping[...], into: target, at: &index)
        case .get(let key):
            let digits = index + getDigits
            Self.copy(get[...], into: target, at: &index)
            Self.write(key: key, into: target, at: digits)
        case .set(let key, let variant):
            let digits = index + setDigits
            Self.copy(setHead[...], into: target, at: &index)
            Self.write(key: key, into: target, at: digits)
            let offset = Int(variant % Self.variants)
            Self.copy(values[offset..<(offset + valueBytes)], into: target, at: &index)
            Self.copy(setTail[...], into: target, at: &index)
        }
    }

    /// The hash slot of a key.
    package func slot(of key: Int) -> UInt16 {
        let prefix = Self.keyPrefix.utf8.count
        let count = prefix + Self.keyDigits
        let start = getDigits - prefix
        return withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { bytes in
            var index = 0
            Self.copy(get[start..<(start + count)], into: bytes, at: &index)
            Self.write(key: key, into: bytes, at: prefix)
            return HashSlot.of(UnsafeRawBufferPointer(bytes))
        }
    }

    private static func copy(
        _ bytes: ArraySlice<UInt8>,
        into target: UnsafeMutableRawBufferPointer,
        at index: inout Int
    ) {
        let end = index + bytes.count
        UnsafeMutableRawBufferPointer(rebasing: target[index..<end]).copyBytes(from: bytes)
        index = end
    }

    /// Puts a key's number over the zeros of the template.
    private static func write(
        key: Int,
        into target: UnsafeMutableRawBufferPointer,
        at digits: Int
    ) {
        var rest = key
        var index = digits + keyDigits
        while rest > 0, index > digits {
            index -= 1
            target[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    private static func encoded(_ words: [String]) -> [UInt8] {
        var buffer = ByteBuffer()
        RESPRequestEncoder.encode(words, into: &buffer)
        return Array(buffer.readableBytesView)
    }
}
