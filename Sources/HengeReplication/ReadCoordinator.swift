package import HengeBase
package import HengeCausality
package import HengeMessages

/// Gathers R replicas' versions of one key, merges what differs, repairs what is stale, and answers
/// once.
///
/// One replica is asked for the object and the others for digests; a version that only a digest has
/// told of is asked for once, of one replica that holds it. A replica that fails is replaced by one
/// not yet asked, also when it fails to take a blocking repair.
/// Dynamo, sections 4.5 and 5; blocking repair as Cassandra's `read_repair = 'BLOCKING'`.
///
///     idle --begin--> gathering --(R agree)-------------------------------------> done
///                     gathering --(digests differ)--> gathering (objects asked)
///                     gathering --(objects differ)--> repairing --(R hold it)---> done
///                     any --(too few left, or deadline)-------------------------> done
package struct ReadCoordinator: Sendable {
    package enum Input: Sendable {
        case begin
        case replied(slot: Int, FetchResult)
        case repaired(slot: Int, StoreResult)
        /// The connection to the replica is gone.
        case lost(slot: Int)
        case deadlineReached
    }

    package enum Effect: Sendable {
        case fetch(slot: Int, FetchKind)
        /// Store the object on these replicas and report back with `.repaired`.
        case repair(ReplicaSet, EncodedObject)
        /// Emitted exactly once.
        case reply(Outcome)
        /// Always the last effect.
        case finish
    }

    package enum Outcome: Sendable {
        case object(EncodedObject?)
        case timedOut(received: Int, required: Int)
        case storage(StorageFailure, received: Int, required: Int)
        case overloaded(received: Int, required: Int)
    }

    private enum Phase: Hashable, Sendable { case idle, gathering, repairing, done }

    private let order: SlotOrder
    private let required: Int
    private let repair: ReadRepair
    private var phase = Phase.idle
    /// How many of `order` have been asked.
    private var asked = 0
    /// Asked for an object and not yet answered.
    private var awaitingObject = ReplicaSet()
    private var awaitingDigest = ReplicaSet()
    /// Whose object is in `merged`.
    private var gathered = ReplicaSet()
    /// Whose version is known, by object or digest.
    private var known = ReplicaSet()
    private var rotten = ReplicaSet()
    private var awaitingRepair = ReplicaSet()
    private var digests = SIMD8<UInt64>(repeating: 0)
    private var merged: EncodedObject?
    private var mergedDigest = VersionDigest.absent
    private var failure: StorageFailure?
    private var refusedForLoad = false
    /// Whether the replicas that made the answer held different versions.
    package private(set) var disagreed = false

    /// - Parameters:
    ///   - order: the replicas that are alive, best first, at least `required` of them.
    ///   - required: R, 1...N.
    package init(order: SlotOrder, required: Int, repair: ReadRepair) {
        invariant(required >= 1 && required <= order.count)
        self.order = order
        self.required = required
        self.repair = repair
    }

    /// Replicas that owe an answer.
    package var outstanding: ReplicaSet {
        awaitingObject.union(awaitingDigest).union(awaitingRepair)
    }

    package mutating func step(_ input: Input, effects: inout EffectBuffer<Effect>) {
        checkInvariants()
        defer { checkInvariants() }

        switch (input, phase) {
        case (.begin, .idle):
            phase = .gathering
            for _ in 0..<required { askNext(&effects) }
        case (.replied(let slot, let result), .gathering):
            take(result, from: slot)
            settle(&effects)
        case (.lost(let slot), .gathering):
            guard outstanding.contains(slot) else { return }
            drop(slot)
            settle(&effects)
        case (.repaired(let slot, let result), .repairing):
            guard awaitingRepair.contains(slot) else { return }
            awaitingRepair.remove(slot)
            if result == .durable { known.insert(slot) }
            settleRepair(&effects)
        case (.lost(let slot), .repairing):
            awaitingRepair.remove(slot)
            settleRepair(&effects)
        case (.deadlineReached, .gathering), (.deadlineReached, .repairing):
            finish(.timedOut(received: received, required: required), &effects)
        case (.replied, .repairing), (.replied, .done), (.repaired, .gathering), (.repaired, .done),
            (.lost, .done), (.deadlineReached, .done):
            break  // Late answers are legal: a spare replica or the deadline was faster.
        case (.begin, .gathering), (.begin, .repairing), (.begin, .done), (.replied, .idle),
            (.repaired, .idle), (.lost, .idle), (.deadlineReached, .idle):
            preconditionFailure("ReadCoordinator: \(input) in \(phase)")
        }
    }

    private mutating func take(_ result: FetchResult, from slot: Int) {
        guard awaitingObject.contains(slot) || awaitingDigest.contains(slot) else { return }
        switch result {
        case .object(let object):
            drop(slot)
            known.insert(slot)
            gathered.insert(slot)
            digests[slot] = VersionDigest(of: object).rawValue
            merge(object, digest: VersionDigest(rawValue: digests[slot]))
        case .digest(let digest):
            // A digest in place of the object that was asked for is of no use.
            guard awaitingDigest.contains(slot) else { return }
            awaitingDigest.remove(slot)
            known.insert(slot)
            digests[slot] = digest.rawValue
        case .failed(let why):
            drop(slot)
            if why == .corrupt { rotten.insert(slot) }
            if failure == nil { failure = why }
        case .overloaded:
            drop(slot)
            refusedForLoad = true
        }
    }

    private mutating func merge(_ object: EncodedObject?, digest: VersionDigest) {
        guard let object else { return }
        guard let held = merged else {
            merged = object
            mergedDigest = digest
            return
        }
        guard digest != mergedDigest else { return }
        let union = ObjectMerge.merge(held, object)
        merged = union
        mergedDigest = VersionDigest(of: union)
    }

    private mutating func drop(_ slot: Int) {
        awaitingObject.remove(slot)
        awaitingDigest.remove(slot)
        known.remove(slot)
    }

    private mutating func settle(_ effects: inout EffectBuffer<Effect>) {
        while reachable.count < required, asked < order.count { askNext(&effects) }
        guard reachable.count >= required else { return finish(tooFew, &effects) }
        guard awaitingObject.isEmpty, awaitingDigest.isEmpty else { return }
        let differing = self.differing
        differing.forEach { ask($0, .object, &effects) }
        if differing.isEmpty { conclude(&effects) }
    }

    /// All versions are known and merged: answer, and repair those that lack something.
    private mutating func conclude(_ effects: inout EffectBuffer<Effect>) {
        let stale = self.stale
        disagreed = !stale.isEmpty
        guard let merged, repair != .off else { return finish(.object(merged), &effects) }
        let toRepair = stale.union(rotten)
        if repair == .async || stale.isEmpty {
            effects.emit(.reply(.object(merged)))
            if !toRepair.isEmpty { effects.emit(.repair(toRepair, merged)) }
            phase = .done
            effects.emit(.finish)
            return
        }
        phase = .repairing
        known = known.subtracting(stale)
        awaitingRepair = toRepair
        effects.emit(.repair(toRepair, merged))
    }

    private mutating func settleRepair(_ effects: inout EffectBuffer<Effect>) {
        if let merged {
            // One that was never asked can hold the object as well as one that was found stale.
            while known.count + awaitingRepair.count < required, asked < order.count {
                let spare = order[asked]
                asked += 1
                awaitingRepair.insert(spare)
                effects.emit(.repair(.only(spare), merged))
            }
        }
        if known.count >= required {
            finish(.object(merged), &effects)
        } else if known.count + awaitingRepair.count < required {
            finish(.timedOut(received: received, required: required), &effects)
        }
    }

    /// Replicas that owe nothing more; always fewer than `required` while there is no answer.
    private var received: Int { known.subtracting(awaitingObject).count }

    /// Replicas whose version is known or may still become so.
    private var reachable: ReplicaSet {
        known.union(awaitingObject).union(awaitingDigest)
    }

    /// One replica for each version that only digests have told of, and that `merged` therefore
    /// lacks.
    private var differing: ReplicaSet {
        var seen = gathered
        var differing = ReplicaSet()
        known.subtracting(gathered).forEach { slot in
            guard digests[slot] != VersionDigest.absent.rawValue else { return }
            var isNew = true
            seen.forEach { if digests[$0] == digests[slot] { isNew = false } }
            seen.insert(slot)
            if isNew { differing.insert(slot) }
        }
        return differing
    }

    /// Replicas whose version is known to lack something of the merged one.
    private var stale: ReplicaSet {
        var stale = ReplicaSet()
        known.forEach { if digests[$0] != mergedDigest.rawValue { stale.insert($0) } }
        return stale
    }

    private var tooFew: Outcome {
        if let failure {
            return .storage(failure, received: received, required: required)
        }
        return refusedForLoad
            ? .overloaded(received: received, required: required)
            : .timedOut(received: received, required: required)
    }

    private mutating func askNext(_ effects: inout EffectBuffer<Effect>) {
        let slot = order[asked]
        asked += 1
        let wantsObject = gathered.isEmpty && awaitingObject.isEmpty
        ask(slot, wantsObject ? .object : .digest, &effects)
    }

    private mutating func ask(
        _ slot: Int,
        _ kind: FetchKind,
        _ effects: inout EffectBuffer<Effect>
    ) {
        switch kind {
        case .object: awaitingObject.insert(slot)
        case .digest: awaitingDigest.insert(slot)
        }
        effects.emit(.fetch(slot: slot, kind))
    }

    private mutating func finish(_ outcome: Outcome, _ effects: inout EffectBuffer<Effect>) {
        phase = .done
        awaitingRepair = ReplicaSet()
        effects.emit(.reply(outcome))
        effects.emit(.finish)
    }

    private func checkInvariants() {
        invariant(asked <= order.count)
        invariant(awaitingObject.isDisjoint(with: awaitingDigest))
        if phase == .idle { invariant(asked == 0 && known.isEmpty) }
        if phase == .repairing { invariant(known.count < required && merged != nil) }
    }
}
