import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Answering another node that compares its partition replicas with those of this one.
extension Shard {
    /// Ranges that are listed for other nodes at a time.
    private static let listingsMax = 16

    mutating func serveEntropy(
        _ id: RequestID,
        _ message: EntropyMessage,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        // What a node says that is taken to be down is from before it went, and would be remembered
        // as if its next life had said it.
        guard isUp(sender) else {
            counters.lateAnswers += 1
            if case .roots(let roots, _) = message {
                // Two nodes don't learn of each other at once. Silence would cost the asking one
                // all the time that it gives an answer.
                emit(allUnready(roots, told: clocks.noNews(for: sender)), to: sender, id, &effects)
            }
            return
        }
        switch message {
        case .roots(let roots, let told):
            guard isLater(id, of: sender) else { return counters.lateAnswers += 1 }
            let answer =
                goesFirst(sender, at: time, &effects)
                ? compare(id, roots, told, from: sender, at: time)
                : turnAway(id, roots, told, from: sender)
            emit(answer, to: sender, id, &effects)
        case .leaves(let question):
            hear(sender, at: time)
            guard isComparing(question.partition, with: sender),
                let answer = ComparisonAnswers.compare(question, with: trees[question.partition])
            else { return counters.lateAnswers += 1 }
            effects.emit(.sendBulk(sender, .entropy(id, .leavesCompared(answer))))
        case .versions(let question):
            hear(sender, at: time)
            serveVersions(id, question, from: sender, &effects)
        case .agreed(let partitions, let told):
            agreed(id, partitions, told, from: sender)
        case .disputed(let key): disputed(key, by: sender, at: time, &effects)
        case .askHeld:
            effects.emit(.sendBulk(sender, .entropy(id, .held(holdsForOthers))))
        case .held(let holds):
            heldAnswered(id, by: sender, holds: holds, at: time)
        case .rootsCompared, .leavesCompared, .versionsCompared:
            comparisonAnswered(id, message, from: sender, at: time, &effects)
        }
    }

    /// Whether a partition is being compared in a pass of the peer, and nothing of it was lost here
    /// since its roots were. The peer takes in what this node claimed then once the two are equal.
    private func isComparing(_ partition: Int, with peer: NodeID) -> Bool {
        guard trees.isReady, let index = entropyPeer(peer) else { return false }
        return entropyPeers[index].theirPass?.clocks[partition] != nil
    }

    private mutating func hear(_ sender: NodeID, at time: ClockReading) {
        guard let index = entropyPeer(sender) else { return }
        entropyPeers[index].theirPass?.heard = time.now
    }

    /// Whether a pass is later than all that the other node has begun on this connection. Messages
    /// that come out of order would have this node believe what no longer holds.
    private func isLater(_ pass: RequestID, of sender: NodeID) -> Bool {
        guard let index = entropyPeer(sender), let last = entropyPeers[index].theirLast else {
            return true
        }
        return Int32(truncatingIfNeeded: pass.generation &- last.generation) > 0
    }

