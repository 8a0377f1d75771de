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
    // What is found of the header when the object is made, in as few bytes as it has beside a
    // buffer: an object is moved more often than it is asked. The header's length is of 32 bits,
    // and so the number of siblings, which take more than a byte each.
    private let traits: HeaderTraits
    private let headerLength32: UInt32
    private let siblingCount32: UInt32
    /// The greatest timestamp of all siblings; zero when there are none.
    package let latestTimestamp: HybridTimestamp

    /// Checks the header; the values are opaque. O(header), allocates nothing.
    package init(_ bytes: ByteBuffer) throws(ObjectDecodeError) {
        let shape = try bytes.withUnsafeReadableBytes { (raw) throws(ObjectDecodeError) in
            try EncodedObject.check(raw)
        }
        self.init(bytes, shape)
    }

    /// Reads through the header, touching no byte after it.
    package static func check(
        _ bytes: UnsafeRawBufferPointer
    ) throws(ObjectDecodeError) -> HeaderShape {
        let shape = try HeaderShape(bytes)
        guard shape.objectLength == bytes.count else {
            throw .wrongLength(expected: shape.objectLength, actual: bytes.count)
        }
        return shape
    }

    /// - Parameter shape: that of these bytes.
    init(_ bytes: ByteBuffer, _ shape: HeaderShape) {
        self.bytes = bytes
        traits = shape.traits
        headerLength32 = UInt32(shape.headerLength)
        siblingCount32 = UInt32(shape.siblingCount)
        latestTimestamp = shape.latestTimestamp
    }

    package var headerLength: Int { Int(headerLength32) }
    package var siblingCount: Int { Int(siblingCount32) }
    /// Whether any sibling is a value, expired or not.
    package var holdsValue: Bool { traits.contains(.value) }
    /// Whether any sibling expires some day, or has expired.
    package var holdsExpiry: Bool { traits.contains(.expiry) }

    /// The bytes that tell this version from others: equal exactly when the versions are.
    package func withHeaderBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        bytes.withUnsafeReadableBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[..<headerLength]))
        }
    }

    /// Whether both name the same version, by comparing headers alone.
    package func hasSameVersion(as other: EncodedObject) -> Bool {
        guard headerLength32 == other.headerLength32 else { return false }
        return withHeaderBytes { own in
            other.withHeaderBytes { HeaderComparison.areEqual(own, $0) }
        }
    }

    /// Whether this one has seen all that the other has, and each of its siblings is news to that:
    /// then the merge of both is this one.
    package func supersedes(_ other: EncodedObject) -> Bool {
        withHeaderBytes { own in
            other.withHeaderBytes { theirs in
                do throws(ObjectDecodeError) {
                    return try HeaderComparison.supersedes(own, theirs)
                } catch {
                    preconditionFailure("checked when the object was made: \(error)")
                }
            }
        }
    }

    /// The context alone, without decoding the siblings.
    package var context: VersionVector {
        walk { (header) throws(ObjectDecodeError) in try header.readContext() }
    }

    /// The live sibling of the greatest timestamp, as ``VersionedObject/newestLive(at:)``.
    package func newestLive(at wall: WallTime) -> LiveValue? {
        // Nearly all are one value and nothing more, which is all that is behind the header.
        if siblingCount32 == 1, traits == .value {
            let value = slice(headerLength, bytes.readableBytes - headerLength)
            return LiveValue(value: value, timestamp: latestTimestamp, expiry: nil)
        }
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
        guard holdsExpiry else { return holdsValue }
        var live = false
        forEachSibling { sibling, _ in live = live || sibling.isLive(at: wall) }
        return live
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

    /// What names its siblings, in order, and when each was written.
    package var writes: [(dot: Dot, timestamp: HybridTimestamp)] {
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
