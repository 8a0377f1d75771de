import HengeAntiEntropy
package import HengeBase
import HengeCausality
package import HengeMessages
package import HengeReplication
package import HengeRing

package import struct NIOCore.ByteBuffer

/// The data plane of a node: coordinates clients' requests, serves its replicas to other
/// coordinators, and forwards what it holds no replica of.
///
/// It does no I/O: each `step` takes one input and emits effects for its driver to carry out, in
/// order. One driver owns it and calls it from one event loop.
package struct Shard: ~Copyable {
    /// How often ``ShardInput/tick`` is due, and so how late a deadline may be noticed.
    package static let tickInterval = Interval.milliseconds(10)
    /// How often ``ShardInput/housekeeping`` is due.
    package static let housekeepingInterval = Interval.seconds(1)

    let node: NodeID
    let configuration: ShardConfiguration
    /// The partitions that are this shard's; it knows nothing of the others'.
    package let partitions: Range<Int>
    let isNew: Bool
    /// What tells this incarnation's request ids from those before it.
    let firstGeneration: UInt32
    package internal(set) var ring: Ring
    /// By node id: the highest epoch that the node is known to have adopted.
    var epochs: [UInt64]
    package internal(set) var counters = ShardCounters()

    var reads: Slab<ReadFlight>
    var writes: Slab<WriteFlight>
    var forwards: Slab<ForwardFlight>
    var inspections: Slab<InspectFlight>
    var coverages: Slab<CoverageFlight>
    var replicaWork: Slab<ReplicaFlight>
    var keyLoads: Slab<KeyLoad>
    var persists: Slab<PersistFlight>
    var hintLoads: Slab<HintLoad>
    var handOffs: Slab<HandOffFlight>
    var merging = MergeQueue()
    var relays: Slab<HintRelay>
    /// Writes whose client has its answer while some replica still owes one. A silent replica must
    /// not use up what new requests need.
    var answeredWrites = 0
    /// What waits for a newer ring.
    var parked: [Parked] = []
    /// Storage operations asked for and not completed, also those whose request has ended.
    var storageInFlight = 0

    // Their ids never leave the process.
    var hintWrites = Slab<HintWrite>()
    var pushLoads = Slab<PushLoad>()
    var listings = Slab<Listing>()
    var transferPages = Slab<TransferPageFlight>()

    var pending = PendingKeys()
    /// Those that wait for a load, by the numbers that `pending` knows them by.
    var waiters = Slab<Change>()
    var actors: ActorTable
    var standInActors: StandInActors
    var hints: HintLedger
    /// In the order in which they were first needed.
    var deliveries: [TargetDelivery] = []
    var hintThrottle: HintThrottle
    /// When a request last came, a client's or another node's.
    var requestedAt = Instant(nanoseconds: 0)
    /// Hints that are kept with the next write that carries any, or at the end of the step.
    var hintsToKeep: [Hint] = []
    /// Whether an operator has stopped the delivery of hints.
    package internal(set) var areHintsPaused = false
    /// Whether the disk is about to be full: no more hints are kept then, nor records in place of
    /// others. Set by the driver.
    package var isStorageTight = false
    /// Whether the disk does not keep up: writes are refused then, other nodes' too, so that they
    /// push back where they come from instead of gathering here. Set by the driver.
    package var isStorageBehind = false
    /// When hints that are too old were last looked for.
    var sweptAt = Instant(nanoseconds: 0)
    var clock: HybridClock
    var tallies: PartitionTallies
    var trees: PartitionTrees
    var clocks: KnownClocks
    var claims = OwnClaims()
    /// The nodes with which this one shares partitions.
    var entropyPeers: [EntropyPeer]
    var entropyThrottle: HintThrottle
    /// By partition.
    var settlements: [Int: PendingSettlement] = [:]
    var heldRound: UInt32 = 0
    var upkeep: Upkeep
    var settling = SettleMarks()
    /// What all background work draws from, beside the throttles of its kinds.
    package internal(set) var budget: BackgroundBudget
    var transfers: Transfers
    /// What clients ask for most; nil while it is not counted.
    package internal(set) var heat: Heat?
    /// After the start from an old copy, by partition: with which other home replicas it is to be
    /// compared before it may be read from.
    var uncompared: [Int: Set<NodeID>] = [:]
    var isOldCopy = false
    /// Whether the other nodes have said if they have met a later life of this one.
    package private(set) var isLifeKnown = false
    /// By node id: whether there is a connection to it. Own entry: true.
    var isUp: [Bool]
    /// Rises, so that each node that hints wait for is the first in turn.
    var rotation = 0
    var company = ReadCompany()
    var hedging: Hedging
    var explanations = Explanations()
    /// When the deadlines were looked at last.
    private var scanned = Instant(nanoseconds: 0)

    var readEffects = EffectBuffer<ReadCoordinator.Effect>()
    var writeEffects = EffectBuffer<WriteCoordinator.Effect>()

    /// Never anything. A value with an existential in it is only ever passed by address; one
    /// without, the compiler (6.3) copies whole, some three kilobytes, for each call of a method
    /// that does not change it, and each request makes several (docs/decisions/0047).
    private let passedByAddress: (any Sendable)? = nil

    /// - Parameters:
    ///   - node: this node, a member of `ring`.
    ///   - slice: the part of the token space that this shard has.
    ///   - saved: what ``savedState`` was at the last stop if that was clean; nil otherwise.
    ///   - hints: what the storage keeps for other nodes.
    ///   - watermarks: what the storage keeps of the watermarks of partitions.
    ///   - transfers: what the storage keeps of partitions that are being taken over.
    ///   - isNew: whether the data directory was empty, so that it can't be an old copy.
    ///   - seed: for actor ids and the generations of request ids; must be random in each
    ///     incarnation.
    package init(
        node: NodeID,
        slice: ShardSlice = .whole,
        ring: Ring,
        configuration: ShardConfiguration,
        saved: SavedState?,
        hints: [HintBacklog] = [],
        watermarks: [(partition: Int, bytes: ByteBuffer)] = [],
        transfers: [(partition: Int, bytes: ByteBuffer)] = [],
        isNew: Bool = false,
        seed: UInt64
    ) {
        invariant(ring.member(node) != nil)
        self.node = node
        partitions = slice.partitions(of: ring.partitions)
        self.ring = ring
        self.configuration = configuration
        self.isNew = isNew
        var generator = SeededGenerator(seed: seed)
        // A replica may answer an earlier incarnation's request over this one's connection.
        let first = UInt32(truncatingIfNeeded: generator.next())
        firstGeneration = first
        reads = Slab(firstGeneration: first)
        writes = Slab(firstGeneration: first)
        forwards = Slab(firstGeneration: first)
        inspections = Slab(firstGeneration: first)
        coverages = Slab(firstGeneration: first)
        replicaWork = Slab(firstGeneration: first)
        keyLoads = Slab(firstGeneration: first)
        persists = Slab(firstGeneration: first)
        hintLoads = Slab(firstGeneration: first)
        handOffs = Slab(firstGeneration: first)
        relays = Slab(firstGeneration: first)
        self.transfers = Transfers(transfers, configuration, firstQuestion: first)
        let usable = saved?.actors.count == ring.partitions ? saved : nil
        actors = ActorTable(
            node: node,
            partitions: ring.partitions,
            saved: usable?.actors ?? [],
            generator: generator.split()
        )
        standInActors = StandInActors(node: node, generator: generator.split())
        clock = HybridClock(driftMax: configuration.clockDriftMax, latest: usable?.clock ?? .zero)
        tallies = PartitionTallies(partitions: ring.partitions, saved: usable?.counts?.tallies)
        let highest = ring.document.highestID.rawValue
        self.hints = HintLedger(idMax: NodeID(highest), backlogs: hints)
        hintThrottle = HintThrottle(
            bytesPerSecond: max(1, configuration.hintBytesPerSecond),
            burstBytes: HintDelivery.Limits(ageMax: configuration.hintAgeMax).batchBytes
        )
        isUp = Array(repeating: false, count: Int(highest) + 1)
        isUp[Int(node.rawValue)] = true
        epochs = isUp.map { $0 ? ring.document.epoch : 0 }
        hedging = Hedging(peers: isUp.count)
        trees = PartitionTrees(
            partitions: ring.partitions,
            partitionBits: ring.partitionBits,
            saved: usable?.counts?.trees
        )
        let known = Self.read(watermarks, partitions: ring.partitions)
        let homes = Self.homes(of: node, in: ring, partitions)
        clocks = KnownClocks(node: node, homes: homes, watermarks: known)
        upkeep = Upkeep(watermarks: known, firstQuestion: first, partitions)
        entropyPeers = Self.entropyPeers(of: node, in: ring, partitions, firstQuestion: first)
        budget = BackgroundBudget(limits: configuration.background)
        entropyThrottle = HintThrottle(
            bytesPerSecond: max(1, configuration.entropyBytesPerSecond),
            burstBytes: EntropyLimits().batchBytes
        )
    }

    /// Whether anything is in flight, so that a `tick` is due in a while.
    package var hasWork: Bool { workInFlight > 0 }

    /// All that is held for work in flight; 0 once everything has been answered, stored and
    /// forgotten.
    package var workInFlight: Int {
        flights + replicaWork.count + keyLoads.count + persists.count + pending.count
            + storageInFlight + handOffs.count + relays.count + activeDeliveries + activeComparisons
            + parked.count + (isUpkeepRunning ? 1 : 0) + transfers.active.count
            + transfers.asked.count + explanations.count
    }

    /// Storage operations in flight, and changes that wait for one or for being begun.
    var localWork: Int { storageInFlight + pending.waiting + merging.records }

    /// Client requests that have not been answered.
    package var inFlight: Int { flights - answeredWrites + parked.count { $0.isRequest } }

    private var flights: Int {
        reads.count + writes.count + forwards.count + inspections.count + coverages.count
    }

    /// How long replicas take to answer.
    package var delays: ReplicaDelays { hedging.delays }

    /// How far the timestamps that this node gives are ahead of its wall clock.
    package func clockAhead(of wall: WallTime) -> Interval {
        let latest = clock.latest.wall.milliseconds
        return .milliseconds(latest - min(latest, wall.milliseconds))
    }

    /// Whether there is a connection to this member.
    package func isUp(_ id: NodeID) -> Bool {
        Int(id.rawValue) < isUp.count && isUp[Int(id.rawValue)]
    }

    /// Advances by one input.
    package mutating func step(
        _ input: consuming ShardInput,
        at time: ClockReading,
        effects: inout EffectBuffer<ShardEffect>
    ) {
        if !explanations.isEmpty { explanations.now = time.now }
        take(input, at: time, &effects)
        if !parked.isEmpty { resumeParked(at: time, &effects) }
        if !hintsToKeep.isEmpty { askToKeepHints(&effects) }
        if !explanations.isEmpty { releaseExplained(&effects) }
    }

    private mutating func take(
        _ input: consuming ShardInput,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch consume input {
        case .request(let ticket, let request):
            begin(request, from: .client(ticket), at: time, &effects)
        case .scan(let ticket, let range, let timeout):
            beginScan(range, ticket, deadline: deadline(timeout, time), at: time, &effects)
        case .count(let ticket, let timeout):
            beginCount(ticket, deadline: deadline(timeout, time), at: time, &effects)
        case .message(let sender, let message):
            receive(message, from: sender, at: time, &effects)
        case .storage(let completion):
            complete(completion, at: time, &effects)
        case .peerUp(let id):
            guard Int(id.rawValue) < isUp.count else { return }
            isUp[Int(id.rawValue)] = true
            // It may have been away because it was slow, or come back on another machine.
            hedging.latencies[Int(id.rawValue)] = LatencyScore()
            deliverHints(to: id, at: time, &effects)
            peerCameUp(id, at: time)
        case .peerDown(let id):
            guard isUp(id), id != node else { return }
            isUp[Int(id.rawValue)] = false
            abandon(id, at: time, &effects)
            relaysLost(id, at: time, &effects)
            stopDelivery(to: id, at: time, &effects)
            peerWentDown(id, at: time, &effects)
            transferSourceLost(id, at: time, &effects)
        case .actorsConfirmed(let isConfirmed):
            actors.confirm(isConfirmed)
            isLifeKnown = true
            if !isConfirmed, !isNew { mustCompare(&effects) }
            counters.provisionalActorRenewals = actors.provisionalRenewals
        case .hints(let command):
            obey(command, at: time, &effects)
        case .ring(let newer): adopt(newer, at: time, &effects)
        case .memberEpoch(let id, let epoch): adopted(epoch, by: id)
        case .compareNow: compareNow(at: time, &effects)
        case .housekeeping:
            adaptBudget(at: time)
            advanceHeat(to: time.now)
            sweepHints(at: time, &effects)
            deliverToHeirs(at: time, &effects)
            refreshClaims()
            beginUpkeep(at: time, &effects)
            askHeld(&effects)
            beginComparisons(at: time, &effects)
            keepTransfersGoing(at: time, &effects)
        case .tick:
            let hedged = hedgeLagging(at: time, &effects)
            let merged = mergeHandedOver(at: time, &effects)
            // These are due far more often than it is worth to look at all deadlines.
            if hedged || merged, time.now.since(scanned) < Shard.tickInterval { return }
            scanned = time.now
            adaptBudget(at: time)
            expire(at: time, &effects)
            tickDeliveries(at: time, &effects)
            tickRelays(at: time, &effects)
            tickComparisons(at: time, &effects)
            goOnWithUpkeep(at: time, &effects)
            tickTransfers(at: time, &effects)
            serveWaitingTransfers(at: time, &effects)
        }
    }

    private mutating func adaptBudget(at time: ClockReading) {
        guard budget.isDue(time.now) else { return }
        budget.adapt(isIdle: inFlight == 0, now: time.now)
    }

    // MARK: Shared by the parts in the other files

    func deadline(_ timeout: Interval, _ time: ClockReading) -> Instant {
        time.now + min(timeout, configuration.timeoutMax)
    }

    func aliveSlots(of replicas: PreferenceList) -> ReplicaSet {
        var alive = ReplicaSet()
        for slot in 0..<replicas.count where isUp(replicas[slot]) { alive.insert(slot) }
        return alive
    }

    mutating func ask(
        storage request: StorageRequest,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        storageInFlight += 1
        effects.emit(.storage(request))
    }

    mutating func answer(
        _ origin: Origin,
        _ response: ClientResponse,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if case .failed(let failure) = response { count(failure) }
        if !explanations.isEmpty, explanations.hold(origin, response) { return }
        switch origin {
        case .client(let ticket): effects.emit(.reply(ticket, .response(response)))
        case .peer(let sender, let id): effects.emit(.send(sender, .forwarded(id, response)))
        }
    }

    private mutating func count(_ failure: RequestFailure) {
        switch failure {
        case .unavailable: counters.unavailable += 1
        case .timedOut: counters.timedOut += 1
        case .overloaded: counters.overloaded += 1
        case .storage: counters.storageFailures += 1
        case .conflict: counters.conflictsRefused += 1
        case .clockDrift, .tooLarge: break
        }
    }
}
