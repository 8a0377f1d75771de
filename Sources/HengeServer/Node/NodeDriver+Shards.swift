import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import NIOCore

/// What a shard knows of the others of its node, and of the control plane, which the first one has.
struct ShardStanding {
    /// Of the first shard: the peers that the control plane takes for up, and those to which all
    /// shards have a link. Of another one: the peers that the first takes for up, and those to
    /// which it has a link itself. Those are up that are both.
    private var told: Set<NodeID> = []
    private var linked: Set<NodeID> = []
    /// Of the first shard: by peer and shard, which process of the peer the link leads to.
    private var links: [NodeID: [UInt64?]] = [:]
    /// Of the first shard: what each of the others has said last of the change that is running.
    var reports: [RingReport?] = []
    /// Of the first shard: whether some of the others still serve by the ring before.
    var isAdopting = false
    /// What waits for them.
    var held: [ControlEffect] = []
    /// Of another shard than the first: the processes of peers that it had links to.
    var lives = LivesOfShard(saved: nil)
    /// Of another shard than the first: has it tell how far it is with the change that is running.
    var reporting: RepeatedTask?

    mutating func setTold(_ id: NodeID, isUp: Bool) {
        if isUp { told.insert(id) } else { told.remove(id) }
    }

    mutating func setLinked(_ id: NodeID, _ isLinked: Bool) {
        if isLinked { linked.insert(id) } else { linked.remove(id) }
    }

    func isUp(_ id: NodeID) -> Bool { told.contains(id) && linked.contains(id) }

    /// - Parameter life: nil when the link has closed.
    mutating func setLink(to id: NodeID, of shard: Int, shards: Int, life: UInt64?) {
        var lives = links[id] ?? Array(repeating: nil, count: shards)
        lives[shard] = life
        links[id] = lives
        setLinked(id, lives[0] != nil && lives.allSatisfy { $0 == lives[0] })
    }
}

/// The shards of a node beside each other: the first one's control plane tells all of them who is
/// up and by which ring to serve.
extension NodeDriver {
    var isFirst: Bool { slice.index == 0 }

    /// Whether the loops of the other shards still turn: they end together, once all have stopped.
    private var areOthersRunning: Bool { transport?.isStopping == false }

    /// Runs `body` on the loops of the other shards, in the order of these calls.
    func tellSiblings(_ body: @escaping @Sendable (NodeDriver) -> Void) {
        guard areOthersRunning else { return }
        for (index, driver) in group.drivers.enumerated() where index != slice.index {
            driver.eventLoop.execute { body(driver.value) }
        }
    }

    /// Runs `body` on the loop of the first shard.
    func tellFirst(_ body: @escaping @Sendable (NodeDriver) -> Void) {
        guard areOthersRunning else { return }
        let first = group[0]
        first.eventLoop.execute { body(first.value) }
    }

    /// Has all shards take an input of the control plane's.
    func stepShards(_ input: ShardInput) {
        step(input)
        tellSiblings { $0.step(input) }
    }

    // MARK: Who is up

    /// The control plane takes a peer for up, or no more.
    func tookForUp(_ id: NodeID, _ isUp: Bool) {
        noteStanding(of: id) { $0.setTold(id, isUp: isUp) }
    }

    func connected(_ id: NodeID, life: UInt64) {
        noteLink(to: id, life: life)
        // Whether other shards have a link or not: what the peer says once, at the begin, would be
        // lost on a control plane that does not know of the connection.
        if isFirst { stepControl(.connected(id, life: life)) }
    }

    func disconnected(_ id: NodeID) {
        noteLink(to: id, life: nil)
        if isFirst { stepControl(.disconnected(id)) }
    }

    private func noteLink(to id: NodeID, life: UInt64?) {
        guard !isFirst else { return noteLink(to: id, of: 0, life: life) }
        if let life { meet(life, of: id) }
        noteStanding(of: id) { $0.setLinked(id, life != nil) }
        let shard = slice.index
        tellFirst { $0.noteLink(to: id, of: shard, life: life) }
    }

    private func noteLink(to id: NodeID, of shard: Int, life: UInt64?) {
        let shards = slice.count
        noteStanding(of: id) { $0.setLink(to: id, of: shard, shards: shards, life: life) }
    }

    /// Durable before anything that this life writes here, as the control plane's ledger is before
    /// what it writes to the first shard: that has another database, and may not have heard of it.
    private func meet(_ life: UInt64, of id: NodeID) {
        if let lives = standing.lives.met(life, of: id, in: ring) { storage.saveLives(lives) }
    }

    /// A peer is up while the control plane says so and all shards have a link to it, so that none
    /// is whose keys can be reached in part.
    private func noteStanding(of id: NodeID, _ change: (inout ShardStanding) -> Void) {
        let before = standing.isUp(id)
        change(&standing)
        let isUp = standing.isUp(id)
        guard before != isUp else { return }
        step(isUp ? .peerUp(id) : .peerDown(id))
        guard isFirst else { return }
        tellSiblings { driver in driver.noteStanding(of: id) { $0.setTold(id, isUp: isUp) } }
    }

    // MARK: By which ring to serve

    /// Has all shards serve by a newer ring. What the control plane wants done after that waits:
    /// none of it may tell others of the ring before all shards go by it.
    func adoptEverywhere(_ ring: Ring) {
        adopt(ring)
        guard group.count > 1 else { return }
        standing.isAdopting = true
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        group.gather(on: eventLoop) { if !$0.isFirst { $0.adopt(ring) } }.whenSuccess { _ in
            driver.value.allHaveAdopted()
        }
    }

    /// What all shards say of the change that is running.
    var nodeRingReport: RingReport? {
        isFirst ? .joined([shard.ringReport] + standing.reports) : shard.ringReport
    }

    /// Tells the control plane how far the node is with the change that is running.
    func handInReport() {
        if isFirst { return stepControl(.ownReport(nodeRingReport)) }
        let (report, index) = (shard.ringReport, slice.index)
        tellFirst { $0.took(report, of: index) }
    }

    private func took(_ report: RingReport?, of shard: Int) {
        guard standing.reports[shard - 1] != report else { return }
        standing.reports[shard - 1] = report
        handInReport()
    }

    /// Has a shard other than the first tell in time how far it is.
    func startReporting() {
        let nanoseconds = Int64(clamping: settings.control.interval.nanoseconds)
        let interval = TimeAmount.nanoseconds(nanoseconds)
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        standing.reporting = eventLoop.scheduleRepeatedTask(
            initialDelay: interval,
            delay: interval
        ) { _ in driver.value.handInReport() }
    }

    func stopReporting() {
        standing.reporting?.cancel()
        standing.reporting = nil
    }
}
