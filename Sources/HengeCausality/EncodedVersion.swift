package import HengeBase

package import struct NIOCore.ByteBuffer

/// The header of an encoded object, without its values: which version of a record it is, for those
/// who replace it, count it or compare it and never show it.
///
/// It is a few dozen bytes of a record of any size, so that memory holds the versions of many more
/// records than records.
package struct EncodedVersion: Hashable, Sendable {
    /// Its bytes end with the header: nothing here may ask it for a value.
    private let header: EncodedObject
    /// Bytes of the whole object.
    package let objectLength: Int

    /// The header of this object, unchecked; nil of what is too short to have one.
    ///
    /// - Parameter object: a slice of it is returned, which shares its memory.
    package static func headerBytes(of object: ByteBuffer) -> ByteBuffer? {
        let lengthIndex = object.readerIndex + MemoryLayout<UInt8>.size
        guard let length = object.getInteger(at: lengthIndex, as: UInt32.self),
            length >= EncodedObject.prefixLength
        else { return nil }
        return object.getSlice(at: object.readerIndex, length: Int(length))
    }

    /// Checks the header, of which `bytes` must be all.
    package init(_ bytes: ByteBuffer) throws(ObjectDecodeError) {
        let found = try bytes.withUnsafeReadableBytes { (raw) throws(ObjectDecodeError) in
            var header = try HeaderReader(raw)
            guard header.length == raw.count else {
                throw .wrongLength(expected: header.length, actual: raw.count)
            }
            try header.skipEntries()
            var end = header.length
            while let sibling = try header.nextSibling() { end += sibling.payloadLength }
            return (siblingCount: header.siblingCount, end: end)
        }
        header = EncodedObject(
            trusted: bytes,
            headerLength: bytes.readableBytes,
            siblingCount: found.siblingCount
        )
        objectLength = found.end
    }

    package var siblingCount: Int { header.siblingCount }

    package var context: VersionVector { header.context }

    /// As ``EncodedObject/holdings``.
    package var holdings: (value: Bool, expiry: Bool) { header.holdings }

    /// The bytes that tell this version from others: equal exactly when the versions are.
    package func withHeaderBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        header.withHeaderBytes(body)
    }

    /// Whether this is the object's version.
    package func isVersion(of object: EncodedObject) -> Bool {
        header.hasSameVersion(as: object)
    }

    /// What names its siblings, in order, and when each was written.
    package var writes: [(dot: Dot, timestamp: HybridTimestamp)] { header.writes }
}
