package import HengeBase
package import HengeCausality
package import HengeMessages

/// Gathers R replicas' versions of one key, merges what differs, repairs what is stale, and answers
/// once.
///
/// One replica is asked for the object and the others for digests; a version that only a digest has
/// told of is asked for once, of one replica that holds it. A replica that fails is replaced by one
/// not yet asked, also when it fails to take a blocking repair.
///
/// A hedge asks one more replica than R without waiting for any to fail. From then on the first R
/// whose versions are merged make the answer, and those that still owe something are left out of
/// it, as if they had never been asked.
/// Dynamo, sections 4.5 and 5; blocking repair as Cassandra's `read_repair = 'BLOCKING'`; hedges as
/// in Dean and Barroso, *The Tail at Scale*, CACM 2013.
///
/// While the ring changes, blocking repair has a second quorum to reach: of the replicas that reads
/// do not ask as yet, or no longer. So whichever of the two a later read asks, it meets what this
/// one has shown.
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
        /// The answer is late: ask one replica more.
        case hedge
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

    enum Phase: Hashable, Sendable { case idle, gathering, repairing, done }

    let order: SlotOrder
    /// R, replicas whose versions make an answer.
    package let required: Int
    /// What has to hold the answer besides; nil while the replicas don't change, or when repair is
    /// not blocking.
    let holders: WriteQuorum?
    /// Those of `holders` that are alive and can take a repair, but not be read from.
    let reserve: ReplicaSet
    /// The slots of `order`.
    let readers: ReplicaSet
    private let repair: ReadRepair
    var phase = Phase.idle
    /// How many of `order` have been asked.
    var asked = 0
    /// Asked by a hedge.
    var hedged = ReplicaSet()
    /// Asked for an object and not yet answered.
    var awaitingObject = ReplicaSet()
    var awaitingDigest = ReplicaSet()
    /// Whose object is in `merged`.
    var gathered = ReplicaSet()
    /// Whose version is known, by object or digest.
    var known = ReplicaSet()
    private var rotten = ReplicaSet()
    var awaitingRepair = ReplicaSet()
    /// Sent a repair without having been asked, or in place of an answer.
    var repairedUnasked = ReplicaSet()
    var digests = SIMD16<UInt64>(repeating: 0)
    var merged: EncodedObject?
    var mergedDigest = VersionDigest.absent
    private var failure: StorageFailure?
    private var refusedForLoad = false
    /// Whether the replicas that made the answer held different versions.
    package private(set) var disagreed = false
    /// How many replicas were asked in place of others that failed.
    package internal(set) var replacements = 0
    /// Whether there would be no answer yet without a replica that a hedge asked.
    package internal(set) var wonByHedge = false

    /// - Parameters:
    ///   - order: the replicas that are alive, best first, at least `required` of them.
    ///   - required: R, 1...N.
    ///   - holders: a quorum that a blocking repair has to reach as well. Its replicas may be among
    ///     those of `order`.
    ///   - reserve: replicas that are alive and in `holders` alone.
    package init(
        order: SlotOrder,
        required: Int,
        holders: WriteQuorum? = nil,
        reserve: ReplicaSet = ReplicaSet(),
        repair: ReadRepair
    ) {
        invariant(required >= 1 && required <= order.count)
        self.order = order
        self.required = required
        self.holders = repair == .blocking ? holders : nil
        self.reserve = reserve
        self.repair = repair
        readers = order.set
        invariant(readers.isDisjoint(with: reserve))
        invariant(reserve.isSubset(of: holders?.slots ?? ReplicaSet()))
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
            settleRepair(inPlaceOfFailed: true, &effects)
        case (.lost(let slot), .repairing):
            release(slot)
            awaitingRepair.remove(slot)
            settleRepair(inPlaceOfFailed: true, &effects)
        case (.hedge, .gathering):
            hedge(&effects)
        case (.hedge, .repairing): hedgeRepair(&effects)
        case (.deadlineReached, .gathering), (.deadlineReached, .repairing):
            finish(.timedOut(received: received, required: required), &effects)
        case (.replied, .repairing), (.replied, .done), (.repaired, .gathering), (.repaired, .done),
            (.lost, .done), (.hedge, .done), (.deadlineReached, .done):
            break  // Late answers are legal: a spare replica or the deadline was faster.
        case (.begin, .gathering), (.begin, .repairing), (.begin, .done), (.replied, .idle),
            (.repaired, .idle), (.lost, .idle), (.hedge, .idle), (.deadlineReached, .idle):
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

    /// Nothing more is expected of this replica.
    mutating func release(_ slot: Int) {
        awaitingObject.remove(slot)
        awaitingDigest.remove(slot)
    }

    private mutating func drop(_ slot: Int) {
        release(slot)
        known.remove(slot)
    }

    private mutating func settle(_ effects: inout EffectBuffer<Effect>) {
        while reachable.count < required, asked < order.count {
            replacements += 1
            askNext(&effects)
        }
        guard reachable.count >= required else { return finish(tooFew, &effects) }
        guard known.count >= required else { return }
        let settled = self.settled
        if settled.count >= required { return conclude(settled, &effects) }
        unasked(besides: settled).forEach { ask($0, .object, &effects) }
    }

    /// The versions of R replicas are merged: answer, and repair those that lack something.
    private mutating func conclude(
        _ settled: ReplicaSet,
        _ effects: inout EffectBuffer<Effect>
    ) {
        wonByHedge = settled.subtracting(hedged).count < required
        let stale = self.stale
        disagreed = !stale.isEmpty
        guard let merged, repair != .off else { return finish(.object(merged), &effects) }
        let toRepair = stale.union(rotten)
        if repair == .async || isHeld(by: known.subtracting(stale)) {
            effects.emit(.reply(.object(merged)))
            if !toRepair.isEmpty { effects.emit(.repair(toRepair, merged)) }
            end(&effects)
            return
        }
        phase = .repairing
        // Those that have not said anything yet stay: they can take a repair if others fail to.
        awaitingObject = awaitingObject.subtracting(known)
        known = known.subtracting(stale)
        awaitingRepair = toRepair
        if !toRepair.isEmpty { effects.emit(.repair(toRepair, merged)) }
        settleRepair(inPlaceOfFailed: false, &effects)
    }

    /// Replicas that owe nothing more. After a hedge there may be `required` of them that tell of
    /// one version whose object has not come: still no answer.
    var received: Int {
        min(known.subtracting(awaitingObject).count, required - 1)
    }

    /// Replicas whose version is known or may still become so.
    private var reachable: ReplicaSet {
        known.union(awaitingObject).union(awaitingDigest)
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

    mutating func ask(
        _ slot: Int,
        _ kind: FetchKind,
        _ effects: inout EffectBuffer<Effect>
    ) {
        switch kind {
        case .object, .inspection: awaitingObject.insert(slot)
        case .digest: awaitingDigest.insert(slot)
        }
        effects.emit(.fetch(slot: slot, kind))
    }

    mutating func finish(_ outcome: Outcome, _ effects: inout EffectBuffer<Effect>) {
        effects.emit(.reply(outcome))
        end(&effects)
    }

    private mutating func end(_ effects: inout EffectBuffer<Effect>) {
        phase = .done
        awaitingObject = ReplicaSet()
        awaitingDigest = ReplicaSet()
        awaitingRepair = ReplicaSet()
        effects.emit(.finish)
    }

    private func checkInvariants() {
        invariant(asked <= order.count)
        invariant(awaitingObject.isDisjoint(with: awaitingDigest))
        invariant(gathered.isSubset(of: known) || phase == .repairing || phase == .done)
        if phase == .idle { invariant(asked == 0 && known.isEmpty) }
        if phase == .repairing { invariant(!isHeld(by: known) && merged != nil) }
    }
}
