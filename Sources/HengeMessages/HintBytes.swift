package import struct NIOCore.ByteBuffer

extension Hint {
    /// What the hint adds to ``HintBacklog/bytes``: its key and its value as they are stored.
    package var byteCount: Int {
        let namesThird = key.standInFor != nil && key.standInFor != target
        return key.bytes.readableBytes + (namesThird ? 22 : 20)
    }
}

extension HintBacklog {
    /// What a record that is held in the target's place adds to ``bytes``.
    package static func byteCount(of key: StoredKey, _ object: ByteBuffer) -> Int {
        key.bytes.readableBytes + object.readableBytes
    }
}
