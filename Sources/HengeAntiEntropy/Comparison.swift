package import HengeBase
import HengeMessages
import HengeRing

/// Finds and mends the differences of two nodes in the partitions that both hold: the asking side
/// of one pass. Dynamo, section 4.7. ``ComparisonAnswers`` is the other side.
///
/// Roots first, in one message; then for one partition after another the leaves that differ, the
/// versions in these, the records of the other node, and after they are durable here this node's
/// own. Any step may fail, or the other node be lost: what was merged is good, and the next pass
/// begins at the roots.
///
///     idle --begin--> roots --> { gathering --> leaves } --> { listing --> readyToAsk
///         --allowed--> versions --> merging } --> { readyToPush --allowed--> pushing } --> idle
package struct Comparison: Sendable {
    private enum Phase: Hashable, Sendable {
        case idle, roots, gathering, leaves, listing, readyToAsk, versions, merging, readyToPush
        case pushing
    }

    private let partitionBits: Int
    private let limits: EntropyLimits
    private var phase = Phase.idle
    private var asked: [PartitionRoot] = []
    /// Partitions that are still to be mended; the last is next.
    private var waiting: [Int] = []
    private var work: PartitionMending?
    /// Received and not yet counted by ``cost``.
    private var debt = Cost(records: 0, bytes: 0)
    /// When the peer's answer is due.
    private var due = Instant(nanoseconds: 0)
    /// Stopped as soon as the storage has answered.
    private var isStopping = false
    package private(set) var tally = Tally()

    /// - Parameter partitionBits: the ring has 2^`partitionBits` partitions; at least 1.
    package init(partitionBits: Int, limits: EntropyLimits) {
        invariant(partitionBits >= 1 && limits.leavesMax >= 2 && limits.versionsMax >= 1)
        self.partitionBits = partitionBits
        self.limits = limits
    }

    package var isIdle: Bool { phase == .idle }

    /// Whether something waits for `.allowed`.
    package var isReady: Bool { phase == .readyToAsk || phase == .readyToPush }

    /// Whether the peer owes an answer to a question.
    package var isAsking: Bool { phase == .roots || phase == .leaves || phase == .versions }

    /// Whether a batch is on its way.
    package var isPushing: Bool { phase == .pushing }

    /// Of what is ready to go, as far as it can be known before, and of what came in since.
    package var cost: Cost {
        guard let work else { return debt }
        var cost = debt
        if phase == .readyToPush {
            let count = min(work.pushes.count, work.batch(limits))
            cost.records += count
            cost.bytes += count * work.averageBytes
        } else {
            cost.bytes += work.own.count * 8
        }
        return cost
    }

    package mutating func step(
        _ input: Input,
        now: Instant,
        effects: inout EffectBuffer<Effect>
    ) {
        switch (input, phase) {
        case (.begin(let roots, let clocks), .idle): begin(roots, clocks, now, &effects)
        case (.answered(let answer), .roots), (.answered(let answer), .leaves),
            (.answered(let answer), .versions):
            take(answer, now, &effects)
        case (.leaves(let tree), .gathering): take(tree, now, &effects)
        case (.listed(let result), .listing): take(result, &effects)
        case (.merged(let changed, let refused, let obsolete, let success), .merging):
            tally.changed += changed
            tally.refused += refused
            work?.push(obsolete)
            if refused > 0 { work?.isFlawed = true }
            if !success { work?.abandon() }
            goOn(&effects)
        case (.pushed(let result), .pushing): take(result, &effects)
        case (.allowed, .readyToAsk), (.allowed, .readyToPush): go(now, &effects)
        case (.tick, .roots), (.tick, .leaves), (.tick, .versions), (.tick, .pushing):
            if now >= due { finish(.failed(.timedOut), &effects) }
        case (.stop, .listing), (.stop, .merging):
            isStopping = true  // What was asked of the storage comes, and must not meet a new pass.
        case (.stop, .roots), (.stop, .gathering), (.stop, .leaves), (.stop, .readyToAsk),
            (.stop, .versions), (.stop, .readyToPush), (.stop, .pushing):
            finish(.stopped, &effects)
        case (.answered, _), (.pushed, _), (.tick, _), (.stop, .idle):
            break  // The peer may answer twice or late.
        case (.begin, _), (.leaves, _), (.listed, _), (.merged, _), (.allowed, _):
            preconditionFailure("Comparison: \(input) in \(phase)")
        }
    }

    // MARK: Roots

    private mutating func begin(
        _ roots: [PartitionRoot],
        _ clocks: ToldClocks,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard !roots.isEmpty else { return finish(.done, &effects) }
        asked = roots
        phase = .roots
        ask(.roots(roots, clocks: clocks), now, &effects)
    }

    private mutating func take(
        _ answer: EntropyMessage,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        switch (answer, phase) {
        case (.rootsCompared(let differing, let unready, _), .roots):
            takeRoots(differing: differing, unready: unready, &effects)
        case (.leavesCompared(let answer), .leaves): take(answer, &effects)
        case (.versionsCompared(let answer), .versions): take(answer, &effects)
        default: finish(.failed(.badAnswer), &effects)
        }
    }

    private mutating func takeRoots(
        differing: [Int],
        unready: [Int],
        _ effects: inout EffectBuffer<Effect>
    ) {
        let known = Set(asked.map(\.partition))
        let notEqual = Set(differing).union(unready)
        guard notEqual.isSubset(of: known), notEqual.count == differing.count + unready.count
        else { return finish(.failed(.badAnswer), &effects) }
        tally.differing += differing.count
        let equal = asked.map(\.partition).filter { !notEqual.contains($0) }
        for partition in equal { effects.emit(.settled(partition: partition, agreed: true)) }
        for partition in unready { effects.emit(.settled(partition: partition, agreed: false)) }
        if !equal.isEmpty { effects.emit(.tellAgreed(equal)) }
        waiting = differing.reversed()
        nextPartition(&effects)
    }

    private mutating func nextPartition(_ effects: inout EffectBuffer<Effect>) {
        work = nil
        guard let partition = waiting.popLast() else { return finish(.done, &effects) }
        work = PartitionMending(
            partition: partition,
            partitionBits: partitionBits,
            leavesMax: limits.leavesMax
        )
        gather(partition, &effects)
    }

    // MARK: Leaves

    private mutating func gather(_ partition: Int, _ effects: inout EffectBuffer<Effect>) {
        phase = .gathering
        effects.emit(.needLeaves(partition: partition))
    }

    private mutating func take(
        _ tree: LeafSums?,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard let tree else {
            work?.abandon()
            return goOn(&effects)
        }
        if tree.isZero {
            // Whatever the peer has is missing here.
            work?.ownIsEmpty = true
            return compareAll(&effects)
        }
        guard let question = work?.descent.question(from: tree) else {
            work?.endDescent()
            return goOn(&effects)
        }
        phase = .leaves
        tally.leafQuestions += 1
        ask(.leaves(question), now, &effects)
    }

    private mutating func take(_ answer: LeafAnswer, _ effects: inout EffectBuffer<Effect>) {
        guard work?.descent.take(answer) == true else {
            return finish(.failed(.badAnswer), &effects)
        }
        if answer.isEmpty {
            work?.peerIsEmpty = true
            return compareAll(&effects)
        }
        if let partition = work?.partition, work?.descent.isDone == false {
            gather(partition, &effects)
        } else {
            work?.endDescent()
            goOn(&effects)
        }
    }

    private mutating func compareAll(_ effects: inout EffectBuffer<Effect>) {
        guard let partition = work?.partition else { return }
        work?.ranges = [
            LeafSums.tokens(of: 0...0, bits: 0, partition: partition, partitionBits: partitionBits)
        ]
        goOn(&effects)
    }

    // MARK: Versions

    /// The next thing to do for the partition, or for the next one.
    private mutating func goOn(_ effects: inout EffectBuffer<Effect>) {
        if isStopping { return finish(.stopped, &effects) }
        if work?.hasBatch(limits) == true {
            phase = .readyToPush
            effects.emit(.ready)
        } else if work?.asking != nil {
            phase = .readyToAsk
            effects.emit(.ready)
        } else if let range = work?.ranges.popLast() {
            visit(range, &effects)
        } else {
            settle(&effects)
        }
    }

    private mutating func visit(
        _ range: ClosedRange<Token>,
        _ effects: inout EffectBuffer<Effect>
    ) {
        if work?.ownIsEmpty == true {
            work?.ask(about: range)
            return goOn(&effects)
        }
        phase = .listing
        work?.listing = range
        effects.emit(
            .list(
                ListRange(
                    from: range.lowerBound,
                    through: range.upperBound,
                    kind: .versions,
                    examinedMax: limits.versionsMax,
                    bytesMax: limits.batchBytes
                )
            )
        )
    }

    private mutating func take(
        _ result: Result<ListPage, StorageFailure>,
        _ effects: inout EffectBuffer<Effect>
    ) {
        switch result {
        case .success(let page): if work?.take(page) != true { work?.abandon() }
        case .failure: work?.abandon()
        }
        goOn(&effects)
    }

    private mutating func go(_ now: Instant, _ effects: inout EffectBuffer<Effect>) {
        debt = Cost(records: 0, bytes: 0)
        if phase == .readyToAsk, let question = work?.question {
            phase = .versions
            tally.versionQuestions += 1
            ask(.versions(question), now, &effects)
        } else {
            let batch = work?.takeBatch(limits) ?? []
            phase = .pushing
            due = now + limits.timeout
            tally.pushed += batch.count
            effects.emit(.push(batch))
        }
    }

    private mutating func take(_ answer: VersionAnswer, _ effects: inout EffectBuffer<Effect>) {
        guard case .page(let through, let matched, let records) = answer else {
            work?.abandon()
            return goOn(&effects)
        }
        guard work?.take(through: through, matched: matched, records: records) == true else {
            return finish(.failed(.badAnswer), &effects)
        }
        guard !records.isEmpty else { return goOn(&effects) }
        tally.received += records.count
        debt.records += records.count
        for record in records {
            debt.bytes += record.key.bytes.readableBytes + record.object.bytes.readableBytes
        }
        phase = .merging
        effects.emit(.merge(records))
    }

    private mutating func take(_ result: HandOffResult, _ effects: inout EffectBuffer<Effect>) {
        switch result {
        case .durable(let refused):
            tally.refused += refused
            if refused > 0 { work?.isFlawed = true }
            goOn(&effects)
        case .failed:
            work?.abandon()
            goOn(&effects)
        case .overloaded: finish(.failed(.overloaded), &effects)
        }
    }

    // MARK: The end

    private mutating func settle(_ effects: inout EffectBuffer<Effect>) {
        if let done = work {
            effects.emit(.settled(partition: done.partition, agreed: !done.isFlawed))
            if !done.isFlawed { effects.emit(.tellAgreed([done.partition])) }
        }
        nextPartition(&effects)
    }

    private mutating func ask(
        _ message: EntropyMessage,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        due = now + limits.timeout
        effects.emit(.ask(message))
    }

    private mutating func finish(_ outcome: Outcome, _ effects: inout EffectBuffer<Effect>) {
        phase = .idle
        asked = []
        waiting = []
        work = nil
        isStopping = false
        effects.emit(.finish(outcome))
    }
}
