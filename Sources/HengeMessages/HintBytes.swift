package import struct NIOCore.ByteBuffer

extension Hint {
    /// What the hint adds to ``HintBacklog/bytes``: its key and its value as they are stored.
    package var byteCount: Int {
        key.bytes.readableBytes + (key.standInFor == nil ? 20 : 22)
    }
}

extension HintBacklog {
    /// What a record that is held in the target's place adds to ``bytes``.
    package static func byteCount(of key: StoredKey, _ object: ByteBuffer) -> Int {
        key.bytes.readableBytes + object.readableBytes
    }
}
