import HengeBase

/// Walks the header of an encoded object, front to back; ``EncodedObject`` tells the layout.
///
/// It checks every rule of the layout as it goes, so a header that it reads to the end is
/// well-formed and canonical. It can't reach beyond the header: a value is never touched.
package struct HeaderReader {
    static let tombstoneFlag: UInt8 = 1
    static let expiryFlag: UInt8 = 2
    static let metadataFlag: UInt8 = 4
    /// The fewest bytes of an entry: actor, counter.
    private static let entryLengthMin = 9
    /// The fewest bytes of a sibling: entry index, counter, timestamp, flags.
    private static let siblingLengthMin = 11

    struct SiblingHeader {
        let dot: Dot
        let timestamp: HybridTimestamp
        let isTombstone: Bool
        let expiry: WallTime?
        let valueLength: Int
        /// 0 where there is none.
        let metadataLength: Int

        /// Of what stands behind the header.
        var payloadLength: Int { valueLength + metadataLength }

        func isLive(at wall: WallTime) -> Bool {
            guard !isTombstone else { return false }
            return expiry.map { $0 > wall } ?? true
        }
    }

    /// Bytes of the header, from the start of the object.
    let length: Int
    let entryCount: Int
    /// Known once the entries are read.
    private(set) var siblingCount = 0
    private var entriesRead = 0
    /// The last of them that was read.
    private var lastEntry = Dot(actor: ActorID(rawValue: 0), counter: 0)

    private let flagsKnown: UInt8
    /// Whether a sibling that describes its value is still to come, as the format says.
    private var owesMetadata: Bool
    private var cursor: ByteCursor
    private var siblingsRead = 0
    /// A second cursor in the entries. Siblings name theirs in rising order, so one walk finds them
    /// all.
    private var entries: ByteCursor
    /// The entry that `entries` read last, and which one that was.
    private var entry = Dot(actor: ActorID(rawValue: 0), counter: 0)
    private var entryIndex = -1
    /// Of the last sibling of this entry; 0 before the first.
    private var siblingCounter: UInt64 = 0

    /// Reads up to the first entry.
    @inline(__always)
    package init(_ bytes: UnsafeRawBufferPointer) throws(ObjectDecodeError) {
        var prefix = ByteCursor(bytes)
        let format = try prefix.byte()
        switch format {
        case EncodedObject.format:
            flagsKnown = Self.tombstoneFlag | Self.expiryFlag
            owesMetadata = false
        case EncodedObject.formatDescribed:
            flagsKnown = Self.tombstoneFlag | Self.expiryFlag | Self.metadataFlag
            owesMetadata = true
        default: throw .unknownFormat(format)
        }
        length = Int(try prefix.integer(UInt32.self))
        guard length >= EncodedObject.prefixLength, length <= bytes.count else {
            throw .wrongLength(expected: length, actual: bytes.count)
        }
        cursor = ByteCursor(
            UnsafeRawBufferPointer(rebasing: bytes[..<length]),
            offset: EncodedObject.prefixLength
        )
        entryCount = try cursor.count(ofUnit: HeaderReader.entryLengthMin)
        entries = cursor
    }

    /// The next entry, by actor; nil after the last, when the siblings are next.
    ///
    /// Once it has been nil it must not be asked for again.
    @inline(__always)
    mutating func nextEntry() throws(ObjectDecodeError) -> Dot? {
        guard entriesRead < entryCount else {
            siblingCount = try cursor.count(ofUnit: HeaderReader.siblingLengthMin)
            return nil
        }
        let entry = try cursor.entry()
        guard entry.counter >= 1, entriesRead == 0 || entry.actor > lastEntry.actor else {
            throw .brokenInvariant(at: cursor.offset)
        }
        entriesRead += 1
        lastEntry = entry
        return entry
    }

    /// Moves past the entries to the first sibling.
    mutating func skipEntries() throws(ObjectDecodeError) {
        while try nextEntry() != nil {}
    }

    /// As ``skipEntries()``, returning them.
    package mutating func readContext() throws(ObjectDecodeError) -> VersionVector {
        var entries: [Dot] = []
        entries.reserveCapacity(entryCount)
        while let entry = try nextEntry() { entries.append(entry) }
        return VersionVector(sorted: entries)
    }

    /// The next sibling, by dot; nil after the last, which must end the header.
    mutating func nextSibling() throws(ObjectDecodeError) -> SiblingHeader? {
        guard siblingsRead < siblingCount else {
            guard cursor.remaining == 0 else {
                throw .wrongLength(expected: length, actual: cursor.offset)
            }
            guard !owesMetadata else { throw .brokenInvariant(at: cursor.offset) }
            return nil
        }
        siblingsRead += 1
        let dot = try nextDot()
        let timestamp = HybridTimestamp(rawValue: try cursor.integer(UInt64.self))
        let flags = try cursor.byte()
        guard flags & ~flagsKnown == 0 else { throw .brokenInvariant(at: cursor.offset) }
        let isTombstone = flags & HeaderReader.tombstoneFlag != 0
        let expiry = flags & HeaderReader.expiryFlag != 0 ? try cursor.varint() : nil
        let valueLength = isTombstone ? 0 : try cursor.varint()
        guard valueLength <= UInt64(UInt32.max) else {
            throw .malformedInteger(at: cursor.offset)
        }
        let metadataLength = flags & HeaderReader.metadataFlag != 0 ? try metadataLength(flags) : 0
        return SiblingHeader(
            dot: dot,
            timestamp: timestamp,
            isTombstone: isTombstone,
            expiry: expiry.map(WallTime.init(milliseconds:)),
            valueLength: Int(valueLength),
            metadataLength: metadataLength
        )
    }

    /// At least 1, and of a value: a tombstone says nothing.
    private mutating func metadataLength(_ flags: UInt8) throws(ObjectDecodeError) -> Int {
        let length = try cursor.varint()
        guard flags & HeaderReader.tombstoneFlag == 0, length > 0, length <= UInt64(UInt32.max)
        else { throw .brokenInvariant(at: cursor.offset) }
        owesMetadata = false
        return Int(length)
    }

    /// The name of the next sibling: greater than the last, and covered by the entry it points to.
    @inline(__always)
    private mutating func nextDot() throws(ObjectDecodeError) -> Dot {
        let index = try cursor.varint()
        let counter = try cursor.varint()
        guard index < UInt64(entryCount), index >= entryIndex else {
            throw .brokenInvariant(at: cursor.offset)
        }
        while index > entryIndex {
            entry = try entries.entry()
            entryIndex += 1
            siblingCounter = 0
        }
        guard counter > siblingCounter, counter <= entry.counter else {
            throw .brokenInvariant(at: cursor.offset)
        }
        siblingCounter = counter
        return Dot(actor: entry.actor, counter: counter)
    }
}

extension ByteCursor {
    @inline(__always)
    fileprivate mutating func entry() throws(ObjectDecodeError) -> Dot {
        let actor = ActorID(rawValue: try integer(UInt64.self))
        return Dot(actor: actor, counter: try varint())
    }
}
