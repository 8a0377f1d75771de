package import HengeBase
import HengeCausality
import HengeMembership
import HengeMessages
import HengeNode
import HengeReplication
package import HengeRing

/// A whole cluster in one thread and in virtual time: shards, disks, clocks, network, clients,
/// faults and checkers, all from one seed.
///
/// Whatever happens, happens because an event comes up in the queue; equal seeds give equal events.
package final class Simulation {
    package let seed: UInt64
    package let options: SimulationOptions
    /// The newest that any node has adopted.
    package internal(set) var ring: Ring
    /// What all nodes but the spare ones know from the start.
    let bootstrap: RingDocument
    /// By epoch: what was adopted anywhere.
    var rings: [UInt64: RingDocument] = [:]
    /// What became of the scenario's own proposals.
    var proposalOutcomes: [RingElection.Outcome] = []
    let interposer: (any Interposer)?

    package internal(set) var now = Instant(nanoseconds: 0)
    var queue = EventQueue<Event>()
    var nodes: [SimulatedNode]
    var network: Network
    /// Sent and not arrived; a late one may still do something.
    var messagesUnderWay = 0
    /// What new processes do about stale replicas; the final reads need `blocking`.
    var repair: ReadRepair

    package internal(set) var trace: Trace
    var causal: CausalChecker
    var log: OperationLog
    /// The latest reading of any wall clock.
    var latestWall = WallTime(milliseconds: 0)
    /// The first thing that was found wrong; nothing happens after it.
    package internal(set) var violation: Violation?
    package internal(set) var counts = SimulationCounts()

    var workloads: [any Workload] = []
    var clients: [SimulatedClient] = []
    /// Answers to the checkers' own requests.
    var ownReplies: [Int: ShardReply] = [:]
    var isCalm = true
    var faultsAreOn = false
    /// A node that every second client stays away from, so that one that answers nobody does not
    /// end up with them all.
    var shunned: Int?
    /// Whether all replicas were found to hold the same, and nobody has written since.
    var hasConverged = false
    var round = 0
    var firstKeyOfRound = 0
    /// By key: what its read at ALL found.
    var finalObjects: [Int: EncodedObject?] = [:]
    /// By fault: the ways that it blocks.
    var blockedWays: [Int: [BlockedWay]] = [:]
    var faultNumber = 0
    let skippedFaults: SkippedFaults
    /// Faults that were due so far, also those that were left out or found nothing to break.
    var strikesDue = 0
    /// Whether hints tell of every write that a replica has missed in this round: no coordinator
    /// died before it could keep one, none was dropped, and no disk failed.
    var areHintsWhole = true
    /// Whether a node has lost records of earlier rounds, which nobody reads any more.
    var haveOldKeysDiverged = false
    /// The faults that struck.
    package internal(set) var strikes: [Strike] = []

    // One stream a concern, so that a change in one leaves the others' draws alone.
    var networkDice: SeededGenerator
    var diskDice: SeededGenerator
    var faultDice: SeededGenerator
    var startDice: SeededGenerator
    /// What rounds do between their phases.
    var roundDice: SeededGenerator
    var loadDice: SeededGenerator
    var ringDice: SeededGenerator
    /// Draws only where nodes have several shards.
    var shardDice: SeededGenerator

    /// - Parameters:
    ///   - options: nil to draw them from the seed.
    ///   - durability: in place of that of the options.
    ///   - shards: in place of the number in the options.
    ///   - skippedFaults: faults that are left out; the others are as without.
    ///   - line: called with each line of the event log; nil to write none.
    package init(
        seed: UInt64,
        options wanted: SimulationOptions? = nil,
        durability: MemoryEngine.Durability? = nil,
        shards: Int? = nil,
        skippedFaults: SkippedFaults = .none,
        interposer: (any Interposer)? = nil,
        line: ((String) -> Void)? = nil
    ) {
        var dice = SeededGenerator(seed: seed)
        var optionDice = dice.split()
        var options = wanted ?? SimulationOptions.draw(&optionDice)
        if let durability { options.durability = durability }
        if let shards { options.shards = shards }
        self.seed = seed
        self.interposer = interposer
        self.skippedFaults = skippedFaults
        networkDice = dice.split()
        diskDice = dice.split()
        faultDice = dice.split()
        startDice = dice.split()
        loadDice = dice.split()
        roundDice = dice.split()
        ringDice = SeededGenerator(seed: ~seed)
        var shardDice = SeededGenerator(seed: seed ^ (1 << 63))
        if wanted == nil, options.shards > 1 { options.drawAdoptions(&shardDice) }
        self.shardDice = shardDice
        self.options = options
        ring = Self.makeRing(options, isShuffled: wanted == nil, &startDice)
        bootstrap = ring.document
        let count = options.nodes + options.spares
        nodes = (0..<count).map {
            SimulatedNode(index: $0, shards: options.shards, durability: options.durability)
        }
        for node in nodes[options.nodes...] { node.isSpare = true }
        network = Network(count: count, shards: options.shards)
        repair = options.repair
        trace = Trace(line: line)
        causal = CausalChecker(
            nodes: count,
            clocksAgree: options.faults.isDisjoint(with: .wrongClocks)
        )
        log = OperationLog(replicas: ring.replicas)
        setClocks(&dice)
    }

    /// A ring of its own making, so that a better placement some day does not change every seed.
    private static func makeRing(
        _ options: SimulationOptions,
        isShuffled: Bool,
        _ dice: inout SeededGenerator
    ) -> Ring {
        let members = (1...options.nodes).map { member(NodeID(UInt16($0))) }
        var owners: [NodeID] = []
        for partition in 0..<options.partitions {
            let turn = partition % options.nodes
            let index = isShuffled && dice.chance(1, in: 4) ? dice.below(options.nodes) : turn
            owners.append(members[index].id)
        }
        // Every node owns something, whatever the dice said.
        for (index, member) in members.enumerated() { owners[index] = member.id }
        let document = RingDocument(
            clusterID: 1,
            epoch: 1,
            replicas: options.replicas,
            members: members,
            owners: owners
        )
        return Ring(document)
    }

    private func setClocks(_ dice: inout SeededGenerator) {
        var clockDice = dice.split()
        let bound = Int(options.clockDriftMax.milliseconds)
        for node in nodes {
            guard options.faults.contains(.clockSkew) else { continue }
            // Any two differ by less than the bound, with room for jumps.
            node.clock.skewMilliseconds =
                Int64(clockDice.below(bound * 6 / 10)) - Int64(bound * 3 / 10)
            node.clock.driftPerMillion = Int64(clockDice.below(401)) - 200
        }
        if options.faults.contains(.wildClock) {
            let wild = nodes[clockDice.below(nodes.count)]
            wild.clock.skewMilliseconds = Int64(bound + clockDice.below(bound))
        }
    }

    // MARK: Time

    func schedule(_ event: Event, after delay: Interval) {
        queue.schedule(event, at: now + delay)
    }

    /// Lets time pass until a condition holds; false when it does not within the limit, or when
    /// something was found wrong.
    package func advance(within limit: Interval, until condition: () -> Bool) -> Bool {
        let deadline = now + limit
        while violation == nil {
            if condition() { return true }
            guard let next = queue.nextTime, next <= deadline, let (time, event) = queue.popNext()
            else {
                now = max(now, deadline)
                return condition()
            }
            now = time
            counts.events += 1
            handle(event)
        }
        return false
    }

    package func pass(_ time: Interval) {
        _ = advance(within: time, until: { false })
    }

    /// Runs a check, keeping what it finds.
    func checking(_ body: () throws(Violation) -> Void) {
        do throws(Violation) {
            try body()
        } catch {
            report(error)
        }
    }

    func report(_ found: Violation) {
        guard violation == nil, !options.tolerated.contains(found.promise) else { return }
        violation = found
        trace.write("!! \(found)", at: now)
    }

    private func handle(_ event: Event) {
        if let target = event.target, nodes[target].pausedSince != nil {
            nodes[target].process?.backlog.append(event)
            return
        }
        switch event {
        case .message(let envelope): arrive(envelope)
        case .unstall(let from, let to): unstall(from: from, to: to)
        case .link(let event): handle(event)
        case .storage(let address, let event): handle(event, at: address)
        case .tick(let address): tick(address)
        case .housekeeping(let address): keepHouse(address)
        case .round(let node, let number):
            guard let running = process(node, number) else { return }
            beginRound(nodes[node], running)
        case .control(let node, let process, let input):
            guard self.process(node, process) != nil else { return }
            step(nodes[node], control: input)
        case .input(let address, let input):
            guard process(address.node, address.process) != nil else { return }
            step(nodes[address.node], shard: address.shard, input)
        case .told(let address, let input): told(input, address)
        case .tallies(let address, let weights, let leaves):
            process(address.node, address.process)?.shards[address.shard].shard
                .addInitialTallies(weights, leaves: leaves)
        case .start(let node): start(nodes[node])
        case .stopping(let node, let process, let stage, let deadline):
            guard let running = self.process(node, process) else { return }
            continueStop(nodes[node], running, stage, deadline)
        case .wake(let client): wake(clients[client])
        case .nemesis: strike()
        case .ringChange: changeRing()
        case .relief(let relief): relieve(relief)
        }
    }

    /// The process of a node, if it is still the one of this number.
    func process(_ node: Int, _ number: Int) -> Process? {
        guard let process = nodes[node].process, process.number == number else { return nil }
        return process
    }
}

/// How much a run did.
package struct SimulationCounts: Hashable, Sendable {
    package var events = 0
    package var steps = 0
    package var operations = 0
    package var answers = 0
    package var failures = 0
    package var messages = 0
    package var messagesLost = 0
    package var faults = 0
    package var rounds = 0
    /// Changes of the ring that came to their ends.
    package var ringChanges = 0
    /// Of processes that have ended, as are the rest.
    package var hintsDelivered = 0
    package var standInsHandedOver = 0
    package var oldCopiesFound = 0
    package var hintsExpired = 0
    package var recordsPurged = 0
    /// Siblings that came in after they had been purged or replaced everywhere.
    package var obsoleteDropped = 0
    /// Changes made with no more than the version of what they replaced.
    package var changesByVersion = 0
    package var disksWiped = 0
    package var recordsRotted = 0
    /// The longest that replicas took to agree once nothing but comparisons was left to do.
    package var agreementMax = Interval.zero
    /// Nodes that others gave up because nothing came from them.
    package var nodesGivenUp = 0
    /// What control planes had to say waited for other shards of their nodes to adopt a ring.
    package var messagesHeld = 0
    /// Reads that a node answered with what it had at hand.
    package var readsAtOnce = 0

    package init() {}
}
