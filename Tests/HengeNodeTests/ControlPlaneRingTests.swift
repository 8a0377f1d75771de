import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing
import Testing

/// Control planes that are all connected, with a network that loses nothing and disks that take no
/// time, unless a test holds them back.
private final class ControlCluster {
    final class Node {
        let id: NodeID
        var control: ControlPlane
        var rings: [Ring] = []
        var epochs: [NodeID: UInt64] = [:]
        var outcomes: [RingElection.Outcome] = []
        var notes: [ControlNote] = []
        var isDown = false
        var saves = 0
        var holdsSaves = false

        init(_ id: NodeID, _ control: consuming ControlPlane) {
            self.id = id
            self.control = control
        }
    }

    var nodes: [Node] = []
    var now = Instant(nanoseconds: 0) + .seconds(1000)
    /// Every effect, in its order, as (node, effect).
    var log: [(NodeID, ControlEffect)] = []
    private var queue: [(to: NodeID, ControlInput)] = []

    init(_ count: UInt16) {
        let document = Self.document(count)
        for id in 1...count { add(NodeID(id), document) }
        connectAll()
    }

    func add(_ id: NodeID, _ document: RingDocument) {
        let control = ControlPlane(
            node: id,
            ring: RingAcceptor(document: document, hasLostVotes: false),
            settings: ControlSettings(),
            life: Life.make(start: 1, chance: UInt64(id.rawValue)),
            savedLives: nil,
            seed: UInt64(id.rawValue),
            at: now
        )
        nodes.append(Node(id, control))
    }

    func connectAll() {
        for a in nodes where !a.isDown {
            for b in nodes where b !== a && !b.isDown { connect(a, b) }
        }
        run()
    }

    private func connect(_ a: Node, _ b: Node) {
        guard a.control.status(of: b.id, at: now)?.isConnected == false else { return }
        queue.append(
            (a.id, .connected(b.id, life: Life.make(start: 1, chance: UInt64(b.id.rawValue)))))
    }

    static func document(_ count: UInt16) -> RingDocument {
        RingDocument(
            clusterID: 1,
            epoch: 1,
            replicas: 3,
            members: (1...count).map { member($0) },
            owners: (0..<64).map { NodeID(UInt16($0) % count + 1) }
        )
    }

    static func member(_ id: UInt16) -> Member {
        Member(id: NodeID(id), name: "n\(id)", peerAddress: "n:\(id)")
    }

    subscript(id: UInt16) -> Node { nodes.first { $0.id.rawValue == id } ?? nodes[0] }

    func kill(_ id: UInt16) {
        self[id].isDown = true
        for node in nodes where !node.isDown { step(node, .disconnected(NodeID(id))) }
        run()
    }

    func step(_ node: Node, _ input: ControlInput) {
        guard !node.isDown else { return }
        var buffer = EffectBuffer<ControlEffect>()
        node.control.step(input, at: now, effects: &buffer)
        buffer.drain { effect in
            log.append((node.id, effect))
            carryOut(effect, of: node)
        }
    }

    private func carryOut(_ effect: ControlEffect, of node: Node) {
        switch effect {
        case .send(let id, let message): queue.append((id, .gossip(from: node.id, message)))
        case .sendRing(let id, let message): queue.append((id, .ring(from: node.id, message)))
        case .sendReport(let id, let report): queue.append((id, .report(from: node.id, report)))
        case .saveRing:
            node.saves += 1
            if !node.holdsSaves { queue.append((node.id, .ringSaved)) }
        case .adopted(let ring): node.rings.append(ring)
        case .memberEpoch(let id, let epoch): node.epochs[id] = epoch
        case .proposalEnded(let outcome): node.outcomes.append(outcome)
        case .note(let note): node.notes.append(note)
        case .disconnect, .peerUp, .peerDown, .confirmActors, .saveLives: break
        }
    }

    /// Until nothing is under way any more.
    func run() {
        while !queue.isEmpty {
            let (id, input) = queue.removeFirst()
            if let node = nodes.first(where: { $0.id == id }) { step(node, input) }
        }
    }

    /// Seconds pass, each with a round of all.
    func rounds(_ count: Int) {
        for _ in 0..<count {
            now = now + .seconds(1)
            for node in nodes { step(node, .tick) }
            run()
        }
    }

    func propose(_ document: RingDocument, at id: UInt16) {
        step(self[id], .propose(document, within: .seconds(3)))
        run()
    }

