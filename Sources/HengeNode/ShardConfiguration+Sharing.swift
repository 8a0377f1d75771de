extension ShardConfiguration {
    /// What each of so many shards of a node may use, if this is what the node may.
    package func shared(among shards: Int) -> ShardConfiguration {
        var own = self
        own.hintBytesMax /= shards
        own.hintBytesPerSecond /= shards
        own.entropyBytesPerSecond /= shards
        own.transferBytesPerSecond /= shards
        own.background.bytesPerSecond /= shards
        return own
    }
}
