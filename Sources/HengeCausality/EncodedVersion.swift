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
        let shape = try bytes.withUnsafeReadableBytes { (raw) throws(ObjectDecodeError) in
            try HeaderShape(raw)
        }
        guard shape.headerLength == bytes.readableBytes else {
            throw .wrongLength(expected: shape.headerLength, actual: bytes.readableBytes)
        }
        header = EncodedObject(bytes, shape)
        objectLength = shape.objectLength
    }

    package var siblingCount: Int { header.siblingCount }

    package var context: VersionVector { header.context }

    /// As ``EncodedObject/holdsValue``.
    package var holdsValue: Bool { header.holdsValue }
    /// As ``EncodedObject/holdsExpiry``.
    package var holdsExpiry: Bool { header.holdsExpiry }

    /// The bytes that tell this version from others: equal exactly when the versions are.
    package func withHeaderBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        header.withHeaderBytes(body)
    }

    /// Whether this is the object's version.
    package func isVersion(of object: EncodedObject) -> Bool {
        header.hasSameVersion(as: object)
    }

    /// Whether the object ``EncodedObject/supersedes(_:)`` that of this version.
    package func isSuperseded(by object: EncodedObject) -> Bool { object.supersedes(header) }

    /// What names its siblings, in order, and when each was written.
    package var writes: [(dot: Dot, timestamp: HybridTimestamp)] { header.writes }
}
