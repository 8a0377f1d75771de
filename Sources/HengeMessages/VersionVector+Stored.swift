package import HengeCausality

package import struct NIOCore.ByteBuffer

/// A version vector as it is stored: its wire form, and nothing after it.
extension VersionVector {
    package var stored: ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeVector(self)
        return bytes
    }

    /// nil when the bytes are none.
    package init?(stored bytes: ByteBuffer) {
        var bytes = bytes
        guard let vector = try? bytes.readVector(), bytes.readableBytes == 0 else { return nil }
        self = vector
    }
}