    /// Members n1 to n_count, and these partitions given to the new one.
    func adding(_ id: UInt16, _ partitions: [Int]) throws -> RingDocument {
        let document = nodes[0].control.ring.document
        var owners = document.owners
        for partition in partitions { owners[partition] = NodeID(id) }
        return try document.beginning(
            members: document.members + [Self.member(id)],
            owners: owners
        )
    }

    /// Every node says of each partition that it joins that it has taken it over, and one that
    /// leaves, at the end, that it holds nothing for others.
    func makeReady(isDrained: Bool = true) {
        for node in nodes where !node.isDown {
            let ring = node.control.ring
            let ready = (0..<ring.partitions).filter {
                ring.joining(partition: $0).contains(node.id)
            }
            let report = RingReport(
                epoch: ring.document.epoch,
                ready: ready.map(UInt16.init),
                isDrained: isDrained && ring.isMoved && ring.leaving.contains(node.id)
            )
            let isMoving = ring.document.transition != nil
            step(node, .ownReport(isMoving ? report : nil))
        }
        run()
    }
}

@Suite struct ControlPlaneRingTests {
    @Test("a story: a node is added, takes over what it gets, and the change ends by itself")
    func story() throws {
        let cluster = ControlCluster(3)
        cluster.propose(try cluster.adding(4, [0, 20, 40]), at: 2)
        #expect(cluster[2].outcomes.count == 1 && cluster[1].outcomes.isEmpty)
        guard case .chosen? = cluster[2].outcomes.first else { return #expect(Bool(false)) }
        for node in cluster.nodes { #expect(node.rings.first?.document.epoch == 2) }
        cluster.add(NodeID(4), cluster[1].control.ring.document)
        cluster.connectAll()
        cluster.rounds(2)
        let moving = cluster[1].control.ring
        let moved = (0..<64).filter { !moving.joining(partition: $0).isEmpty }
        #expect(!moved.isEmpty && moved.allSatisfy { moving.step(of: $0) == .writeBoth })
        cluster.rounds(5)
        #expect(cluster[1].control.ring.document.epoch == moving.document.epoch, "nobody is ready")
        for _ in 0..<6 {
            cluster.makeReady()
            cluster.rounds(1)
        }
        for node in cluster.nodes {
            #expect(node.control.ring.document.transition == nil)
            #expect(node.control.ring.document.members.count == 4)
            #expect(node.epochs.count == 3)
            #expect(node.epochs.values.allSatisfy { $0 == node.control.ring.document.epoch })
        }
        #expect(cluster[2].outcomes.count == 1, "the steward's outcomes are its own")
    }

    @Test("nodes that come together count once every member has a connection to a majority")
    func together() throws {
        let cluster = ControlCluster(3)
        let before = cluster[1].control.ring.document
        let (four, five) = (NodeID(4), NodeID(5))
        let begun = try before.beginning(
            members: before.members + [ControlCluster.member(4), ControlCluster.member(5)],
            owners: before.owners.map { $0 == NodeID(2) ? four : $0 == NodeID(3) ? five : $0 }
        )
        func link(_ id: UInt16, to other: UInt16) {
            for (a, b) in [(id, other), (other, id)] {
                let life = Life.make(start: 1, chance: UInt64(b))
                cluster.step(cluster[a], .connected(NodeID(b), life: life))
            }
            cluster.run()
        }
        func areAll(_ step: PartitionStep) -> Bool {
            cluster[1].control.ring.document.transition?.steps.allSatisfy { $0 == step } ?? false
        }
        func areSome(_ step: PartitionStep) -> Bool {
            cluster[1].control.ring.document.transition?.steps.contains(step) ?? false
        }
        func said(_ id: UInt16) -> [NodeID]? {
            cluster[id].control.report(of: NodeID(id))?.unreached
        }
        cluster.propose(begun, at: 1)
        cluster.rounds(2)
        #expect(areAll(.current) && said(2) == [four, five])
        cluster.add(four, begun)
        cluster.add(five, begun)
        link(1, to: 4)
        link(2, to: 4)
        cluster.rounds(3)
        #expect(areAll(.current), "n3 would find n1 alone")
        #expect(cluster[1].control.absence == ReplicaAbsence(partitions: 64, nodes: [four, five]))
        link(3, to: 4)
        cluster.rounds(1)
        #expect(areSome(.writeBoth) && said(3) == [five])
        #expect(cluster[1].control.absence == ReplicaAbsence())
    }

    @Test("a removed node learns of it, and the others forget it")
    func removed() throws {
        let cluster = ControlCluster(4)
        let document = cluster[1].control.ring.document
        let owners = document.owners.enumerated().map { place, owner in
            owner == NodeID(4) ? NodeID(UInt16(place % 3 + 1)) : owner
        }
        let members = Array(document.members.dropLast())
        cluster.propose(try document.beginning(members: members, owners: owners), at: 1)
        for _ in 0..<8 {
            cluster.makeReady(isDrained: false)
            cluster.rounds(1)
        }
        #expect(cluster[1].control.ring.isMoved && cluster[4].control.isMember)
        cluster.makeReady()
        cluster.rounds(1)
        for node in cluster.nodes { #expect(node.control.ring.document.members.count == 3) }
        #expect(cluster[4].notes.contains(.removed) && !cluster[4].control.isMember)
        #expect(cluster[1].control.status(of: NodeID(4), at: cluster.now) == nil)
        #expect(cluster[1].notes.contains(.down(NodeID(4), .removed)))
        // It may be told all sorts of things by then.
        cluster.rounds(3)
        #expect(cluster[4].notes.count { $0 == .removed } == 1)
    }

    @Test("a node that was away learns of the ring when it connects, and of later ones by reports")
    func away() throws {
        let cluster = ControlCluster(3)
        cluster.kill(3)
        cluster.propose(try cluster.adding(4, [0]), at: 1)
        cluster[3].isDown = false
        cluster.step(cluster[3], .disconnected(NodeID(1)))
        cluster.step(cluster[3], .disconnected(NodeID(2)))
        #expect(cluster[3].control.ring.document.epoch == 1)
        cluster.connectAll()
        #expect(cluster[3].control.ring.document.epoch == cluster[1].control.ring.document.epoch)
        let epoch = cluster[3].control.ring.document.epoch
        let later = RingReport(epoch: epoch + 1)
        cluster.now = cluster.now + .seconds(2)
        cluster.log = []
        for _ in 0..<3 { cluster.step(cluster[3], .report(from: NodeID(1), later)) }
        let asked = cluster.log.count {
            if case (_, .sendRing(NodeID(1), .ask(epoch, token: 0))) = $0 { true } else { false }
        }
        #expect(asked == 1, "the answer is long")
    }

    @Test("a ring is adopted, and told of, when it is durable")
    func durable() throws {
        let cluster = ControlCluster(3)
        cluster[3].holdsSaves = true
        cluster.propose(try cluster.adding(4, [0]), at: 1)
        #expect(cluster[3].rings.isEmpty && cluster[1].epochs[NodeID(3)] == 1)
        #expect(cluster[1].epochs[NodeID(2)] ?? 0 >= 2)
        cluster[3].holdsSaves = false
        cluster.log = []
        for _ in 0..<3 {
            cluster.step(cluster[3], .ringSaved)
            cluster.run()
            if !cluster[3].rings.isEmpty { break }
        }
        #expect(cluster[3].rings.first?.document.epoch == 2)
        let effects = cluster.log.filter { $0.0 == NodeID(3) }.map(\.1)
        let adopted = try #require(
            effects.firstIndex { if case .adopted = $0 { true } else { false } })
        let told = try #require(
            effects.firstIndex {
                if case .sendReport(_, let report) = $0 { report.epoch > 1 } else { false }
            }
        )
        #expect(adopted < told)
    }

    @Test("two proposals of one node go one after the other, and both end")
    func twoProposals() throws {
        let cluster = ControlCluster(3)
        let node = cluster[1]
        node.holdsSaves = true
        let first = try cluster.adding(4, [0])
        cluster.step(node, .propose(first, within: .seconds(3)))
        cluster.step(node, .propose(try cluster.adding(4, [1]), within: .seconds(3)))
        #expect(node.outcomes.isEmpty)
        node.holdsSaves = false
        cluster.step(node, .ringSaved)
        cluster.run()
        #expect(node.outcomes.count == 2)
        guard case .chosen? = node.outcomes.first, case .refused? = node.outcomes.last else {
            Issue.record("\(node.outcomes)")
            return
        }
    }

    @Test("a proposal without a majority fails in time, by the ticks that are due alone")
    func noMajority() throws {
        let cluster = ControlCluster(3)
        cluster.kill(2)
        cluster.kill(3)
        cluster.propose(try cluster.adding(4, [0]), at: 1)
        var ticks = 0
        while let due = cluster[1].control.nextDue, ticks < 100 {
            #expect(due >= cluster.now, "a driver would spin")
            cluster.now = max(cluster.now, due)
            cluster.step(cluster[1], .due)
            cluster.run()
            ticks += 1
        }
        #expect(ticks > 2 && ticks < 100)
        #expect(cluster[1].outcomes == [.failed(required: 2, alive: 1, mayTakeEffect: false)])
    }

    @Test("what is known of those that stay is kept when members come and go")
    func kept() throws {
        let cluster = ControlCluster(3)
        cluster.rounds(5)
        let beat = cluster[1].control.beat(of: NodeID(3))
        #expect(beat > 0)
        cluster.propose(try cluster.adding(7, [0]), at: 1)
        #expect(cluster[1].control.beat(of: NodeID(3)) == beat)
        #expect(cluster[1].control.status(of: NodeID(3), at: cluster.now)?.liveness == .up)
        #expect(cluster[1].control.status(of: NodeID(7), at: cluster.now)?.liveness == .down)
        #expect(cluster[1].control.isDataNewest == true)
        #expect(cluster[1].control.reports.map(\.node.rawValue) == [1, 2, 3])
    }

    @Test("a new process of a node has taken over nothing until it says so")
    func restarted() throws {
        let cluster = ControlCluster(3)
        cluster.propose(try cluster.adding(4, [0]), at: 1)
        cluster.add(NodeID(4), cluster[1].control.ring.document)
        cluster.connectAll()
        cluster.rounds(1)
        let node = cluster[1]
        let epoch = node.control.ring.document.epoch
        cluster.step(node, .report(from: NodeID(4), RingReport(epoch: epoch, ready: [60])))
        cluster.step(node, .disconnected(NodeID(4)))
        #expect(node.control.report(of: NodeID(4))?.ready == [60])
        cluster.step(node, .connected(NodeID(4), life: Life.make(start: 2, chance: 0)))
        #expect(node.control.report(of: NodeID(4))?.ready == [])
    }

    @Test("random ring messages and reports of anyone never trap")
    func generated() {
        for seed in UInt64(1)...40 {
            var dice = SeededGenerator(seed: seed)
            let cluster = ControlCluster(3)
            for _ in 0..<200 {
                cluster.now = cluster.now + .milliseconds(UInt64(dice.below(900)))
                let document = cluster[1].control.ring.document
                cluster.step(cluster[1], Self.input(&dice, document))
            }
        }
    }

    private static func input(
        _ dice: inout SeededGenerator,
        _ document: RingDocument
    ) -> ControlInput {
        let id = NodeID(UInt16(dice.below(6)))
        let epoch = document.epoch &+ UInt64(dice.below(3)) &- 1
        let ballot = RingBallot(round: 1 + UInt64(dice.below(3)), node: id)
        let added = document.highestID.rawValue + 1
        let next = try? document.beginning(
            members: document.members + [ControlCluster.member(added)],
            owners: document.owners
        )
        let change: RingDelta.Change = dice.chance(1, in: 2) ? .abort : .advance([0, 9])
        let delta =
            next?.delta(from: document)
            ?? RingDelta(epoch: epoch, checksum: dice.next(), change: change)
        switch dice.below(12) {
        case 0: return .report(from: id, RingReport(epoch: epoch, ready: [0, 9]))
        case 1: return .ring(from: id, .ask(epoch: epoch, token: 1))
        case 2: return .ring(from: id, .prepare(epoch: epoch, ballot))
        case 3: return .ring(from: id, .accept(ballot, delta))
        case 4: return .ring(from: id, .promise(epoch: epoch, ballot, accepted: nil))
        case 5: return .ring(from: id, .decided((try? document.aborting()) ?? next ?? document))
        case 6: return .propose(next ?? document, within: .seconds(1))
        case 7: return .ownReport(RingReport(epoch: epoch, ready: [UInt16(dice.below(64))]))
        case 8: return .tick
        case 9: return .ring(from: id, .next(delta))
        case 10:
            let accepted = AcceptedDelta(ballot: ballot, delta: delta)
            return .ring(from: id, .promise(epoch: delta.epoch, ballot, accepted: accepted))
        default: return .due
        }
    }
}
