import HengeAntiEntropy
import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

/// Telling when all is done that there was to do at some time: hints delivered, the change of the
/// ring through with what it leaves behind, and then each replica compared with each other one.
///
/// What differs is known to nobody before it is compared, so that takes comparisons begun later.
/// Those are asked for here and not waited for until they are due. A record that some node holds
/// in the place of a replica comes to that replica alone: no comparison may begin before all nodes
/// have delivered what they held, which only those can know who ask all of them.
extension Shard {
    /// Marks what there is to do now, and tells how much that is; nil when too many wait already.
    ///
    /// A mark is forgotten when nobody asks for it for a minute.
    package mutating func beginSettling(at time: ClockReading) -> SettleStatus? {
        let added = settling.add(
            life: firstGeneration,
            hints: hints.marks,
            awaitsChange: ring.document.transition != nil,
            awaitsDrops: true,
            now: time.now
        )
        return added.map { settleStatus(at: $0, time) }
    }

    /// What is left of a mark; nil when there is none of this name, or no more.
    ///
    /// - Parameter comparing: whether nothing but comparisons is left of the marks of all nodes.
    ///   Without that none counts.
    package mutating func settleStatus(
        of token: SettleToken,
        comparing: Bool,
        at time: ClockReading
    ) -> SettleStatus? {
        guard let index = settling.asked(token, now: time.now) else { return nil }
        noteDrops(index)
        let mark = settling.marks[index]
        if comparing, hintsLeft(mark).isEmpty, changeLeft(mark).isEmpty {
            settling.compare(index, since: time.now)
        }
        return settleStatus(at: index, time)
    }

    private mutating func settleStatus(at index: Int, _ time: ClockReading) -> SettleStatus {
        noteDrops(index)
        let mark = settling.marks[index]
        wantComparisons(mark, at: time)
        let left =
            mark.isDone ? [] : hintsLeft(mark) + changeLeft(mark) + comparisonsLeft(mark)
        if left.isEmpty { settling.done(index) }
        return SettleStatus(token: mark.token, epoch: ring.document.epoch, left: left)
    }

    // MARK: Hints

    private func hintsLeft(_ mark: SettleMarks.Mark) -> [SettleStatus.Left] {
        mark.hints.compactMap { hint in
            let count = hints.left(of: hint)
            guard count > 0 else { return nil }
            let bytes = hints.backlog(hint.target).bytes
            let work = SettleStatus.Work.hints(for: hint.target, count: count, bytes: bytes)
            return SettleStatus.Left(work, wait: hintWait(hint.target))
        }
    }

    private func hintWait(_ target: NodeID) -> SettleStatus.Wait? {
        if areHintsPaused { return .paused }
        guard mayDeliver(to: target) else { return .down(target) }
        let isReady = deliveries.contains { $0.target == target && $0.machine.isReady }
        return isReady ? .transfer(.budget) : nil
    }

    // MARK: The change of the ring

    private func changeLeft(_ mark: SettleMarks.Mark) -> [SettleStatus.Left] {
        var left: [SettleStatus.Left] = []
        if mark.awaitsChange {
            let progress = ringReport?.progress ?? TransferProgress()
            if progress.partitionsLeft > 0 {
                let work = SettleStatus.Work.transfers(
                    partitions: progress.partitionsLeft,
                    bytes: progress.bytesLeft
                )
                left.append(.init(work, wait: progress.wait.map { .transfer($0) }))
            }
            let moving = partitions.count { isMoving($0) }
            let isHeld = progress.wait == .held
            left.append(.init(.change(partitions: moving), wait: isHeld ? .transfer(.held) : nil))
        }
        guard mark.awaitsDrops else { return left }
        let isCounted = tallies.isComplete && trees.isReady
        let foreign = partitions.count { isForeign($0) }
        if foreign > 0 || !isCounted {
            left.append(.init(.drops(partitions: foreign), wait: isCounted ? nil : .counting))
        }
        return left
    }

    /// Whether something is here of a partition that this node is no home of.
    private func isForeign(_ partition: Int) -> Bool {
        !ring.homes(partition: partition).contains(node)
            && (holdsAny(of: partition) || transfers.dropping.contains(partition))
    }

    /// Partitions of later changes do not count.
    private mutating func noteDrops(_ index: Int) {
        let mark = settling.marks[index]
        guard mark.awaitsDrops, !mark.awaitsChange, tallies.isComplete, trees.isReady else {
            return
        }
        if !partitions.contains(where: { isForeign($0) }) { settling.dropsDone(index) }
    }

    // MARK: Comparisons

    private func comparisonsLeft(_ mark: SettleMarks.Mark) -> [SettleStatus.Left] {
        entropyPeers.compactMap { peer in
            let count = peer.unverified(since: mark.comparesSince, sharedBy: mark.sharedBy)
            guard count > 0 else { return nil }
            let work = SettleStatus.Work.comparisons(with: peer.id, partitions: count)
            return SettleStatus.Left(work, wait: comparisonWait(peer, mark))
        }
    }

    private func comparisonWait(
        _ peer: EntropyPeer,
        _ mark: SettleMarks.Mark
    ) -> SettleStatus.Wait? {
        if !isUp(peer.id) { return .down(peer.id) }
        if mark.comparesSince == nil { return .hints }
        if !trees.isReady { return .counting }
        return peer.machine.isReady ? .transfer(.budget) : nil
    }

    /// Has those begin with the next housekeeping that the mark waits for, that nobody is making
    /// and that were not tried just now.
    private mutating func wantComparisons(_ mark: SettleMarks.Mark, at time: ClockReading) {
        guard let since = mark.comparesSince, !mark.isDone else { return }
        for index in entropyPeers.indices {
            let peer = entropyPeers[index]
            // One that has been silent for so long is given up.
            let isHeard = peer.theirPass.map { time.now.since($0.heard) <= Self.passSilenceMax }
            guard peer.machine.isIdle, isHeard != true,
                peer.began <= since || time.now >= peer.began + compareRetry,
                peer.unverified(since: since, sharedBy: mark.sharedBy) > 0
            else { continue }
            entropyPeers[index].isWanted = true
        }
    }
}
