import HengeBase

/// Walks the header of an encoded object; ``EncodedObject`` tells the layout.
struct HeaderReader {
    static let tombstoneFlag: UInt8 = 1
    static let expiryFlag: UInt8 = 2

    struct SiblingHeader {
        let entryIndex: Int
        let counter: UInt64
        let timestamp: HybridTimestamp
        let isTombstone: Bool
        let expiry: WallTime?
        let valueLength: Int

        func isLive(at wall: WallTime) -> Bool {
            guard !isTombstone else { return false }
            return expiry.map { $0 > wall } ?? true
        }
    }

    let length: Int
    let siblingCount: Int
    private var siblingsRead = 0
    /// Offset of the first context entry, to look counters up without keeping them.
    private let entries: Int

    /// Reads up to the first sibling.
    init(_ cursor: inout ByteCursor) throws(ObjectDecodeError) {
        let available = cursor.remaining
        length = try HeaderReader.prefix(&cursor, available: available)
        entryCount = try HeaderReader.count(&cursor, unit: 9)
        entries = cursor.offset
        var previous: UInt64?
        for _ in 0..<entryCount {
            let actor = try cursor.integer(UInt64.self)
            if let previous, actor <= previous { throw .brokenInvariant(at: cursor.offset) }
            previous = actor
            if try cursor.varint() == 0 { throw .brokenInvariant(at: cursor.offset) }
        }
        siblingCount = try HeaderReader.count(&cursor, unit: 11)
    }

    private let entryCount: Int

    mutating func next(_ cursor: inout ByteCursor) throws(ObjectDecodeError) -> SiblingHeader? {
        guard siblingsRead < siblingCount else { return nil }
        siblingsRead += 1
        let index = try cursor.varint()
        let counter = try cursor.varint()
        guard index < UInt64(entryCount), counter >= 1,
            counter <= cursor.counter(ofEntry: Int(index), from: entries)
        else { throw .brokenInvariant(at: cursor.offset) }
        let timestamp = HybridTimestamp(rawValue: try cursor.integer(UInt64.self))
        let flags = try cursor.byte()
        guard flags & ~(HeaderReader.tombstoneFlag | HeaderReader.expiryFlag) == 0 else {
            throw .brokenInvariant(at: cursor.offset)
        }
        let isTombstone = flags & HeaderReader.tombstoneFlag != 0
        let expiry = flags & HeaderReader.expiryFlag != 0 ? try cursor.varint() : nil
        let valueLength = isTombstone ? 0 : try cursor.varint()
        guard valueLength <= UInt64(UInt32.max) else {
            throw .malformedInteger(at: cursor.offset)
        }
        return SiblingHeader(
            entryIndex: Int(index),
            counter: counter,
            timestamp: timestamp,
            isTombstone: isTombstone,
            expiry: expiry.map(WallTime.init(milliseconds:)),
            valueLength: Int(valueLength)
        )
    }

    /// Reads the context alone.
    static func context(_ cursor: inout ByteCursor) throws(ObjectDecodeError) -> VersionVector {
        let available = cursor.remaining
        _ = try prefix(&cursor, available: available)
        let count = try count(&cursor, unit: 9)
        var entries: [Dot] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let actor = ActorID(rawValue: try cursor.integer(UInt64.self))
            entries.append(Dot(actor: actor, counter: try cursor.varint()))
        }
        return VersionVector(sorted: entries)
    }

    private static func prefix(
        _ cursor: inout ByteCursor,
        available: Int
    ) throws(ObjectDecodeError) -> Int {
        let format = try cursor.byte()
        guard format == EncodedObject.format else { throw .unknownFormat(format) }
        let length = Int(try cursor.integer(UInt32.self))
        guard length >= EncodedObject.prefixLength, length <= available else {
            throw .wrongLength(expected: length, actual: available)
        }
        return length
    }

    /// A count of things of at least `unit` bytes, which therefore can't exceed the bytes that are left.
    private static func count(
        _ cursor: inout ByteCursor,
        unit: Int
    ) throws(ObjectDecodeError) -> Int {
        let count = try cursor.varint()
        guard count <= UInt64(cursor.remaining / unit) else { throw .truncated(at: cursor.offset) }
        return Int(count)
    }
}

extension ByteCursor {
    /// The counter of the context entry `index`, read from entries that were checked before.
    fileprivate func counter(ofEntry index: Int, from start: Int) -> UInt64 {
        var probe = self
        probe.move(to: start)
        var counter: UInt64 = 0
        for _ in 0...index {
            guard (try? probe.integer(UInt64.self)) != nil, let next = try? probe.varint() else {
                return 0
            }
            counter = next
        }
        return counter
    }
}
