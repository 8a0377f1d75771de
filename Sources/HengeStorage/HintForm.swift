import HengeBase
import HengeMessages

import struct NIOCore.ByteBuffer

/// How the column family `hints` lies in RocksDB (docs/decisions/0008). Integers are big-endian, so
/// that the order of the keys is the order of targets, then sequences.
///
///     0, target (u16), sequence (u64) → created (u64), whose (u8), [home (u16)], stored key
///     1, home (u16), stored key       → the object that is held in the place of `home`
///
/// The record that a hint names is the holder's own (0), or held for the target (1) or `home` (2).
/// Values carry the checksum of ``RecordForm``.
enum HintForm {
    enum Key: Equatable {
        case hint(target: NodeID, sequence: UInt64)
        /// The record held for it begins with ``standInPrefixLength`` bytes before the stored key.
        case standIn(home: NodeID)
    }

    private static let hintKind: UInt8 = 0
    private static let standInKind: UInt8 = 1
    static let standInPrefixLength = 3
    private static let hintKeyLength = 11

    static func standInKey(_ key: ByteBuffer, home: NodeID) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(standInPrefixLength + key.readableBytes)
        buffer.writeInteger(standInKind)
        buffer.writeInteger(home.rawValue)
        buffer.writeImmutableBuffer(key)
        return buffer
    }

    static func writeKey(_ target: NodeID, _ sequence: UInt64, into buffer: inout ByteBuffer) {
        buffer.writeInteger(hintKind)
        buffer.writeInteger(target.rawValue)
        buffer.writeInteger(sequence)
    }

    static func writeValue(of hint: Hint, into buffer: inout ByteBuffer) {
        buffer.writeInteger(hint.created.milliseconds)
        switch hint.key.standInFor {
        case nil: buffer.writeInteger(0, as: UInt8.self)
        case hint.target: buffer.writeInteger(1, as: UInt8.self)
        case let home?:
            buffer.writeInteger(2, as: UInt8.self)
            buffer.writeInteger(home.rawValue)
        }
        buffer.writeImmutableBuffer(hint.key.bytes)
    }

    /// The bound of a walk over one target's hints, as ``RecordIterator`` takes it: the first eight
    /// bytes of the last key.
    static func walkEnd(_ target: NodeID) -> UInt64 {
        (UInt64(target.rawValue) + 1) << 40 - 1
    }

    /// Nil when it is no key of this family.
    static func key(_ bytes: UnsafeRawBufferPointer) -> Key? {
        guard bytes.count >= standInPrefixLength else { return nil }
        let node = NodeID(UInt16(bytes[1]) << 8 | UInt16(bytes[2]))
        switch bytes[0] {
        case hintKind:
            guard bytes.count == hintKeyLength else { return nil }
            let sequence = bytes.loadUnaligned(fromByteOffset: 3, as: UInt64.self)
            return .hint(target: node, sequence: UInt64(bigEndian: sequence))
        case standInKind: return .standIn(home: node)
        default: return nil
        }
    }

    /// When a hint was kept; nil when its value fails its checksum.
    static func created(
        key: UnsafeRawBufferPointer,
        value: UnsafeRawBufferPointer
    ) -> WallTime? {
        guard let object = RecordForm.object(in: value, key: key), object.count >= 8 else {
            return nil
        }
        return WallTime(
            milliseconds: UInt64(bigEndian: object.loadUnaligned(as: UInt64.self))
        )
    }

    /// Reads a hint; nil when it fails its checksum or is none.
    static func hint(
        _ target: NodeID,
        _ sequence: UInt64,
        key: UnsafeRawBufferPointer,
        value: UnsafeRawBufferPointer
    ) -> Hint? {
        guard let created = created(key: key, value: value) else { return nil }
        var rest = ByteBuffer(bytes: value.dropFirst(8).dropLast(RecordForm.checksumLength))
        guard let flag: UInt8 = rest.readInteger(), flag <= 2 else { return nil }
        var home = flag == 1 ? target : nil
        if flag == 2 {
            guard let id: UInt16 = rest.readInteger() else { return nil }
            home = NodeID(id)
        }
        guard let named = StoredKey(stored: rest.slice()) else { return nil }
        return Hint(
            target: target,
            sequence: sequence,
            created: created,
            key: named.standingIn(for: home)
        )
    }
}
