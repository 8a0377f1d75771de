package import HengeBase
package import HengeMessages

/// Collects the replicas' answers to one write and decides, once, what the client hears.
///
/// Every slot is a position in the preference list that the caller chose, so the state is a few
/// bytes. Dynamo, section 4.5 (W of N).
///
///     idle --begin--> collecting --(stored == W)-------------------> answered --(all known)-->
///     done
///                     collecting --(too many failed, or deadline)--> answered
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
        /// Time ran out, or replicas were lost on the way; the write may still take effect.
        case timedOut(stored: Int, required: Int)
        /// Too many replicas refused; `stored` of them hold the write.
        case rejected(Rejection, stored: Int, required: Int)
    }

    private enum Phase: Hashable, Sendable { case idle, collecting, answered, done }

    private let replicas: ReplicaSet
    private let targets: ReplicaSet
    /// W, durable acknowledgements needed.
    package let required: Int
    private var phase = Phase.idle
    private var stored = ReplicaSet()
    private var rejected = ReplicaSet()
    private var refusedClock = ReplicaSet()
    /// The first reason that is not a lost connection: what the client can act on.
    private var reason: Rejection?

    /// - Parameters:
    ///   - replicaCount: N, 1...8.
    ///   - alive: the replicas to write to, at least `required` of them.
    ///   - required: W, durable acknowledgements needed, 1...N.
    package init(replicaCount: Int, alive: ReplicaSet, required: Int) {
        replicas = .first(replicaCount)
        targets = alive
        self.required = required
        invariant(alive.isSubset(of: replicas))
        invariant(required >= 1 && required <= alive.count)
    }

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
            if isOutstanding(slot) {
                rejected.insert(slot)
                if why == .clockDrift { refusedClock.insert(slot) }
                if why != .lost, reason == nil { reason = why }
            }
            settle(&effects)
        case (.deadlineReached, .collecting):
            answer(.timedOut(stored: stored.count, required: required), &effects)
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
            if stored.count >= required {
                answer(.stored, &effects)
            } else if rejected.count > targets.count - required {
                answer(failure, &effects)
            }
        }
        if phase == .answered, outstanding.isEmpty { finish(&effects) }
    }

    private var failure: Outcome {
        guard let reason else {
            return .timedOut(stored: stored.count, required: required)
        }
        return .rejected(reason, stored: stored.count, required: required)
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
        if phase == .collecting { invariant(stored.count < required) }
    }
}
