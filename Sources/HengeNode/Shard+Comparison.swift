import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Comparing this node's partition replicas with those of another node, as the one that asks.
extension Shard {
    /// The other home replicas of those of these partitions that are the node's, in order of id.
    static func entropyPeers(
        of node: NodeID,
        in ring: Ring,
        _ partitions: Range<Int>,
        firstQuestion: UInt32
    ) -> [EntropyPeer] {
        let shared = shared(by: node, in: ring, partitions)
        return shared.keys.sorted().map {
            entropyPeer($0, of: node, in: ring, shared: shared[$0] ?? [], firstQuestion)
        }
    }

    /// By other home replica: which of these partitions it shares with the node, rising.
    static func shared(
        by node: NodeID,
        in ring: Ring,
        _ partitions: Range<Int>
    ) -> [NodeID: [Int]] {
        var shared: [NodeID: [Int]] = [:]
        for partition in partitions {
            let homes = ring.homes(partition: partition)
            guard homes.contains(node) else { continue }
            homes.forEach { if $0 != node { shared[$0, default: []].append(partition) } }
        }
        return shared
    }

    static func entropyPeer(
        _ id: NodeID,
        of node: NodeID,
        in ring: Ring,
        shared: [Int],
        _ firstQuestion: UInt32
    ) -> EntropyPeer {
        EntropyPeer(
            id: id,
            own: node,
            shared: shared,
            machine: Comparison(partitionBits: ring.partitionBits, limits: EntropyLimits()),
            firstQuestion: firstQuestion
        )
    }

    func entropyPeer(_ id: NodeID) -> Int? { entropyPeers.firstIndex { $0.id == id } }

    /// Comparisons that this node has begun and that go on.
    var activeComparisons: Int {
        var active = 0
        for index in entropyPeers.indices where !entropyPeers[index].machine.isIdle { active += 1 }
        return active
    }

    // MARK: The schedule

    /// Begins the comparisons that are due.
    mutating func beginComparisons(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        for index in entropyPeers.indices {
            let peer = entropyPeers[index]
            // An old copy is of no use before it was compared, whoever begins as a rule.
            let isTime = peer.due.map { time.now >= $0 } ?? false
            let isDue = (peer.begins || !isCompared) && isTime
            let mendsSoon = peer.lacksHints && time.now >= peer.began + compareAfterDrops
            guard isDue || mendsSoon || peer.isWanted else { continue }
            beginComparison(index, at: time, &effects)
        }
    }

    mutating func compareNow(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        for index in entropyPeers.indices {
            entropyPeers[index].isWanted = true
            beginComparison(index, at: time, &effects)
        }
    }

    private mutating func beginComparison(
        _ index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let peer = entropyPeers[index]
        guard isUp(peer.id), trees.isReady, peer.machine.isIdle, !peer.shared.isEmpty else {
            return
        }
        if let theirs = peer.theirPass {
            // It is being done, unless the other has given up without a word.
            guard time.now.since(theirs.heard) > Self.passSilenceMax else { return }
            entropyPeers[index].theirPass = nil
        }
        entropyPeers[index].isWanted = false
        entropyPeers[index].lacksHints = false
        entropyPeers[index].began = time.now
        entropyPeers[index].due = time.now + configuration.compareInterval
        entropyPeers[index].differing = 0
        entropyPeers[index].isIncomplete = false
        entropyPeers[index].left = 0
        entropyPeers[index].clocks = [:]
        entropyPeers[index].voided = []
        let roots = peer.shared.filter { mayCompare($0) }
            .map { PartitionRoot(partition: $0, root: trees.root(of: $0)) }
        let told = clocks.news(for: peer.id)
        advance(comparison: index, .begin(roots, clocks: told), at: time, &effects)
    }

    /// How long a pass that another has begun may be silent before it counts as given up.
    static let passSilenceMax = Interval.seconds(30)

    /// After how long a comparison that has failed, or of a node that came back, is tried.
    var compareRetry: Interval { min(.seconds(5), configuration.compareInterval) }

    /// The least time between two comparisons that dropped hints are the reason for. They may be
    /// dropped at each write while a node is down.
    private var compareAfterDrops: Interval { min(.seconds(30), configuration.compareInterval) }

