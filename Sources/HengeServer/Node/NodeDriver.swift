package import HengeBase
import HengeCausality
package import HengeMessages
package import HengeNode
package import HengeReplication
package import HengeRing
package import HengeStorage
package import Logging
package import NIOCore

/// Owns one of a node's shards and carries out its effects: storage, peers, answers to clients,
/// ticks.
///
/// Confined to one event loop: every method is called on it. All that happens in one turn of the
/// loop is written out at its end, with one flush a connection and one batch to the storage.
package final class NodeDriver {
    package let eventLoop: any EventLoop
    package let settings: NodeSettings
    package let node: NodeID
    /// What is this shard's of the token space.
    let slice: ShardSlice
    package let logger: Logger
    let startedAt: Instant
    /// All shards of the node, this one among them; set before any of them serves.
    private(set) var group: ShardGroup
    /// Of the first shard: what the others said when they were last asked (``refreshFigures()``).
    var siblingFigures: [ShardFigures] = []

    // Unchecked below means without the checks at run time that no two accesses overlap, some 5 %
    // of the loop's time (decision 0033). The loop's confinement rules out other threads, and none
    // of these is held while anything is called that could come back here: the shard calls nobody,
    // and an effect has left its buffer when it is carried out.
    @exclusivity(unchecked) private(set) var shard: Shard
    /// Of the first shard only.
    var control: ControlPlane?
    var controlEffects = EffectBuffer<ControlEffect>(capacity: 64)
    var isDrainingControl = false
    var controlTicks: RepeatedTask?
    let storage: RocksDBEngine
    @exclusivity(unchecked) private var effects = EffectBuffer<ShardEffect>(capacity: 512)
    @exclusivity(unchecked) private var isDraining = false
    /// The clocks as of the first thing that happened in this turn.
    @exclusivity(unchecked) private var time: ClockReading
    @exclusivity(unchecked) private var isTurnScheduled = false
    private var isTickScheduled = false
    /// For when a timer for hedges is set.
    private var wakeAt: Instant?

    private struct Waiting {
        let asker: Asker
        let since: Instant
        /// Nil for what is a part of another shard's request, which counts there.
        let kind: RequestKind?
        /// Nil for what runs over the whole cluster, one at a time a connection.
        let isWrite: Bool?
    }

    @exclusivity(unchecked) private var tickets = Slab<Waiting>()
    /// Who is owed the answers of other shards.
    var relayed = Slab<Asker>()
    /// By shard: what goes there at the end of this turn.
    var parcels: [ShardParcel] = []
    var standing = ShardStanding()
    @exclusivity(unchecked) private(set) var admission: Admission
    @exclusivity(unchecked) private(set) var requestMetrics = RequestMetrics()
    var watch = NodeWatch()
    var watchTask: Scheduled<Void>?
    /// Holds this driver.
    weak var hub: ClientHub?
    @exclusivity(unchecked) private var dirtySessions: [ClientSession] = []
    @exclusivity(unchecked) private var dirtyLinks: [PeerLink] = []
    /// By node id; nil for this node and for ids that are no members.
    @exclusivity(unchecked) var links: [PeerLink?]
    /// How many of them have more to tell their peers than these read.
    var linksBehind = 0
    private(set) var bulk: BulkTransport?
    /// Holds this driver.
    private(set) weak var transport: PeerTransport?
    var phase = NodePhase.starting
    var ringWork = RingWork()
    private var notes: NoteLog
    private(set) lazy var administrator = RingAdministrator(driver: self)
    package private(set) lazy var reporter = ClusterReporter(driver: self)
    package private(set) lazy var clusterWatch = ClusterWatch(driver: self)

    init(
        eventLoop: any EventLoop,
        settings: NodeSettings,
        node: NodeID,
        slice: ShardSlice = .whole,
        shard: consuming Shard,
        control: consuming ControlPlane?,
        storage: RocksDBEngine,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.settings = settings
        self.node = node
        self.slice = slice
        self.shard = shard
        self.control = control
        self.storage = storage
        self.logger = logger
        time = SystemClock.read()
        startedAt = time.now
        admission = Admission(
            requestsMax: max(1, settings.requestsMax / slice.count),
            timeout: settings.requestTimeout,
            now: time.now
        )
        links = []
        notes = NoteLog(logger: logger)
        group = ShardGroup(drivers: [])
    }

    /// Makes this one of the shards of a node.
    func join(_ group: ShardGroup) {
        self.group = group
        parcels = Array(repeating: ShardParcel(), count: group.count)
        standing.reports = Array(repeating: nil, count: group.count - 1)
    }

    // MARK: For sessions

    package var ring: Ring { shard.ring }
    package var counters: ShardCounters { shard.counters }
    package var requestsInFlight: Int { shard.inFlight }
    package var tallies: PartitionTallies { shard.partitionTallies }
    package var budget: BackgroundBudget { shard.budget }
    /// What part of its rate the background may take now, over 0 and up to 1.
    package var backgroundShare: Double {
        Double(budget.share) / Double(BackgroundBudget.parts)
    }
    package var storageMetrics: StorageMetrics { storage.metrics }

    /// The wall clock as of this turn.
    package var wall: WallTime {
        beginTurn()
        return time.wall
    }

    /// The monotonic clock as of this turn.
    package var now: Instant {
        beginTurn()
        return time.now
    }

    /// Starts a request; its reply comes to ``ClientSession/complete(_:_:)`` with `slot`, maybe
    /// before this returns.
    package func submit(_ request: ClientRequest, for session: ClientSession, slot: Int) {
        submit(request, for: .session(session, slot: slot))
    }

    /// The answer to a read that needs this node alone and whose record the storage has at hand;
    /// nil for what is to be submitted.
    func answerAtOnce(_ request: ClientRequest) -> ClientResponse? {
        guard otherShard(with: request.key.token) == nil, shard.readsAlone(request),
            let bytes = storage.recall(request.key), let object = try? EncodedObject(bytes)
        else { return nil }
        beginTurn()
        shard.hasReadAlone(request.key, object, at: time)
        requestMetrics.ended(RequestKind(request), found: object)
        return .object(object)
    }

    func submit(_ request: ClientRequest, for asker: Asker) {
        if let other = otherShard(with: request.key.token) {
            return relay(.request(request), to: other, for: asker)
        }
        let isWrite = request.isWrite
        let kind = RequestKind(request)
        if isWrite, storage.isBackpressured {
            requestMetrics.storageRefused(kind)
            return complete(asker, .response(.failed(storageOverloaded)))
        }
        if isWrite, arePeersBehind {
            requestMetrics.peersRefused(kind)
            return complete(asker, .response(.failed(peersOverloaded)))
        }
        if let refusal = admission.begin(isWrite: isWrite) {
            requestMetrics.admissionRefused(kind)
            return complete(asker, .response(.failed(refusal)))
        }
        step(.request(ticket(asker, kind, isWrite: isWrite), request))
    }

    package func scan(_ range: ScanRange, for session: ClientSession, slot: Int) {
        scan(range, for: .session(session, slot: slot))
    }

    func scan(_ range: ScanRange, for asker: Asker) {
        if let other = otherShard(with: range.from) {
            return relay(.scan(range), to: other, for: asker)
        }
        step(.scan(ticket(asker, .scan), range, timeout: settings.requestTimeout))
    }

    package func count(for session: ClientSession, slot: Int) {
        let asker = Asker.session(session, slot: slot)
        guard slice.count > 1 else { return countOwn(for: asker) }
        let gathering = CountGathering(shards: slice.count)
        for shard in 0..<slice.count where shard != slice.index {
            relay(.count, to: shard, for: .count(gathering, asker))
        }
        countOwn(for: .count(gathering, asker))
    }

    func countOwn(for asker: Asker) {
        var kind: RequestKind?
        if case .shard = asker {} else { kind = .coverageCount }
        step(.count(ticket(asker, kind), timeout: settings.requestTimeout))
    }

    // MARK: For other threads

    /// Starts a request whose answer the promise takes.
    func submit(_ request: ClientRequest, for promise: EventLoopPromise<ShardReply>) {
        submit(request, for: .promise(promise))
    }

    func scan(_ range: ScanRange, for promise: EventLoopPromise<ShardReply>) {
        scan(range, for: .promise(promise))
    }

    /// Whether requests come, of clients or of other nodes.
    var isServing: Bool {
        beginTurn()
        return shard.isBusy(time)
    }

    /// Whether what is read for reports may go on now; it has to ask again if not.
    func mayReadForReports() -> Bool {
        beginTurn()
        return shard.mayReadForReports(at: time)
    }

    func hasReadForReports(bytes: Int) {
        beginTurn()
        shard.hasReadForReports(bytes: bytes, at: time)
    }

    /// Has the session's output flushed at the end of this turn.
    package func flushLater(_ session: ClientSession) {
        beginTurn()
        dirtySessions.append(session)
    }

    // MARK: For the server and for links

    func install(_ transport: PeerTransport) {
        self.transport = transport
        bulk = transport.bulk
    }

    func completed(_ completions: [StorageCompletion]) {
        storage.noteCompleted(completions)
        for completion in completions { step(.storage(completion)) }
    }

    func addInitialTallies(_ initial: [RecordWeight], leaves: [LeafSums]) {
        shard.addInitialTallies(initial, leaves: leaves)
    }

    /// What is left of a mark, or of a new one without a token; nil when there is none of this name
    /// or no more, or when too many wait already.
    ///
    /// - Parameter comparing: whether all nodes have delivered what they had to.
    func settleStatus(of token: SettleToken?, comparing: Bool) -> SettleStatus? {
        let time = ClockReading(now: now, wall: wall)
        guard let token else { return shard.beginSettling(at: time) }
        return shard.settleStatus(of: token, comparing: comparing, at: time)
    }

    func flushLater(_ link: PeerLink) {
        beginTurn()
        dirtyLinks.append(link)
    }

    var isIdle: Bool { !shard.hasWork }

    var savedState: SavedState { shard.savedState }

    func name(of id: NodeID) -> String {
        shard.ring.member(id)?.name ?? id.description
    }

    // MARK: Turns

    private func ticket(_ asker: Asker, _ kind: RequestKind?, isWrite: Bool? = nil) -> Ticket {
        let waiting = Waiting(asker: asker, since: now, kind: kind, isWrite: isWrite)
        let place = tickets.insert(waiting)
        return Ticket(rawValue: UInt64(place.generation) << 32 | UInt64(place.index))
    }

    /// The disk does not keep up. Refusing writes at once keeps memory bounded and reads quick.
    private var storageOverloaded: RequestFailure {
        .overloaded(
            inFlight: storage.metrics.pendingWrites,
            limit: storage.pendingOperationsMax
        )
    }

    func step(_ input: consuming ShardInput) {
        eventLoop.assertInEventLoop()
        beginTurn()
        shard.step(input, at: time, effects: &effects)
        // A step that comes out of an effect leaves its own effects to the loop that is already
        // running.
        guard !isDraining else { return }
        isDraining = true
        while let effect = effects.takeFirst() { carryOut(effect) }
        isDraining = false
    }

    private func carryOut(_ effect: consuming ShardEffect) {
        switch consume effect {
        case .send(let target, let message):
            link(to: target)?.send(message)
        case .sendBulk(let target, let message):
            bulk?.send(message, to: target)
        case .storage(.load(let key, let token)):
            if case .done(let result) = storage.load(key, token: token) {
                shard.step(.storage(.loaded(token, result)), at: time, effects: &effects)
            }
        case .storage(.loadVersion(let key, let token)):
            if let answer = storage.loadVersion(key, token: token) {
                shard.step(.storage(answer), at: time, effects: &effects)
            }
        case .storage(.persist(let key, let object, let hints, let token)):
            storage.persist(key, object, hints: hints, token: token)
        case .storage(.scan(let range, let token)):
            storage.scan(range, token: token)
        case .storage(.remove(let key, let token)):
            storage.remove(key, token: token)
        case .storage(.keepHints(let hints, let token)):
            storage.keepHints(hints, token: token)
        case .storage(.loadHints(let target, let after, let limit, let token)):
            storage.loadHints(target, after: after, limit: limit, token: token)
        case .storage(.dropHints(let target, let through, let token)):
            storage.dropHints(target, through: through, token: token)
        case .storage(.list(let range, let token)):
            storage.list(range, token: token)
        case .storage(.saveWatermark(let partition, let bytes, let token)):
            storage.saveWatermark(partition: partition, bytes, token: token)
        case .storage(.saveTransfer(let partition, let bytes, let token)):
            storage.saveTransfer(partition: partition, bytes, token: token)
        case .storage(.dropPartition(let partition, let tokens, let token)):
            storage.dropPartition(partition, tokens: tokens, token: token)
        case .reply(let ticket, let reply):
            let waiting = tickets.remove(Int(ticket.rawValue & 0xFFFF_FFFF))
            // What an explained answer was held for after it was there is no wait.
            let end = reply.answeredAfter.map { waiting.since + $0 } ?? time.now
            if let isWrite = waiting.isWrite {
                admission.end(isWrite: isWrite, since: waiting.since, now: end)
            }
            if let kind = waiting.kind {
                requestMetrics.ended(kind, reply, after: end.since(waiting.since))
            }
            complete(waiting.asker, reply)
        case .ringIsOld(let epoch, let id):
            if isFirst { ringIsOld(epoch, id) } else { tellFirst { $0.ringIsOld(epoch, id) } }
        case .note(let note):
            notes.write(note, names: name(of:), now: time.now)
        }
    }

    /// Called before anything else in a turn: reads the clocks once and has the end of the turn
    /// come.
    func beginTurn() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        time = SystemClock.read()
        shard.isStorageTight = storage.isSpaceLow
        shard.isStorageBehind = storage.isBackpressured
        // The loop runs this after it has handled everything that was ready.
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { driver.value.endTurn() }
    }

    private func endTurn() {
        isTurnScheduled = false
        storage.endTurn()
        if slice.count > 1 { sendParcels() }
        // A write may find its connection dead, and what follows from that may be for links and
        // sessions that had their turn already: they are in the next.
        let links = dirtyLinks
        dirtyLinks.removeAll(keepingCapacity: true)
        for link in links { link.flush() }
        let sessions = dirtySessions
        dirtySessions.removeAll(keepingCapacity: true)
        for session in sessions { session.flush() }
        scheduleTick()
        scheduleWake()
        scheduleControlDue()
    }

    private func scheduleTick() {
        guard !isTickScheduled, shard.hasWork else { return }
        isTickScheduled = true
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        let interval = TimeAmount.nanoseconds(Int64(Shard.tickInterval.nanoseconds))
        eventLoop.scheduleTask(in: interval) {
            driver.value.isTickScheduled = false
            driver.value.step(.tick)
        }
    }

    /// One timer for the first hedge that is due, not one a read: nearly all reads end before.
    private func scheduleWake() {
        guard let due = shard.nextWake, wakeAt.map({ due < $0 }) ?? true else { return }
        wakeAt = due
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        let delay = Int64(clamping: due.since(time.now).nanoseconds)
        eventLoop.scheduleTask(in: .nanoseconds(delay)) { driver.value.wake(due) }
    }

    private func wake(_ due: Instant) {
        // A timer that was set for sooner has taken this one's place.
        guard wakeAt == due else { return }
        wakeAt = nil
        // What was due then has ended mostly; the end of the turn sets the next timer.
        beginTurn()
        if let next = shard.nextWake, next <= time.now { step(.tick) }
    }
}
