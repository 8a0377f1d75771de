import HengeBase
import HengeRing
import Testing

@Suite struct RingPlanTests {
    private static let candidates = (7...9).map {
        RingCandidate(name: "n\($0)", peerAddress: "h:\($0)", zone: "z\($0 % 3)", weight: $0 - 6)
    }

    private func facts(
        _ document: RingDocument,
        bytes: Int = 100,
        free: Int = 1 << 40,
        silent: [String] = []
    ) -> RingFacts {
        var nodes: [String: NodeFacts] = [:]
        let names = document.members.map(\.name) + Self.candidates.map(\.name)
        for name in names where !silent.contains(name) {
            nodes[name] = NodeFacts(diskFree: free, diskTotal: 1 << 41)
        }
        let partitions = document.owners.indices.map {
            PartitionFacts(keys: $0, bytes: $0 * bytes)
        }
        return RingFacts(nodes: nodes, partitions: partitions, bytesPerSecond: 1000)
    }

    private func plan(
        _ document: RingDocument,
        _ operations: RingOperation...,
        facts: RingFacts? = nil,
        down: [String] = []
    ) throws(RingPlanFault) -> RingPlan {
        let downIDs = document.members.filter { down.contains($0.name) }.map(\.id)
        return try RingPlan.make(
            document,
            stage: RingStage(operations),
            candidates: Self.candidates,
            facts: facts ?? self.facts(document)
        ) { !downIDs.contains($0) }
    }

    @Test("a fourth node: what moves, what it takes, and who sends it")
    func fourth() throws {
        let ring = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3"])
        let plan = try plan(ring, .add("n7", weight: nil, zone: nil))
        #expect(plan.epoch == 1 && plan.proposal.epoch == 2 && plan.refusals.isEmpty)
        #expect(plan.nodes.map(\.role) == [.stays, .stays, .stays, .joins])
        #expect(plan.change.vnodeMoves.count == 16 && plan.change.vnodeMovesLeast == 16)
        let all = (0..<64).reduce(0, +) * 100
        #expect(plan.nodes[0].before.bytes == all && plan.nodes[0].before.keys == all / 100)
        #expect(plan.nodes[3].before == RingPlan.Holding())
        #expect(plan.nodes[3].after.vnodes == 16 && plan.nodes[3].after.share == 0.25)
        #expect(plan.nodes[3].after.bytes == plan.nodes[3].bytesIn)
        #expect(plan.bytes == plan.nodes[3].bytesIn)
        #expect(plan.nodes.prefix(3).allSatisfy { $0.bytesIn == 0 && $0.diskNeeded == 0 })
        #expect(plan.nodes.reduce(0) { $0 + $1.bytesOut } == plan.bytes)
        #expect(plan.seconds == Double(plan.bytes) / 1000 && plan.minutes == plan.seconds / 60)
        #expect(plan.violations.isEmpty)
        #expect(plan.change.before.replicaSets == 1 && plan.change.after.replicaSets == 4)
    }

