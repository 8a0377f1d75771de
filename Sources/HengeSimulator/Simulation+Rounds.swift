package import HengeBase
package import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication

/// A run is a series of rounds: faults, then calm in which everything must work, then the checks.
extension Simulation {
    /// Runs until something is found wrong, or for this long in virtual time, at least one round.
    package func run(for time: Interval = .zero, workloads: [any Workload]? = nil) {
        trace.write("seed \(seed): \(options.summary)", at: now)
        begin(workloads ?? [MixedWorkload(), CartWorkload()])
        repeat { runRound(runFaults) } while violation == nil && now.nanoseconds < time.nanoseconds
    }

    func begin(_ workloads: [any Workload]) {
        self.workloads = workloads
        for (number, workload) in workloads.enumerated() {
            for _ in 0..<workload.clientCount(options) {
                let client = SimulatedClient(
                    index: clients.count,
                    workload: number,
                    dice: loadDice.split()
                )
                clients.append(client)
            }
        }
        startAll()
    }

    func startAll() {
        for node in nodes where violation == nil { start(node) }
    }

    private func runFaults() {
        runClients(operations: options.operations, isCalm: false)
    }

    /// - Parameter trouble: what clients and nodes go through before all is healed.
    func runRound(_ trouble: () -> Void) {
        counts.rounds += 1
        round += 1
        firstKeyOfRound = causal.keys.count
        areHintsWhole = options.faults.isDisjoint(with: [.rot, .wildClock])
        log.beginRound()
        causal.retire()
        finalObjects.removeAll()
        ownReplies.removeAll()
        for client in clients { client.beginRound() }
        for workload in workloads { workload.setUp(self, round: round) }
        pass(.milliseconds(200))
        trouble()
        settleFaults()
        recover()
        restartAll()
        awaitCompared()
        runClients(operations: options.calmOperations, isCalm: true)
        awaitQuiet()
        awaitStillRing()
        awaitHandOver()
        for node in memberNodes {
            checking { () throws(Violation) in try checkTrees(of: node) }
        }
        awaitAgreement()
        awaitPurges()
        readAllKeys()
        awaitQuiet()
        checkQuietCluster()
        repair = options.repair
        for node in nodes where violation == nil { kill(node) }
        startAll()
    }

    // MARK: Phases

    private func runClients(operations: Int, isCalm: Bool) {
        self.isCalm = isCalm
        if !isCalm {
            faultsAreOn = true
            scheduleStrike()
            scheduleRingChange()
        }
        trace.write(isCalm ? "calm" : "faults", at: now)
        for client in clients {
            client.remaining = max(1, operations / clients.count)
            schedule(.wake(client: client.index), after: delay(options.think, &loadDice))
        }
        let isDone = advance(within: .seconds(3_600)) { clients.allSatisfy(\.isDone) }
        checking { () throws(Violation) in try checkNoneLate() }
        if !isDone { report(Violation(.liveness, "clients do not come to an end")) }
    }

    private func settleFaults() {
        heal()
        awaitTrueClocks()
        // What slow nodes sent is still under way, and all that is sent after it arrives later.
        if options.faults.contains(.slowNodes) { pass(.seconds(3)) }
        self.isCalm = true
        trace.write("healed", at: now)
        // Stops under way end, and requests that nobody waits for any more run out.
        awaitQuiet()
        checking { () throws(Violation) in try checkNoneLate() }
    }

    /// Whatever happened, the processes that lived through it serve again without a restart.
    private func recover() {
        startAll()
        // What operators have asked for is decided by then, or given up.
        if options.ringChangeEvery != nil { pass(.seconds(10)) }
        awaitSettled()
        awaitStillRing()
        awaitConnections()
        awaitHandOver()
        checkHandedOver()
        awaitCompared()
        // What has rotted is found by the scrub, and made whole by comparisons. Requests that come
        // before may fail.
        if options.faults.contains(.rot) || roundDice.chance(1, in: 2) { awaitAgreement() }
        runClients(operations: options.calmOperations / 2, isCalm: true)
        awaitQuiet()
    }

    /// Restarts every node, some after a clean stop, with the repair that makes replicas equal.
    private func restartAll() {
        repair = .blocking
        for node in nodes where node.process != nil {
            if roundDice.chance(1, in: 2) { kill(node) } else { stop(node) }
        }
        let isDown = advance(within: .seconds(20)) { nodes.allSatisfy { $0.process == nil } }
        if !isDown { report(Violation(.quiescence, "a node does not stop")) }
        startAll()
        awaitConnections()
    }

    /// Until the replicas' clocks are where the wrong ones were: a long time, in which nothing else
    /// would happen.
    private func awaitTrueClocks() {
        var milliseconds = Int64(0)
        if options.faults.contains(.wildClock) {
            milliseconds += 3 * Int64(options.clockDriftMax.milliseconds)
        }
        if options.faults.contains(.hourJumps) { milliseconds += 3_600_000 }
        for node in nodes { node.clock.skippedMilliseconds += milliseconds }
    }