    mutating func peerCameUp(_ id: NodeID, at time: ClockReading) {
        guard let index = entropyPeer(id) else { return }
        entropyPeers[index].theirLast = nil
        // Hints come first: they are what it missed, and nothing has to be looked for.
        entropyPeers[index].beDue(by: time.now + compareRetry)
    }

    mutating func peerWentDown(
        _ id: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        clocks.disconnected(id)
        settlementsLost(id)
        guard let index = entropyPeer(id) else { return }
        entropyPeers[index].theirPass = nil
        entropyPeers[index].theirLast = nil
        guard !entropyPeers[index].machine.isIdle else { return }
        advance(comparison: index, .stop, at: time, &effects)
    }

    mutating func tickComparisons(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        for index in entropyPeers.indices where !entropyPeers[index].machine.isIdle {
            sendIfAllowed(index, at: time, &effects)
            advance(comparison: index, .tick, at: time, &effects)
        }
    }

    // MARK: The machine

    mutating func advance(
        comparison index: Int,
        _ input: Comparison.Input,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        // A buffer of its own: what one effect leads to may step this comparison again.
        var wanted = EffectBuffer<Comparison.Effect>()
        entropyPeers[index].machine.step(input, now: time.now, effects: &wanted)
        for position in 0..<wanted.count {
            carryOut(wanted[position], of: index, at: time, &effects)
        }
    }

    private mutating func carryOut(
        _ effect: Comparison.Effect,
        of index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let peer = entropyPeers[index].id
        switch effect {
        case .ask(let message):
            entropyPeers[index].askedAt = time.now
            let id = nextQuestion(index)
            if case .roots = message { entropyPeers[index].pass = id }
            effects.emit(.sendBulk(peer, .entropy(id, message)))
        case .tellAgreed(let settled):
            // The other node would take in what this one claimed before its loss.
            let voided = entropyPeers[index].voided
            let partitions = settled.filter { !voided.contains($0) }
            guard !partitions.isEmpty else { return }
            let told = clocks.untold(to: peer, of: partitions)
            let message = EntropyMessage.agreed(partitions, clocks: told)
            effects.emit(.sendBulk(peer, .entropy(entropyPeers[index].pass, message)))
        case .needLeaves(let partition):
            advance(comparison: index, .leaves(trees[partition]), at: time, &effects)
        case .list(let range):
            ask(storage: .list(range, StorageToken(nextQuestion(index))), &effects)
        case .merge(let records):
            merge(records, for: index, at: time, &effects)
        case .push(let wanted):
            entropyPeers[index].push = RecordPush(wanted)
            goOnPushing(index, at: time, &effects)
        case .ready: sendIfAllowed(index, at: time, &effects)
        case .settled(let partition, let agreed):
            settled(partition, with: index, agreed: agreed)
        case .finish(let outcome): finished(index, outcome, at: time)
        }
    }

    /// Whatever is answered to an earlier question finds nothing.
    private mutating func nextQuestion(_ index: Int) -> RequestID {
        entropyPeers[index].question &+= 1
        return RequestID(.comparison, (index, entropyPeers[index].question))
    }

    /// The comparison that this id, of a question, a list or a push, belongs to; nil when that has
    /// gone on without it.
    func comparison(_ id: RequestID, with peer: NodeID? = nil) -> Int? {
        guard id.kind == .comparison, id.index < entropyPeers.count,
            entropyPeers[id.index].question == id.generation,
            peer.map({ $0 == entropyPeers[id.index].id }) ?? true
        else { return nil }
        return id.index
    }

    private mutating func sendIfAllowed(
        _ index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard entropyPeers[index].machine.isReady, entropyThrottle.isOpen(now: time.now),
            budget.isOpen(to: .entropy, now: time.now)
        else { return }
        let cost = entropyPeers[index].machine.cost
        let weight = HintThrottle.cost(records: cost.records, bytes: cost.bytes)
        entropyThrottle.charge(weight, now: time.now)
        budget.charge(weight, to: .entropy, now: time.now)
        advance(comparison: index, .allowed, at: time, &effects)
    }

