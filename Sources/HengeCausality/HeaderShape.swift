import HengeBase

/// What one walk through a whole header finds, for the questions that each write asks: an object
/// keeps it, so that they need no walk of their own.
package struct HeaderShape {
    package let headerLength: Int
    package let siblingCount: Int
    var traits: HeaderTraits = []
    /// The greatest of all siblings; zero when there are none.
    var latestTimestamp = HybridTimestamp.zero
    /// Where the object ends, by the lengths of its values.
    var objectLength: Int

    /// Reads through the header, touching no byte after it. Allocates nothing.
    init(_ bytes: UnsafeRawBufferPointer) throws(ObjectDecodeError) {
        var header = try HeaderReader(bytes)
        try header.skipEntries()
        headerLength = header.length
        siblingCount = header.siblingCount
        objectLength = header.length
        while let sibling = try header.nextSibling() {
            objectLength += sibling.payloadLength
            if !sibling.isTombstone { traits.insert(.value) }
            if sibling.expiry != nil { traits.insert(.expiry) }
            if sibling.metadataLength > 0 { traits.insert(.metadata) }
            latestTimestamp = max(latestTimestamp, sibling.timestamp)
        }
    }

    /// Of an object that is encoded with a header of this length.
    init(of object: VersionedObject, headerLength: Int, objectLength: Int) {
        self.headerLength = headerLength
        self.objectLength = objectLength
        siblingCount = object.siblings.count
        for sibling in object.siblings {
            if sibling.payload != .tombstone { traits.insert(.value) }
            if sibling.expiry != nil { traits.insert(.expiry) }
            if sibling.metadata != nil { traits.insert(.metadata) }
            latestTimestamp = max(latestTimestamp, sibling.timestamp)
        }
    }
}

/// What some sibling of an object has.
struct HeaderTraits: OptionSet, Hashable {
    let rawValue: UInt8

    /// A value, expired or not.
    static let value = HeaderTraits(rawValue: 1)
    /// A time at which it expires, or has expired.
    static let expiry = HeaderTraits(rawValue: 2)
    /// Something that was said about a value.
    static let metadata = HeaderTraits(rawValue: 4)
}