    private func awaitConnections() {
        let areUp = advance(within: .seconds(20)) {
            let members = memberNodes
            return members.allSatisfy { node in
                members.allSatisfy { node.process?.isUp($0.id) ?? false }
                    && members.allSatisfy { isInTouch(node, with: $0) }
            }
        }
        if !areUp { report(Violation(.liveness, "nodes do not connect")) }
        // What a datagram was to tell may be lost for good. One under way is not much later than
        // the usual delay.
        let late = Interval(nanoseconds: options.messageDelay.nanoseconds * 20)
        let limit = options.transport == .connections ? .seconds(20) : late
        let haveHeard = advance(within: limit) {
            memberNodes.allSatisfy { $0.process?.control.isDataNewest != nil }
        }
        guard !haveHeard, options.transport == .connections else { return }
        report(Violation(.liveness, "nodes do not learn whether their data is the newest"))
    }

    /// Whether a node has no reason left to give another up. Until it has heard from that again, it
    /// may yet do so for a silence that has just ended.
    private func isInTouch(_ node: SimulatedNode, with other: SimulatedNode) -> Bool {
        guard node !== other else { return true }
        let time = node.clock.reading(at: now).now
        guard let status = node.process?.control.status(of: other.id, at: time),
            let silence = status.sinceContact
        else { return false }
        // Both far below what it takes, and what one reaches within a few rounds.
        return status.phi < 1
            && silence.nanoseconds <= 3 * options.gossipInterval.nanoseconds
    }

    /// Until no node is kept from serving reads since its disk is an old copy.
    private func awaitCompared() {
        // What others know of it may be lost on the way, where messages are.
        _ = advance(within: .seconds(2)) {
            memberNodes.allSatisfy { $0.process?.isLifeKnown ?? false }
        }
        let isDone = advance(within: .seconds(60)) {
            memberNodes.allSatisfy { $0.process?.isCompared ?? false }
        }
        if !isDone { report(Violation(.liveness, "old copies are not compared")) }
        awaitQuiet()
    }

    /// Until every hint has been delivered and nobody holds anything in the place of another.
    private func awaitHandOver() {
        let isDone = advance(within: .seconds(30)) {
            memberNodes.allSatisfy(\.disk.keepsNothing)
        }
        if !isDone { report(Violation(.liveness, "hints are not delivered")) }
        awaitQuiet()
    }

    /// What has arrived at nodes that stand still.
    private var messagesPaused: Int {
        nodes.reduce(0) { sum, node in
            guard let process = node.process, !process.backlog.isEmpty else { return sum }
            return sum + process.backlog.count { $0.isRequest }
        }
    }

    func awaitQuiet() {
        let isQuiet = advance(within: .seconds(60)) {
            messagesUnderWay == messagesPaused
                && nodes.allSatisfy { node in
                    guard let process = node.process, node.pausedSince == nil else { return true }
                    return !process.hasWork && !process.isStopping && process.isCounted
                }
        }
        guard !isQuiet, violation == nil else { return }
        let busy = nodes.filter { $0.process?.hasWork ?? false }.map(\.id.description)
        report(Violation(.quiescence, "\(busy) have work in flight that does not end"))
    }

    /// Every request whose node lives and runs has been answered in time.
    func checkNoneLate() throws(Violation) {
        try log.checkNoneLate(at: now, paused: nodes.map { $0.pausedTime(at: now) })
    }

    // MARK: Final reads

    private func readAllKeys() {
        trace.write("final reads", at: now)
        for number in causal.keys.indices[firstKeyOfRound...] where violation == nil {
            let node = anyMember()
            // Some runs allow one request at a time.
            awaitQuiet()
            let reply = callUntilTaken(read(number, .all), at: node)
            guard case .response(.object(let object))? = reply, violation == nil else { continue }
            finalObjects[number] = object
        }
    }

    func read(_ key: Int, _ level: Consistency) -> ClientAction {
        let request = ClientRequest(
            key: causal.keys[key],
            operation: .read,
            levels: ConsistencyLevels(read: level, write: level),
            timeout: .seconds(10)
        )
        return .request(request, key: key)
    }

    /// What the read at ALL of a key found at the end of the round.
    package func finalObject(of key: Int) -> EncodedObject? { finalObjects[key] ?? nil }

    /// Makes a request of a quiet cluster, again and again where the run's own limits refuse it:
    /// nodes look after their records then, too.
    func callUntilTaken(_ action: ClientAction, at node: SimulatedNode) -> ShardReply? {
        untilTaken { call(action, at: node) }
    }

    func untilTaken(_ ask: () -> ShardReply?) -> ShardReply? {
        var reply = ask()
        var times = 1
        while options.isLimited, times < 1_000, reply?.isRefusal == true {
            pass(.milliseconds(3))
            reply = ask()
            times += 1
        }
        return reply
    }

    /// Makes a request and waits for its answer; nil when there is none.
    func call(_ action: ClientAction, at node: SimulatedNode) -> ShardReply? {
        let number = submit(action, at: node, client: nil)
        let isAnswered = advance(within: .seconds(20)) { ownReplies[number] != nil }
        if !isAnswered, violation == nil {
            report(Violation(.oneAnswer, "operation \(number) of a quiet cluster has no answer"))
        }
        return ownReplies.removeValue(forKey: number)
    }
}

extension ShardReply {
    /// Whether a node with less to do might have answered otherwise.
    fileprivate var isRefusal: Bool {
        switch self {
        case .response(.failed(.overloaded)), .response(.failed(.timedOut)),
            .response(.failed(.storage)):
            true
        default: false
        }
    }
}
