package import HengeBase
package import HengeMessages
package import HengeRing

package import struct NIOCore.ByteBuffer

/// Takes one partition over from the nodes that hold it: asks for a page of records, has it merged
/// and made durable, saves how far it is, and asks for the next.
///
/// The partition comes whole from the node whose place this one takes: what a write quorum held
/// before, the same quorum with this node in the place of that one holds after. Where there is no
/// such node, or it is down, the partition comes from so many of the others as make a read quorum,
/// and all that they have is merged; of any write quorum one of them was a member. When the node
/// that is read from goes away, reading goes on from others at the place that was reached.
///
/// Pages are merged as writes are, so that nothing depends on which comes first.
///
///     waiting --tick--> ready --allowed--> asking --answered--> merging --merged--> ready
///     merging --(the last page)--> saving --saved--> done
///     any --(refusal, failure, silence)--> waiting
package struct PartitionTransfer: Sendable {
    package struct Limits: Hashable, Sendable {
        /// What is asked for at a time.
        package var pageBytes = 512 * 1_024
        /// How long a source may take to answer.
        package var timeout = Interval.seconds(20)
        /// The rest after a refusal or a failure, twice as long after each that follows.
        package var retryMin = Interval.milliseconds(200)
        package var retryMax = Interval.seconds(5)
        /// After so many in a row other sources are looked for.
        package var failuresMax = 8

        package init() {}
    }

    package enum Input: Sendable {
        /// Time has passed. The slots are those of `current`.
        case tick(up: ReplicaSet)
        /// ``wanted`` may be asked.
        case allowed
        case answered(TransferResult)
        /// The records of the page are durable, but for so many that were refused; or not.
        case merged(refused: Int, StorageFailure?)
        case saved(success: Bool)
        /// The source that was asked is gone.
        case lost
    }

    package enum Effect: Sendable {
        case ask(NodeID, TransferRequest)
        /// Make these durable, then answer with `.merged`.
        case merge([HandedRecord], from: NodeID)
        /// Save this, then answer with `.saved`.
        case save(ByteBuffer)
        /// All is durable here, and so is that it is. Emitted once.
        case finish
    }

    /// A page that is being merged.
    struct Page: Sendable {
        var tally: TransferTally
        var next: Token?
    }

    enum Phase: Sendable {
        case waiting(until: Instant)
        /// - Parameter source: the place of the one to be asked among the cursor's.
        case ready(source: Int)
        case asking(source: Int, since: Instant)
        case merging(source: Int, Page)
        /// - Parameter retryAt: nil while a save is under way.
        case saving(retryAt: Instant?)
        case done
    }

    package let partition: Int
    let tokens: ClosedRange<Token>
    /// The replicas that the records come from, as they are before the change.
    let current: PreferenceList
    /// So many of them hold together what any quorum has stored.
    let quorum: Int
    /// Whose place this node takes.
    let replaced: NodeID?
    let limits: Limits
    package internal(set) var cursor: TransferCursor
    var phase: Phase
    /// By slot of `current`: refusals and failures in a row, and when to ask again.
    var failures: [Int]
    var retryAt: [Instant]
    /// By slot: what the source has left, by its own word.
    var left: [(keys: Int, bytes: Int)]
    private var savesInFlight = 0
    /// Why it waits, in the waiting phase.
    var reason: TransferWait?

    /// - Parameters:
    ///   - tokens: of the partition.
    ///   - quorum: so many of `current` make a read quorum; a majority when nil.
    ///   - replaced: one of `current`, or nil.
    ///   - saved: what was saved before, if that is of the same step; it goes on from there.
    package init(
        partition: Int,
        tokens: ClosedRange<Token>,
        fence: UInt64,
        current: PreferenceList,
        quorum: Int? = nil,
        replaced: NodeID?,
        saved: TransferCursor? = nil,
        limits: Limits = Limits()
    ) {
        self.partition = partition
        self.tokens = tokens
        self.current = current
        self.quorum = quorum ?? current.count / 2 + 1
        self.replaced = replaced
        self.limits = limits
        failures = Array(repeating: 0, count: current.count)
        retryAt = Array(repeating: Instant(nanoseconds: 0), count: current.count)
        left = Array(repeating: (0, 0), count: current.count)
        cursor = TransferCursor(fence: fence, base: tokens.lowerBound)
        phase = .waiting(until: Instant(nanoseconds: 0))
        if let saved, saved.fence == fence { resume(saved) }
    }

    package var isDone: Bool {
        if case .done = phase { return true }
        return false
    }

    /// Whether something is under way, or may be once it is allowed; false while it waits for a
    /// source.
    package var isActive: Bool {
        switch phase {
        case .waiting, .done, .saving(retryAt: _?): false
        case .ready, .asking, .merging, .saving(retryAt: nil): true
        }
    }

    /// Whether only time, or another node, makes it go on.
    package var isWaiting: Bool { !isActive && !isDone }

    /// Whom to ask as soon as `.allowed` may come; nil when nobody is to be asked now.
    package var wanted: NodeID? {
        guard case .ready(let source) = phase else { return nil }
        return cursor.sources[source].node
    }

    /// Who is to answer.
    package var asked: NodeID? {
        guard case .asking(let source, _) = phase else { return nil }
        return cursor.sources[source].node
    }

    /// Why it does not go on; nil while it does, and when it is done.
    package var wait: TransferWait? {
        switch phase {
        case .waiting, .saving(retryAt: _?): reason
        case .ready: .budget
        case .asking, .merging, .saving(retryAt: nil), .done: nil
        }
    }

    /// An estimate of what is still to come.
    package var bytesLeft: Int {
        cursor.sources.reduce(0) { sum, source in
            guard source.next != nil, let slot = current.slot(of: source.node) else { return sum }
            return sum + left[slot].bytes
        }
    }

    /// Advances by one input. Answers that come late are legal and ignored.
    package mutating func step(
        _ input: Input,
        now: Instant,
        effects: inout EffectBuffer<Effect>
    ) {
        switch (input, phase) {
        case (.tick(let up), .waiting(let until)):
            if now >= until { prepare(up, now) }
        case (.tick(let up), .ready): prepare(up, now)
        case (.tick, .asking(let source, let since)):
            if now.since(since) >= limits.timeout { failed(source, now) }
        case (.tick, .saving(let retryAt?)):
            if now >= retryAt { save(&effects) }
        case (.tick, .merging), (.tick, .saving(nil)), (.tick, .done): break
        case (.allowed, .ready(let source)): ask(source, now, &effects)
        case (.lost, .asking(let source, _)): failed(source, now)
        case (.answered(let result), .asking(let source, _)):
            answered(result, source, now, &effects)
        case (.merged(let refused, let failure), .merging(let source, let page)):
            merged(page, source, isWhole: refused == 0 && failure == nil, now, &effects)
        case (.saved(let success), _): saved(success: success, now, &effects)
        case (.answered, _), (.lost, _): break
        case (.allowed, _), (.merged, _):
            preconditionFailure("PartitionTransfer: \(input) in \(phase)")
        }
    }

    // MARK: One page

    private func ask(_ source: Int) -> TransferRequest {
        let next = cursor.sources[source].next
        return TransferRequest(
            partition: partition,
            from: next == tokens.lowerBound ? nil : next,
            bytesMax: limits.pageBytes,
            epoch: cursor.fence
        )
    }

    private mutating func ask(
        _ source: Int,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        phase = .asking(source: source, since: now)
        effects.emit(.ask(cursor.sources[source].node, ask(source)))
    }

    private mutating func answered(
        _ result: TransferResult,
        _ source: Int,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard case .page(let page) = result, let from = cursor.sources[source].next,
            fits(page, from: from)
        else { return failed(source, now) }
        let node = cursor.sources[source].node
        if let slot = current.slot(of: node) {
            failures[slot] = 0
            left[slot] = (page.keysLeft, page.bytesLeft)
        }
        var tally = TransferTally(keys: page.records.count, skipped: page.skipped.count)
        for record in page.records {
            tally.bytes += record.key.bytes.readableBytes + record.object.bytes.readableBytes
        }
        phase = .merging(source: source, Page(tally: tally, next: page.next))
        effects.emit(.merge(page.records, from: node))
    }

    /// Whether the page is what was asked for. A source that goes in circles, or sends records of
    /// other partitions, is not believed.
    private func fits(_ page: TransferPage, from: Token) -> Bool {
        let end = page.next ?? tokens.upperBound
        guard page.next.map({ $0 > from && tokens.contains($0) }) ?? true else { return false }
        return page.records.allSatisfy { $0.key.token >= from && $0.key.token <= end }
    }

    private mutating func merged(
        _ page: Page,
        _ source: Int,
        isWhole: Bool,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard isWhole else {
            // The source is not to blame, and the page comes once more.
            reason = .storage
            phase = .waiting(until: now + limits.retryMax)
            return
        }
        cursor.took(page.tally, from: source, next: page.next)
        if cursor.isDone { return save(&effects) }
        // Nothing waits for this one: should it be lost, a page comes twice.
        savesInFlight += 1
        effects.emit(.save(cursor.stored))
        guard let source = cursor.slowest else { return }
        phase = .ready(source: source)
    }

    private mutating func save(_ effects: inout EffectBuffer<Effect>) {
        savesInFlight += 1
        phase = .saving(retryAt: nil)
        effects.emit(.save(cursor.stored))
    }

    private mutating func saved(
        success: Bool,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        invariant(savesInFlight > 0)
        savesInFlight -= 1
        // They end in order, so the last one is that of the end.
        guard savesInFlight == 0, case .saving = phase else { return }
        guard success else {
            reason = .storage
            phase = .saving(retryAt: now + limits.retryMin)
            return
        }
        phase = .done
        effects.emit(.finish)
    }
}