    /// Both nodes may have begun a pass at once, as they do when all are told to: each would send
    /// what differs, so that most of it goes twice. One of the two ends its own for the other's.
    private mutating func goesFirst(
        _ sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> Bool {
        guard let index = entropyPeer(sender), entropyPeers[index].hasRootsOpen else { return true }
        if entropyPeers[index].begins { return false }
        advance(comparison: index, .stop, at: time, &effects)
        return true
    }

    /// The answer to a pass that the other node ends, or has ended, for the one from here. It says
    /// nothing of clocks: they are told once, and this may find nobody.
    private mutating func turnAway(
        _ id: RequestID,
        _ roots: [PartitionRoot],
        _ told: ToldClocks,
        from sender: NodeID
    ) -> EntropyMessage {
        if let index = entropyPeer(sender) { entropyPeers[index].theirLast = id }
        clocks.received(told, from: sender)
        return allUnready(roots, told: clocks.noNews(for: sender))
    }

    private func allUnready(_ roots: [PartitionRoot], told: ToldClocks) -> EntropyMessage {
        .rootsCompared(differing: [], unready: roots.map(\.partition), clocks: told)
    }

    private func emit(
        _ answer: EntropyMessage,
        to asker: NodeID,
        _ id: RequestID,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        effects.emit(.sendBulk(asker, .entropy(id, answer)))
    }

    private mutating func compare(
        _ id: RequestID,
        _ roots: [PartitionRoot],
        _ told: ToldClocks,
        from sender: NodeID,
        at time: ClockReading
    ) -> EntropyMessage {
        var differing: [Int] = []
        var unready: [Int] = []
        guard let index = entropyPeer(sender), trees.isReady else {
            return allUnready(roots, told: clocks.noNews(for: sender))
        }
        entropyPeers[index].theirLast = id
        clocks.received(told, from: sender)
        var pass = EntropyPeer.TheirPass(id: id, began: time.now, heard: time.now, clocks: [:])
        for root in roots {
            let partition = root.partition
            if entropyPeers[index].place(of: partition) == nil || !mayCompare(partition) {
                unready.append(partition)
            } else if root.root == trees.root(of: partition) {
                let theirs = clocks.told(by: sender, partition: partition)
                agree(partition, with: index, theirs: theirs, since: time.now)
            } else {
                differing.append(partition)
                pass.clocks[partition] = clocks.told(by: sender, partition: partition)
            }
        }
        // What is being compared need not be compared once more.
        entropyPeers[index].isWanted = false
        entropyPeers[index].lacksHints = false
        entropyPeers[index].theirPass = differing.isEmpty ? nil : pass
        return .rootsCompared(
            differing: differing,
            unready: unready,
            clocks: clocks.news(for: sender)
        )
    }

    private mutating func agreed(
        _ id: RequestID,
        _ partitions: [Int],
        _ told: [PartitionClock],
        from sender: NodeID
    ) {
        guard let index = entropyPeer(sender), entropyPeers[index].theirLast == id else { return }
        if let pass = entropyPeers[index].theirPass, pass.id == id {
            for partition in partitions {
                guard let theirs = pass.clocks[partition] else { continue }
                entropyPeers[index].theirPass?.clocks[partition] = nil
                agree(partition, with: index, theirs: theirs, since: pass.began)
            }
            if entropyPeers[index].theirPass?.clocks.isEmpty ?? true {
                entropyPeers[index].theirPass = nil
            }
        }
        clocks.received(told, from: sender)
    }

    private mutating func serveVersions(
        _ id: RequestID,
        _ question: VersionQuestion,
        from sender: NodeID,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        // Requests come first.
        let hasRoom =
            listings.count < Self.listingsMax && localWork <= configuration.replicaWorkMax / 2
        let list = ComparisonAnswers.list(
            for: question,
            partitionBits: ring.partitionBits,
            limits: EntropyLimits()
        )
        guard hasRoom, isComparing(question.partition, with: sender), let list else {
            effects.emit(.sendBulk(sender, .entropy(id, .versionsCompared(.failed))))
            return
        }
        let listing = Listing(sender: sender, id: id, question: question)
        let own = RequestID(.listing, listings.insert(listing))
        ask(storage: .list(list, StorageToken(own)), &effects)
    }

    mutating func versionsListed(
        _ own: RequestID,
        _ result: Result<ListPage, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let listing = listings.remove(own.index)
        let answer: VersionAnswer
        switch result {
        case .success(let page):
            foundUnreadable(page, at: time, &effects)
            let isWhole = isComparing(listing.question.partition, with: listing.sender)
            answer =
                isWhole ? ComparisonAnswers.answer(listing.question, with: page) : .failed
        case .failure: answer = .failed
        }
        if case .page(_, _, let records) = answer { counters.entropySent += records.count }
        effects.emit(.sendBulk(listing.sender, .entropy(listing.id, .versionsCompared(answer))))
    }
}

/// Records that are listed for another node.
struct Listing: Sendable {
    let sender: NodeID
    let id: RequestID
    let question: VersionQuestion
}