    @Test("a node that takes another's place gets its positions, whatever its zone and weight")
    func replacements() throws {
        let ring = try bootstrap(
            ["n1=h:1/zone=z0", "n2=h:2/zone=z1/weight=2", "n3=h:3/zone=z2", "n4=h:4/zone=z0"])
        // Two of one weight, crosswise: each gets the place that it is said to take.
        let plan = try plan(
            ring, .replace("n4", with: "n7"), .replace("n1", with: "n8"),
            .replace("n2", with: "n9"))
        let heirs = [1: 6, 2: 7, 4: 5] as [UInt16: UInt16]
        #expect(
            plan.proposal.transition?.owners
                == ring.owners.map { NodeID(heirs[$0.rawValue] ?? $0.rawValue) })
        #expect(plan.change.vnodeMoves.count == plan.change.vnodeMovesLeast)
    }

    @Test("what comes from a dead node comes from a read quorum of the others")
    func dead() throws {
        let ring = try bootstrap((1...5).map { "n\($0)=h:\($0)" })
        let facts = facts(ring, silent: ["n5"])
        let plan = try plan(ring, .forceRemove("n5"), facts: facts, down: ["n5"])
        #expect(plan.refusals.isEmpty)
        #expect(plan.nodes[4].role == .leaves && plan.nodes[4].bytesOut == 0)
        // Whatever it alone held is given up, and only by such a plan.
        #expect(plan.proposal.transition?.abandoned == [NodeID(5)])
        let replacing = try self.plan(ring, .replace("n5", with: "n7"), facts: facts, down: ["n5"])
        #expect(replacing.proposal.transition?.abandoned == [NodeID(5)])
        let planned = try self.plan(ring, .remove("n4"), down: ["n5"])
        #expect(planned.proposal.transition?.abandoned == [])
        let gained = plan.change.replicaMoves.reduce(0) { $0 + $1.partition * 100 }
        #expect(plan.bytes == 2 * gained)
        // With a second one down some partitions have one replica left, and that tells nothing.
        let worse = try self.plan(ring, .forceRemove("n5"), facts: facts, down: ["n4", "n5"])
        let short = Set(plan.change.replicaMoves.map(\.partition)).filter { partition in
            Ring(ring).preferenceList(partition: partition).contains(NodeID(4))
        }
        #expect(!short.isEmpty)
        #expect(worse.refusals.contains(.sourcesMissing(partitions: short.count)))
    }

    @Test("what must not be committed says why")
    func refusals() throws {
        let ring = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3"])
        let add = RingOperation.add("n7", weight: nil, zone: nil)
        let fewer = try plan(ring, .remove("n1"))
        #expect(fewer.refusals == [.fewerNodes(2, replicas: 3)])
        #expect(fewer.refusals.allSatisfy { $0.mayBeOverruled })
        #expect(fewer.violations.first?.kind == .node && fewer.violations.first?.fewest == 2)

        // Of five replicas the three that acknowledged a write may be both that leave and one more.
        let five = try bootstrap((1...5).map { "n\($0)=h:\($0)" }, replicas: 5)
        let two = try plan(five, .remove("n1"), .remove("n2"))
        #expect(two.refusals == [.fewerNodes(3, replicas: 5), .replicasLost(from: 5, to: 3)])
        #expect(two.refusals.map(\.mayBeOverruled) == [true, false])
        let exchanged = try plan(
            five, .remove("n1"), .remove("n2"), .add("n7", weight: nil, zone: nil))
        #expect(exchanged.refusals == [.fewerNodes(4, replicas: 5)])
        let four = try bootstrap((1...4).map { "n\($0)=h:\($0)" })
        let toTwo = try plan(four, .remove("n1"), .remove("n2")).refusals
        #expect(toTwo == [.fewerNodes(2, replicas: 3)], "from three replicas to two")

        let needed = try plan(ring, add).nodes[3].diskNeeded
        #expect(try plan(ring, add, facts: facts(ring, free: needed)).refusals.isEmpty)
        let full = try plan(ring, add, facts: facts(ring, free: needed - 1))
        #expect(full.refusals == [.diskFull("n7", needed: needed, free: needed - 1)])

        let silent = facts(ring, silent: ["n1", "n7"])
        #expect(
            try plan(ring, add, facts: silent).refusals == [.noAnswer("n1"), .noAnswer("n7")])
        #expect(
            try plan(ring, .replace("n1", with: "n8"), facts: silent, down: ["n1"]).refusals == [])
        // A cluster that has fewer nodes than replicas may grow.
        let one = try bootstrap(["n1=h:1"])
        #expect(try plan(one, add).refusals.isEmpty)
    }

    @Test("no plan after which a quorum may know nothing of what a quorum before it acknowledged")
    func shrinking() throws {
        /// With so many replicas before and after. A node that joins reads a majority of those
        /// before; one that stays may have missed what only a quorum has.
        func isSafe(from n: Int, to m: Int, staying: Int) -> Bool {
            min(staying, n - (n / 2 + 1)) < m / 2 + 1
        }
        var refused = 0
        for n in 2...8 {
            let ring = try bootstrap((1...n).map { "n\($0)=h:\($0)" }, replicas: n)
            for m in 1..<n {
                let removals = (1...n - m).map { RingOperation.remove("n\($0)") }
                let plan = try RingPlan.make(
                    ring,
                    stage: RingStage(removals),
                    candidates: [],
                    facts: facts(ring)
                ) { _ in true }
                let isRefused = plan.refusals.contains(.replicasLost(from: n, to: m))
                #expect(isRefused || isSafe(from: n, to: m, staying: m), "\(n) to \(m)")
                #expect(isRefused == (m < n - 1))
                if !isSafe(from: n, to: m, staying: m) { refused += 1 }
            }
        }
        #expect(refused > 5)
    }

    @Test("no plan: nothing staged, nothing changed, a fault, a change that runs")
    func noPlan() throws {
        let ring = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3"])
        #expect(throws: RingPlanFault.nothingStaged) { try plan(ring) }
        #expect(throws: RingPlanFault.nothingChanges) { try plan(ring, .weight("n1", 1)) }
        #expect(throws: RingPlanFault.stage(.unknownNode("x"))) { try plan(ring, .remove("x")) }
        let running = try plan(ring, .remove("n1")).proposal
        #expect(throws: RingPlanFault.stage(.transitionRuns)) { try plan(running, .remove("n1")) }
    }

    @Test("a plan's id is that of what it would do")
    func ids() throws {
        var ring = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3"])
        let add = RingOperation.add("n7", weight: nil, zone: nil)
        let id = try plan(ring, add).id
        #expect(id.count == 8 && id.allSatisfy { $0.isHexDigit })
        #expect(try plan(ring, add, facts: facts(ring, bytes: 7)).id == id)
        #expect(try plan(ring, .add("n7", weight: 2, zone: nil)).id != id)
        ring.epoch = 2
        #expect(try plan(ring, add).id != id)
    }

    @Test("zones that replicas would share are counted, before and after")
    func zones() throws {
        let ring = try bootstrap(
            ["n1=h:1/zone=a", "n2=h:2/zone=b", "n3=h:3/zone=c", "n4=h:4/zone=d"])
        let shared = try plan(ring, .zone("n2", "a"), .zone("n4", "a"))
        let violation = try #require(shared.violations.first)
        #expect(violation.kind == .zone && violation.partitionsBefore == 0)
        #expect(violation.partitions == 64 && violation.fewest == 2 && violation.possible == 2)
    }

    /// Works everything out again from the two rings, partition by partition and node by node.
    @Test("random changes cost what a naive count says", arguments: 1...60 as ClosedRange<UInt64>)
    func bruteForce(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let count = 1 + generator.below(6)
        let ring = try bootstrap(
            (1...count).map {
                "n\($0)=h:\($0)/weight=\(1 + generator.below(3))"
                    + (generator.chance(1, in: 2) ? "/zone=z\(generator.below(3))" : "")
            },
            replicas: 1 + generator.below(4)
        )
        let (stage, down) = RandomStage.make(&generator, ring, Self.candidates)
        let facts = RingFacts(
            nodes: [:],
            partitions: (0..<64).map { _ in
                PartitionFacts(keys: generator.below(50), bytes: generator.below(1000))
            },
            bytesPerSecond: 10
        )
        let plan: RingPlan
        do throws(RingPlanFault) {
            plan = try RingPlan.make(
                ring, stage: stage, candidates: Self.candidates, facts: facts
            ) { $0 != down }
        } catch {
            #expect(error == .nothingChanges || error == .nothingStaged, "seed \(seed): \(error)")
            return
        }
        let model = PlanModel(ring, plan.proposal, facts.partitions, down: down)
        for node in plan.nodes {
            #expect(model.holding(node.id, isAfter: false) == node.before, "seed \(seed)")
            #expect(model.holding(node.id, isAfter: true) == node.after, "seed \(seed)")
            #expect(model.gained(node.id) <= node.bytesIn || model.short > 0, "seed \(seed)")
            if model.short == 0, node.bytesIn == 0 { #expect(model.gained(node.id) == 0) }
            if down == nil, model.after.replicas <= model.before.replicas {
                #expect(model.gained(node.id) == node.bytesIn, "seed \(seed)")
            }
        }
        #expect(plan.nodes.reduce(0) { $0 + $1.bytesOut } == plan.bytes, "seed \(seed)")
        let sent = down.flatMap { plan.node($0)?.bytesOut } ?? 0
        #expect(sent == 0, "seed \(seed)")
        #expect(plan.change.vnodeMoves.count == model.moves, "seed \(seed)")
        #expect(plan.change.replicaMoves.count == model.transfers, "seed \(seed)")
        #expect(model.sets(isAfter: true) == plan.change.after.replicaSets, "seed \(seed)")
        #expect(model.sets(isAfter: false) == plan.change.before.replicaSets, "seed \(seed)")
        let zones = plan.violations.first { $0.kind == .zone }
        #expect(model.sharedZones(isAfter: true) == zones?.partitions ?? 0, "seed \(seed)")
        if let zones {
            #expect(model.sharedZones(isAfter: false) == zones.partitionsBefore, "seed \(seed)")
        }
    }
}
