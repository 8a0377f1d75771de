import HengeBase
import HengeCausality

import struct NIOCore.ByteBuffer

/// The fields that messages are made of. Writers pair with readers of the same name; readers check
/// everything.
extension ByteBuffer {
    /// Writes so many bytes, no more and no less, in one piece: each write of its own looks at the
    /// buffer's bounds, its owners and overlapping accesses anew, which is most of what it costs.
    mutating func writePiece(_ length: Int, _ body: (inout ByteWriter) -> Void) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: length) { memory in
            var writer = ByteWriter(memory)
            body(&writer)
            precondition(writer.offset == length, "a piece has another length than was said")
            return length
        }
    }

    mutating func writeBytes(_ bytes: ByteBuffer) {
        writeInteger(UInt32(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }

    mutating func readBytesField() throws(WireDecodeError) -> ByteBuffer {
        let length = Int(try field(UInt32.self))
        guard let slice = readSlice(length: length) else { throw .truncated }
        return slice
    }

    mutating func field<T: FixedWidthInteger>(_: T.Type) throws(WireDecodeError) -> T {
        guard let value = readInteger(as: T.self) else { throw .truncated }
        return value
    }

    /// Both or none.
    mutating func fields<A: FixedWidthInteger, B: FixedWidthInteger>(
        _: A.Type,
        _: B.Type
    ) throws(WireDecodeError) -> (A, B) {
        guard let values = readMultipleIntegers(as: (A, B).self) else { throw .truncated }
        return values
    }

    mutating func writeText(_ text: String) {
        writeInteger(UInt32(text.utf8.count))
        writeString(text)
    }

    mutating func readText(lengthMax: Int) throws(WireDecodeError) -> String {
        let length = Int(try field(UInt32.self))
        guard length <= lengthMax else { throw .invalidField("text") }
        guard let text = readString(length: length) else { throw .truncated }
        return text
    }

    /// Lengths of time travel as microseconds, up to 71 minutes.
    mutating func writeInterval(_ interval: Interval) {
        writeInteger(interval.fieldValue)
    }

    mutating func readInterval() throws(WireDecodeError) -> Interval {
        .microseconds(UInt64(try field(UInt32.self)))
    }

    /// The key of a record at home.
    mutating func writeKey(_ key: StoredKey) {
        writeBytes(key.bytes)
    }

    mutating func readKey() throws(WireDecodeError) -> StoredKey {
        guard let key = StoredKey(stored: try readBytesField()) else { throw .invalidField("key") }
        return key
    }

    /// The key of a record that may be held in another node's place.
    mutating func writeHeldKey(_ key: StoredKey) {
        writePiece(ByteWriter.length(ofHeld: key)) { $0.held(key) }
    }

    mutating func readHeldKey() throws(WireDecodeError) -> StoredKey {
        let home = try readFlag() ? NodeID(try field(UInt16.self)) : nil
        return try readKey().standingIn(for: home)
    }

    mutating func writeObject(_ object: EncodedObject?) {
        guard let object else { return writeFlag(false) }
        writePiece(1 + ByteWriter.length(of: object.bytes)) { piece in
            piece.byte(1)
            piece.field(object.bytes)
        }
    }

    mutating func readObject() throws(WireDecodeError) -> EncodedObject? {
        switch try field(UInt8.self) {
        case 0: return nil
        case 1: return try readPresentObject()
        default: throw .invalidField("object")
        }
    }

    mutating func readPresentObject() throws(WireDecodeError) -> EncodedObject {
        let bytes = try readBytesField()
        do throws(ObjectDecodeError) {
            return try EncodedObject(bytes)
        } catch {
            throw .invalidObject(error)
        }
    }

    mutating func writeVector(_ vector: VersionVector) {
        writeInteger(UInt32(vector.entries.count))
        for entry in vector.entries {
            writeInteger(entry.actor.rawValue)
            writeInteger(entry.counter)
        }
    }

    mutating func readVector() throws(WireDecodeError) -> VersionVector {
        let count = Int(try field(UInt32.self))
        guard count <= readableBytes / 16 else { throw .truncated }
        var entries: [Dot] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let actor = ActorID(rawValue: try field(UInt64.self))
            let counter = try field(UInt64.self)
            guard counter >= 1, entries.last.map({ $0.actor < actor }) ?? true else {
                throw .invalidField("vector")
            }
            entries.append(Dot(actor: actor, counter: counter))
        }
        return VersionVector(sorted: entries)
    }

    mutating func writeConsistency(_ level: Consistency) {
        switch level {
        case .one: writeInteger(UInt8(0xF1))
        case .quorum: writeInteger(UInt8(0xF2))
        case .all: writeInteger(UInt8(0xF3))
        case .count(let n): writeInteger(n)
        }
    }

    mutating func readConsistency() throws(WireDecodeError) -> Consistency {
        switch try field(UInt8.self) {
        case 0xF1: return .one
        case 0xF2: return .quorum
        case 0xF3: return .all
        case let n where n >= 1 && n <= UInt8(ReplicaSet.replicasMax): return .count(n)
        default: throw .invalidField("consistency")
        }
    }

    mutating func writeFailure(_ failure: StorageFailure) {
        switch failure {
        case .noSpace: writeInteger(UInt8(1))
        case .io: writeInteger(UInt8(2))
        case .corrupt: writeInteger(UInt8(3))
        case .readOnly: writeInteger(UInt8(4))
        }
    }

    mutating func readFailure() throws(WireDecodeError) -> StorageFailure {
        switch try field(UInt8.self) {
        case 1: return .noSpace
        case 2: return .io
        case 3: return .corrupt
        case 4: return .readOnly
        default: throw .invalidField("storage failure")
        }
    }

    mutating func writeFlag(_ flag: Bool) {
        writeInteger(UInt8(flag ? 1 : 0))
    }

    mutating func readFlag() throws(WireDecodeError) -> Bool {
        switch try field(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .invalidField("flag")
        }
    }
}

/// The same fields as parts of one piece.
extension ByteWriter {
    static func length(of bytes: ByteBuffer) -> Int {
        MemoryLayout<UInt32>.size + bytes.readableBytes
    }

    /// As ``NIOCore/ByteBuffer/writeBytes(_:)``.
    mutating func field(_ bytes: ByteBuffer) {
        integer(UInt32(bytes.readableBytes))
        self.bytes(of: bytes)
    }

    static func length(ofHeld key: StoredKey) -> Int {
        1 + (key.standInFor == nil ? 0 : MemoryLayout<UInt16>.size) + length(of: key.bytes)
    }

    /// As ``NIOCore/ByteBuffer/writeHeldKey(_:)``.
    mutating func held(_ key: StoredKey) {
        byte(key.standInFor == nil ? 0 : 1)
        if let home = key.standInFor { integer(home.rawValue) }
        field(key.bytes)
    }
}

extension Interval {
    /// As it travels (``NIOCore/ByteBuffer/writeInterval(_:)``).
    var fieldValue: UInt32 { UInt32(clamping: microseconds) }
}