    private mutating func settled(_ partition: Int, with index: Int, agreed: Bool) {
        let peer = entropyPeers[index]
        if entropyPeers[index].left > 0, peer.clocks[partition] != nil {
            entropyPeers[index].left -= 1
        }
        guard agreed, !peer.voided.contains(partition) else {
            entropyPeers[index].isIncomplete = true
            return
        }
        let theirs = peer.clocks[partition] ?? clocks.told(by: peer.id, partition: partition)
        agree(partition, with: index, theirs: theirs, since: peer.began)
        settlementAgreed(partition, with: peer.id, since: peer.began)
    }

    /// Both replicas of the partition have all that the other had at that time.
    mutating func agree(
        _ partition: Int,
        with index: Int,
        theirs: VersionVector,
        since began: Instant
    ) {
        let peer = entropyPeers[index].id
        entropyPeers[index].verified(partition, at: began)
        clocks.agreed(partition: partition, with: peer, theirs: theirs)
        compared(partition, with: peer)
    }

    private mutating func finished(
        _ index: Int,
        _ outcome: Comparison.Outcome,
        at time: ClockReading
    ) {
        entropyPeers[index].question &+= 1
        entropyPeers[index].push = nil
        entropyPeers[index].clocks = [:]
        entropyPeers[index].left = 0
        switch outcome {
        case .done:
            counters.comparisons += 1
            guard entropyPeers[index].isIncomplete else { return }
            entropyPeers[index].due = time.now + compareRetry
        case .failed:
            counters.comparisonsFailed += 1
            clocks.mayHaveMissed(entropyPeers[index].id)
            entropyPeers[index].due = time.now + compareRetry
        case .stopped: break
        }
    }

    // MARK: Answers

    mutating func comparisonAnswered(
        _ id: RequestID,
        _ message: EntropyMessage,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard let index = comparison(id, with: sender), entropyPeers[index].machine.isAsking else {
            counters.lateAnswers += 1
            // It counts as told there. It can't be believed here: something later may have come.
            if case .rootsCompared(_, _, let told) = message, !told.clocks.isEmpty {
                clocks.mayHaveMissed(sender)
            }
            return
        }
        if case .rootsCompared(let differing, let unready, let told) = message {
            clocks.received(told, from: sender)
            // Later words of it are about what it has taken in by then.
            for partition in differing where entropyPeers[index].place(of: partition) != nil {
                entropyPeers[index].clocks[partition] =
                    clocks.told(by: sender, partition: partition)
            }
            entropyPeers[index].isIncomplete = !unready.isEmpty
            entropyPeers[index].differing = differing.count
            entropyPeers[index].left = differing.count
            counters.partitionsDiffered += differing.count
        }
        noteAcknowledged(index, share: Self.share(of: message), at: time)
        advance(comparison: index, .answered(message), at: time, &effects)
    }

    /// Partitions are small as a rule: were each question followed by the rest of a full batch, a
    /// node that lost its disk would wait for hours.
    private static func share(of answer: EntropyMessage) -> Double {
        guard case .versionsCompared(.page(_, let matched, let records)) = answer else {
            return shareMin
        }
        let compared = Double(matched.count) / Double(EntropyLimits().versionsMax)
        return max(shareMin, compared, share(of: records.count))
    }

    /// Of a batch with so many records.
    static func share(of records: Int) -> Double {
        Double(records) / Double(EntropyLimits().batchRecords)
    }

    /// What a question alone is: the other node looks at its trees.
    private static var shareMin: Double { 1 / 256 }

    /// Whether a request came in the last half second, a client's or another node's.
    package func isBusy(_ time: ClockReading) -> Bool {
        time.now.since(requestedAt) < Self.busyMemory
    }

    /// - Parameter share: how much of the largest batch was moved, 0...1.
    mutating func noteAcknowledged(_ index: Int, share: Double, at time: ClockReading) {
        entropyThrottle.acknowledged(
            after: time.now.since(entropyPeers[index].askedAt),
            isBusy: isBusy(time),
            share: share,
            now: time.now
        )
    }

    mutating func comparisonListed(
        _ id: RequestID,
        _ result: Result<ListPage, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if case .success(let page) = result { foundUnreadable(page, at: time, &effects) }
        guard let index = comparison(id) else { return }
        advance(comparison: index, .listed(result), at: time, &effects)
    }
}
