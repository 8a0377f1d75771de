/// What the shards of a node say of a change of the ring, put together.
extension RingReport {
    /// The report of a node whose shards have said this; nil while none has said anything of the
    /// ring that was adopted last.
    ///
    /// - Parameter shards: each one's last word. One of an older ring, or none, counts as nothing
    ///   done.
    package static func joined(_ shards: [RingReport?]) -> RingReport? {
        guard let epoch = shards.lazy.compactMap({ $0?.epoch }).max() else { return nil }
        let current = shards.compactMap { $0?.epoch == epoch ? $0 : nil }
        return RingReport(
            epoch: epoch,
            ready: current.flatMap(\.ready).sorted(),
            isDrained: current.count == shards.count && current.allSatisfy(\.isDrained),
            progress: TransferProgress(sumOf: current.map(\.progress))
        )
    }
}

extension TransferProgress {
    /// It waits only if all parts do that have anything left.
    package init(sumOf parts: [TransferProgress]) {
        for part in parts {
            partitionsDone += part.partitionsDone
            partitionsLeft += part.partitionsLeft
            keysDone += part.keysDone
            bytesDone += part.bytesDone
            bytesLeft += part.bytesLeft
            bytesPerSecond += part.bytesPerSecond
            recordsSkipped += part.recordsSkipped
        }
        let moves = parts.contains { $0.partitionsLeft > 0 && $0.wait == nil }
        wait = moves ? nil : parts.lazy.compactMap(\.wait).first
    }
}
