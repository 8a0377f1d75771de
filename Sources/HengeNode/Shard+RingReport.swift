import HengeBase
package import HengeMessages
import HengeReplication
import HengeRing

/// What the other members are to know of this node's part in a change of the ring.
extension Shard {
    /// How far this shard is with the partitions that its node takes over; nil while nothing moves.
    /// O(partitions).
    package var ringReport: RingReport? {
        guard ring.document.transition != nil else { return nil }
        let ready = transfers.incoming.filter(\.machine.isDone).map {
            UInt16($0.machine.partition)
        }
        return RingReport(
            epoch: ring.document.epoch,
            ready: ready,
            isDrained: isDrained,
            progress: progress
        )
    }

    private var progress: TransferProgress {
        var progress = TransferProgress()
        let joining = partitions.filter { joins($0) }
        let past = joining.count { ring.step(of: $0) > .writeBoth }
        let done = transfers.incoming.count { $0.machine.isDone }
        progress.partitionsDone = past + done
        progress.partitionsLeft = joining.count - progress.partitionsDone
        progress.keysDone = transfers.keysDone
        progress.bytesDone = transfers.bytesDone
        progress.recordsSkipped = transfers.skipped
        if mustDrain, !isDrained { progress.wait = .held }
        guard progress.partitionsLeft > 0 else { return progress }
        progress.bytesPerSecond = transfers.bytesPerSecond
        progress.bytesLeft = bytesLeft(joining: joining.count - past)
        progress.wait = transferWait
        return progress
    }

    /// - Parameter joining: partitions that have not gone on to the steps after the transfer.
    private func bytesLeft(joining: Int) -> Int {
        let begun = transfers.incoming.filter { !$0.machine.cursor.sources.isEmpty }
        let known = begun.reduce(0) { $0 + $1.machine.bytesLeft }
        let unknown = joining - begun.count
        guard !begun.isEmpty else { return known }
        // Those that nothing has come of yet will be as large as the others on average.
        let whole = begun.reduce(known) { $0 + $1.machine.cursor.bytes }
        return known + whole / begun.count * max(0, unknown)
    }

    private var transferWait: TransferWait? {
        guard transfers.runningCount == 0 else { return nil }
        if isStorageTight || isStorageBehind { return .storage }
        let left = transfers.incoming.filter { !$0.machine.isDone }
        let adopted = left.filter { isAdopted($0.machine.partition) }
        // Nothing can begin before the step is made, either.
        guard !adopted.isEmpty else { return .adoption }
        let waits = adopted.map(\.machine.wait)
        if waits.contains(.budget) { return .budget }
        return waits.first ?? nil
    }
}
