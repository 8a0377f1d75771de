package import HengeBase

package import struct NIOCore.ByteBuffer

/// An object in its stored and wire form, checked but not decoded.
///
/// Layout; integers big-endian or unsigned LEB128 ("varint"):
///
///     u8 format · u32 header length (from the start)
///     varint entries · each: u64 actor, varint counter              the context, by actor
///     varint siblings · each: varint entry index, varint counter,   by dot
///         u64 timestamp, u8 flags, [varint expiry], [varint value length],
///         [varint metadata length]
///     the values, each with its metadata behind it, in the order of the siblings
///
/// The format is 2 if any sibling has metadata, and 1 otherwise, in which no lengths of metadata
/// are known: what carries none has the bytes that it always had.
///
/// All that tells versions apart is in the header, in one canonical form, so a digest is a hash of
/// the header and a reader that needs only the version does not touch a value.
package struct EncodedObject: Hashable, Sendable {
    static let format: UInt8 = 1
    static let formatDescribed: UInt8 = 2
    static let prefixLength = 5

    /// The whole encoding.
    package let bytes: ByteBuffer
    package let headerLength: Int
    package let siblingCount: Int

    /// Checks the header; the values are opaque. O(header), allocates nothing.
    package init(_ bytes: ByteBuffer) throws(ObjectDecodeError) {
        let shape = try bytes.withUnsafeReadableBytes { (raw) throws(ObjectDecodeError) in
            try EncodedObject.check(raw)
        }
        self.bytes = bytes
        headerLength = shape.headerLength
        siblingCount = shape.siblingCount
    }

    /// Reads through the header, touching no byte after it.
    package static func check(
        _ bytes: UnsafeRawBufferPointer
    ) throws(ObjectDecodeError) -> (headerLength: Int, siblingCount: Int) {
        var header = try HeaderReader(bytes)
        try header.skipEntries()
        var end = header.length
        while let sibling = try header.nextSibling() { end += sibling.payloadLength }
        guard end == bytes.count else {
            throw .wrongLength(expected: end, actual: bytes.count)
        }
        return (header.length, header.siblingCount)
    }

    init(trusted bytes: ByteBuffer, headerLength: Int, siblingCount: Int) {
        self.bytes = bytes
        self.headerLength = headerLength
        self.siblingCount = siblingCount
    }

    /// The bytes that tell this version from others: equal exactly when the versions are.
    package func withHeaderBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        bytes.withUnsafeReadableBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[..<headerLength]))
        }
    }

    /// Whether both name the same version, by comparing headers alone.
    package func hasSameVersion(as other: EncodedObject) -> Bool {
        guard headerLength == other.headerLength else { return false }
        return withHeaderBytes { own in
            other.withHeaderBytes { own.elementsEqual($0) }
        }
    }

    /// The context alone, without decoding the siblings.
    package var context: VersionVector {
        walk { (header) throws(ObjectDecodeError) in try header.readContext() }
    }

    /// The live sibling of the greatest timestamp, as ``VersionedObject/newestLive(at:)``.
    package func newestLive(at wall: WallTime) -> LiveValue? {
        var best: HeaderReader.SiblingHeader?
        var bestOffset = 0
        forEachSibling { sibling, valueOffset in
            guard sibling.isLive(at: wall) else { return }
            // Siblings come in order of dot, so `>=` lets the greater dot win a tie.
            if best.map({ sibling.timestamp >= $0.timestamp }) ?? true {
                best = sibling
                bestOffset = valueOffset
            }
        }
        return best.map { LiveValue($0, slice(bestOffset, $0.valueLength)) }
    }

    /// Whether a reader at `wall` finds a value.
    package func isLive(at wall: WallTime) -> Bool {
        var live = false
        forEachSibling { sibling, _ in live = live || sibling.isLive(at: wall) }
        return live
    }

    /// Whether any sibling is a value, expired or not.
    package var holdsValue: Bool {
        var holds = false
        forEachSibling { sibling, _ in holds = holds || !sibling.isTombstone }
        return holds
    }

    /// Whether any sibling is a value, expired or not, and whether any expires some day or has.
    /// Both in one walk, since each write asks.
    package var holdings: (value: Bool, expiry: Bool) {
        var value = false
        var expiry = false
        forEachSibling { sibling, _ in
            value = value || !sibling.isTombstone
            expiry = expiry || sibling.expiry != nil
        }
        return (value, expiry)
    }

    /// Whether the vector covers the dot of any sibling.
    package func holdsSibling(coveredBy vector: VersionVector) -> Bool {
        var holds = false
        forEachSibling { sibling, _ in holds = holds || vector.covers(sibling.dot) }
        return holds
    }

    /// The same context with nothing standing: it removes, from any replica that merges it, each
    /// sibling that the context covers.
    package var withoutSiblings: EncodedObject {
        siblingCount == 0 ? self : VersionedObject(context: context, siblings: []).encoded()
    }

    /// How many live siblings a reader at `wall` finds.
    package func liveCount(at wall: WallTime) -> Int {
        var count = 0
        forEachSibling { sibling, _ in count += sibling.isLive(at: wall) ? 1 : 0 }
        return count
    }

    /// The greatest timestamp of all siblings; zero when there are none.
    package var latestTimestamp: HybridTimestamp {
        var latest = HybridTimestamp.zero
        forEachSibling { sibling, _ in latest = max(latest, sibling.timestamp) }
        return latest
    }

    /// What names its siblings, in order, and when each was written.
    var writes: [(dot: Dot, timestamp: HybridTimestamp)] {
        var writes: [(dot: Dot, timestamp: HybridTimestamp)] = []
        writes.reserveCapacity(siblingCount)
        forEachSibling { sibling, _ in writes.append((sibling.dot, sibling.timestamp)) }
        return writes
    }

    /// The object; values are slices of these bytes.
    package func decoded() -> VersionedObject {
        walk { (header) throws(ObjectDecodeError) in
            let context = try header.readContext()
            var siblings: [Sibling] = []
            siblings.reserveCapacity(siblingCount)
            var offset = header.length
            while let sibling = try header.nextSibling() {
                siblings.append(
                    Sibling(
                        dot: sibling.dot,
                        timestamp: sibling.timestamp,
                        expiry: sibling.expiry,
                        payload: payload(sibling, offset)
                    )
                )
                offset += sibling.payloadLength
            }
            return VersionedObject(context: context, siblings: siblings)
        }
    }

    private func forEachSibling(_ body: (HeaderReader.SiblingHeader, _ valueOffset: Int) -> Void) {
        walk { (header) throws(ObjectDecodeError) in
            try header.skipEntries()
            var offset = header.length
            while let sibling = try header.nextSibling() {
                body(sibling, offset)
                offset += sibling.payloadLength
            }
        }
    }

    private func payload(
        _ sibling: HeaderReader.SiblingHeader,
        _ offset: Int
    ) -> Sibling.Payload {
        guard !sibling.isTombstone else { return .tombstone }
        let value = slice(offset, sibling.valueLength)
        guard sibling.metadataLength > 0 else { return .value(value) }
        return .value(
            value,
            metadata: slice(offset + sibling.valueLength, sibling.metadataLength)
        )
    }

    private func slice(_ offset: Int, _ length: Int) -> ByteBuffer {
        guard let slice = bytes.getSlice(at: bytes.readerIndex + offset, length: length) else {
            preconditionFailure("lengths were checked when the object was made")
        }
        return slice
    }

    /// Walks a header that `init` has already found well-formed.
    private func walk<R>(_ body: (inout HeaderReader) throws(ObjectDecodeError) -> R) -> R {
        do throws(ObjectDecodeError) {
            return try bytes.withUnsafeReadableBytes { (raw) throws(ObjectDecodeError) in
                var header = try HeaderReader(raw)
                return try body(&header)
            }
        } catch {
            preconditionFailure("checked when the object was made: \(error)")
        }
    }
}

/// The value that a plain reader gets, with what it may ask about it.
package struct LiveValue: Hashable, Sendable {
    package let value: ByteBuffer
    package let timestamp: HybridTimestamp
    package let expiry: WallTime?

    package init(value: ByteBuffer, timestamp: HybridTimestamp, expiry: WallTime?) {
        self.value = value
        self.timestamp = timestamp
        self.expiry = expiry
    }

    init(_ sibling: HeaderReader.SiblingHeader, _ value: ByteBuffer) {
        self.value = value
        timestamp = sibling.timestamp
        expiry = sibling.expiry
    }
}
