package import HengeBase
package import HengeMessages

/// Collects the replicas' answers to one write and decides, once, what the client hears.
///
/// Every slot is a position in the preference list that the caller chose, so the state is a few
/// bytes. Dynamo, section 4.5 (W of N).
///
/// While the ring changes, W of the current and W of the next replicas must store a write:
/// whichever of the two a quorum read asks, it then meets the write.
///
///     idle --begin--> collecting --(W stored in each quorum)--------> answered --(all known)-->
///     done
///                     collecting --(one out of reach, or deadline)--> answered
package struct WriteCoordinator: Sendable {
    package enum Input: Hashable, Sendable {
        case begin
        case replicaStored(slot: Int)
        case replicaRejected(slot: Int, Rejection)
        case deadlineReached
    }

    /// Why a replica will not acknowledge.
    package enum Rejection: Hashable, Sendable {
        case storage(StorageFailure)
        case clockDrift
        case overloaded
        /// The connection to it is gone; the write may have reached it.
        case lost
        /// This node's ring is older than the replica's partition allows. With a newer ring the
        /// write may be tried again.
        case staleRing
    }

    package enum Effect: Hashable, Sendable {
        /// Send the write to these replicas, this node's own among them.
        case replicate(to: ReplicaSet)
        /// Emitted exactly once.
        case reply(Outcome)
        /// These replicas missed the write. Always the last effect.
        case finish(missing: ReplicaSet)
    }

    package enum Outcome: Hashable, Sendable {
        case stored
        // The numbers are those of the quorum that fell short; where both did, of the one that
        // lacks more, and of the current one when they lack the same.
        /// Time ran out, or replicas were lost on the way; the write may still take effect.
        case timedOut(stored: Int, required: Int)
        /// Too many replicas refused; `stored` of them hold the write. For `.staleRing` it is those
        /// that refused for it who make the difference: without them W could still be reached.
        case rejected(Rejection, stored: Int, required: Int)
    }

    private enum Phase: Hashable, Sendable { case idle, collecting, answered, done }

    /// Of the replicas that the ring has now.
    package let current: WriteQuorum
    /// Of those that it will have; nil while they don't change.
    package let next: WriteQuorum?
    private let targets: ReplicaSet
    private var phase = Phase.idle
    private var stored = ReplicaSet()
    private var rejected = ReplicaSet()
    private var refusedClock = ReplicaSet()
    /// Replicas that refused because this node's ring is too old.
    package private(set) var refusedRing = ReplicaSet()
    /// By quorum: the first reason that is neither a lost connection nor this node's old ring, so
    /// that the client can act on it.
    private var reason: Rejection?
    private var nextReason: Rejection?

    /// - Parameters:
    ///   - replicaCount: N, 1...8.
    ///   - alive: the replicas to write to, at least `required` of them.
    ///   - required: W, durable acknowledgements needed, 1...N.
    package init(replicaCount: Int, alive: ReplicaSet, required: Int) {
        self.init(
            alive: alive,
            current: WriteQuorum(slots: .first(replicaCount), required: required),
            next: nil
        )
    }

    /// - Parameters:
    ///   - alive: the replicas to write to: enough for each quorum, and none that is in no quorum.
    ///   - current: of the replicas that the ring has now.
    ///   - next: of those that it will have; nil while they don't change.
    package init(alive: ReplicaSet, current: WriteQuorum, next: WriteQuorum?) {
        self.current = current
        self.next = next
        targets = alive
        invariant(alive.isSubset(of: replicas))
        invariant(furthest { !$0.isMet(by: alive) } == nil, "too few replicas are alive")
    }

    /// All that should hold the write, alive or not.
    private var replicas: ReplicaSet {
        next.map { current.slots.union($0.slots) } ?? current.slots
    }

    /// W of the current replicas.
    package var required: Int { current.required }

    /// Whether the client has been answered.
    package var hasAnswered: Bool { phase == .answered || phase == .done }

    /// Replicas that were asked and have not answered.
    package var outstanding: ReplicaSet {
        phase == .idle ? ReplicaSet() : targets.subtracting(stored).subtracting(rejected)
    }

    /// Replicas that were asked, have not stored it, and should be handed it later. Not those that
    /// refuse its timestamp: they would again.
    package var hintable: ReplicaSet {
        targets.subtracting(stored).subtracting(refusedClock)
    }

    /// Advances by one input. Late and repeated answers are legal and ignored: a replica's first
    /// word wins.
    package mutating func step(_ input: Input, effects: inout EffectBuffer<Effect>) {
        checkInvariants()
        defer { checkInvariants() }

        switch (input, phase) {
        case (.begin, .idle):
            phase = .collecting
            effects.emit(.replicate(to: targets))
        case (.replicaStored(let slot), .collecting), (.replicaStored(let slot), .answered):
            if isOutstanding(slot) { stored.insert(slot) }
            settle(&effects)
        case (.replicaRejected(let slot, let why), .collecting),
            (.replicaRejected(let slot, let why), .answered):
            if isOutstanding(slot) { reject(slot, why) }
            settle(&effects)
        case (.deadlineReached, .collecting):
            guard let short = furthest(where: { !$0.isMet(by: stored) }) else {
                preconditionFailure("WriteCoordinator: quorums are met, and nobody was told")
            }
            answer(timedOut(short), &effects)
            finish(&effects)
        case (.deadlineReached, .answered):
            finish(&effects)
        case (.replicaStored, .done), (.replicaRejected, .done), (.deadlineReached, .done):
            break  // The network and the timer may both be late; neither is a bug.
        case (.begin, .collecting), (.begin, .answered), (.begin, .done),
            (.replicaStored, .idle), (.replicaRejected, .idle), (.deadlineReached, .idle):
            preconditionFailure("WriteCoordinator: \(input) in \(phase)")
        }
    }

    private mutating func settle(_ effects: inout EffectBuffer<Effect>) {
        if phase == .collecting {
            if furthest(where: { !$0.isMet(by: stored) }) == nil {
                answer(.stored, &effects)
            } else if let failure {
                answer(failure, &effects)
            }
        }
        if phase == .answered, outstanding.isEmpty { finish(&effects) }
    }

    private mutating func reject(_ slot: Int, _ why: Rejection) {
        rejected.insert(slot)
        switch why {
        case .lost: return
        case .staleRing:
            refusedRing.insert(slot)
            return
        case .clockDrift: refusedClock.insert(slot)
        case .storage, .overloaded: break
        }
        if current.slots.contains(slot), reason == nil { reason = why }
        if let next, next.slots.contains(slot), nextReason == nil { nextReason = why }
    }

    /// What the client hears once a quorum is out of reach; nil while all can be met.
    private var failure: Outcome? {
        let left = targets.subtracting(rejected)
        guard let short = furthest(where: { !$0.isMet(by: left) }) else { return nil }
        let leftOnNewRing = left.union(refusedRing)
        if let fenced = furthest(where: { !$0.isMet(by: left) && $0.isMet(by: leftOnNewRing) }) {
            return refusal(.staleRing, fenced)
        }
        // Both quorums have the same reasons if they are the same.
        guard let why = short == current ? reason : nextReason else { return timedOut(short) }
        return refusal(why, short)
    }

    /// Of the quorums that are short, the one that lacks most; the current one when both lack the
    /// same. Nil when none is short.
    private func furthest(where isShort: (WriteQuorum) -> Bool) -> WriteQuorum? {
        guard let next, isShort(next) else { return isShort(current) ? current : nil }
        guard isShort(current) else { return next }
        return lack(next) > lack(current) ? next : current
    }

    private func lack(_ quorum: WriteQuorum) -> Int {
        quorum.required - quorum.count(of: stored)
    }

    private func timedOut(_ quorum: WriteQuorum) -> Outcome {
        .timedOut(stored: quorum.count(of: stored), required: quorum.required)
    }

    private func refusal(_ why: Rejection, _ quorum: WriteQuorum) -> Outcome {
        .rejected(why, stored: quorum.count(of: stored), required: quorum.required)
    }

    private mutating func answer(_ outcome: Outcome, _ effects: inout EffectBuffer<Effect>) {
        invariant(phase == .collecting)
        phase = .answered
        effects.emit(.reply(outcome))
    }

    private mutating func finish(_ effects: inout EffectBuffer<Effect>) {
        invariant(phase == .answered)
        phase = .done
        effects.emit(.finish(missing: replicas.subtracting(stored)))
    }

    private func isOutstanding(_ slot: Int) -> Bool {
        invariant(targets.contains(slot), "an answer from a slot that was not asked")
        return outstanding.contains(slot)
    }

    private func checkInvariants() {
        invariant(stored.isDisjoint(with: rejected))
        invariant(stored.union(rejected).isSubset(of: targets))
        if phase == .idle { invariant(stored.isEmpty && rejected.isEmpty) }
        if phase == .collecting { invariant(furthest { !$0.isMet(by: stored) } != nil) }
    }
}
