import HengeBase
import HengeMembership
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Three nodes whose messages are delivered when a test says so.
private struct Trio {
    var nodes: [RingElection]
    var disks: [ByteBuffer]
    var queue: [(from: Int, to: Int, message: RingMessage)] = []
    var outcomes: [[RingElection.Outcome]] = [[], [], []]
    var alarms: [RingElection.Effect] = []
    var now = Instant(nanoseconds: 0)
    /// Nodes that nothing comes from and nothing goes to.
    var cut: Set<Int> = []
    let base: RingDocument

    init() throws {
        let list = try BootstrapList.parse("n1=h:1,n2=h:2,n3=h:3")
        base = try RingDocument.bootstrap(list, replicas: 3, partitions: 64)
        nodes = []
        disks = []
        for index in 0..<3 {
            let acceptor = RingAcceptor(document: base, hasLostVotes: false)
            disks.append(acceptor.encoded())
            nodes.append(node(index, acceptor, token: 0))
        }
    }

    private func node(_ index: Int, _ acceptor: RingAcceptor, token: UInt64) -> RingElection {
        RingElection(
            own: NodeID(UInt16(index + 1)),
            acceptor: acceptor,
            token: token,
            seed: UInt64(index),
            at: now
        )
    }

    mutating func replace(_ index: Int, with acceptor: RingAcceptor) {
        disks[index] = acceptor.encoded()
        nodes[index] = node(index, acceptor, token: 1)
    }

    mutating func step(_ index: Int, _ input: RingElection.Input) {
        var effects = EffectBuffer<RingElection.Effect>()
        nodes[index].step(input, now: now, effects: &effects)
        var all: [RingElection.Effect] = []
        effects.drain { all.append($0) }
        for effect in all {
            switch effect {
            case .send(let target, let message):
                let receiver = Int(target.rawValue) - 1
                if receiver < 3, !cut.contains(index), !cut.contains(receiver) {
                    queue.append((index, receiver, message))
                }
            case .persist(let bytes):
                disks[index] = bytes
                step(index, .persisted)
            case .finished(let outcome): outcomes[index].append(outcome)
            case .adopted: break
            case .conflict, .invalid, .apart: alarms.append(effect)
            }
        }
    }

    /// Delivers what is under way, and what that brings about.
    mutating func deliver(where isDelivered: (RingMessage) -> Bool = { _ in true }) {
        while !queue.isEmpty {
            let (from, to, message) = queue.removeFirst()
            if !isDelivered(message) || cut.contains(from) || cut.contains(to) { continue }
            step(to, .message(from: NodeID(UInt16(from + 1)), message))
        }
    }

    mutating func propose(_ index: Int, _ document: RingDocument) {
        step(index, .propose(document, within: .seconds(10)))
    }

    mutating func tickAll(after time: Interval) {
        now = now + time
        for index in 0..<3 where !cut.contains(index) { step(index, .tick) }
    }

    /// A document after `document` that differs by its name.
    func following(_ document: RingDocument, _ name: String) throws -> RingDocument {
        guard document.transition == nil else { return try document.aborting() }
        let id = NodeID(document.highestID.rawValue + 1)
        let joining = Member(id: id, name: name, peerAddress: "\(name):1")
        return try document.beginning(
            members: document.members + [joining], owners: document.owners)
    }
}

@Suite struct RingElectionTests {
    @Test("a proposal is chosen and told to everybody")
    func story() throws {
        var trio = try Trio()
        let next = try trio.following(trio.base, "x")
        trio.propose(0, next)
        #expect(trio.nodes[0].isProposing)
        #expect(trio.queue.allSatisfy { if case .prepare = $0.message { true } else { false } })
        trio.deliver()
        #expect(trio.outcomes[0] == [.chosen(next)])
        #expect(trio.nodes.allSatisfy { $0.document == next && !$0.isProposing })
        // And on from there; a plan made for the former ring is refused.
        trio.propose(1, next)
        #expect(trio.outcomes[1] == [.refused(.epoch(2, expected: 3))])
        let done = try next.finishing()
        trio.propose(1, done)
        trio.deliver()
        #expect(trio.outcomes[1].last == .chosen(done) && trio.alarms.isEmpty)
        #expect(trio.nodes.allSatisfy { $0.document == done })
    }

    @Test("a cluster of one decides alone, and says so once it is durable")
    func alone() throws {
        let list = try BootstrapList.parse("n1=h:1")
        let base = try RingDocument.bootstrap(list, replicas: 3, partitions: 64)
        let second = Member(id: NodeID(2), name: "n2", peerAddress: "h:2")
        let next = try base.beginning(members: base.members + [second], owners: base.owners)
        var node = RingElection(
            own: NodeID(1),
            acceptor: RingAcceptor(document: base, hasLostVotes: false),
            token: 1,
            seed: 1,
            at: Instant(nanoseconds: 0)
        )
        var effects = EffectBuffer<RingElection.Effect>()
        var all: [RingElection.Effect] = []
        node.step(
            .propose(next, within: .seconds(1)), now: Instant(nanoseconds: 0), effects: &effects)
        // The promise, the acceptance, the decision: each is saved before the next.
        for save in 1...3 {
            effects.drain { all.append($0) }
            guard
                case .persist(let bytes)? = all.last(where: {
                    if case .persist = $0 { true } else { false }
                })
            else { return #expect(Bool(false)) }
            let saved = try RingAcceptor(saved: bytes)
            #expect((saved.promised != nil) == (save < 3) && (saved.accepted != nil) == (save == 2))
            node.step(.persisted, now: Instant(nanoseconds: 0), effects: &effects)
        }
        effects.drain { all.append($0) }
        let told = all.filter { if case .persist = $0 { false } else { true } }
        let delta = try #require(next.delta(from: base))
        #expect(told == [.finished(.chosen(next)), .send(NodeID(2), .next(delta)), .adopted(next)])
    }

    @Test("who finds another's document accepted sees it through (section 2.1, P2c)")
    func adoptsAccepted() throws {
        var trio = try Trio()
        let (x, y) = (try trio.following(trio.base, "x"), try trio.following(trio.base, "y"))
        trio.propose(0, x)
        // Node 2 accepts x; nobody hears of that.
        trio.cut = [2]
        trio.deliver { if case .accepted = $0 { false } else { true } }
        trio.cut = [0]
        trio.propose(2, y)
        trio.deliver()
        // Node 2 has promised 1#1 only, so 1#3 is higher.
        #expect(trio.outcomes[2] == [.superseded(by: x)])
        #expect(trio.nodes[1].document == x && trio.nodes[0].document == trio.base)
        // Node 1 still thinks that it proposes, and hears.
        trio.cut = []
        trio.tickAll(after: .seconds(5))
        trio.deliver()
        #expect(trio.outcomes[0] == [.chosen(x)] && trio.alarms.isEmpty)
    }

    @Test("too few voters: the outcome says how many, and whether it may still happen")
    func failure() throws {
        var trio = try Trio()
        let x = try trio.following(trio.base, "x")
        trio.cut = [0]
        trio.propose(0, x)
        for _ in 0..<8 {
            trio.tickAll(after: .seconds(1))
            trio.step(0, .tick)
        }
        trio.now = trio.now + .seconds(3)
        trio.step(0, .tick)
        #expect(trio.outcomes[0] == [.failed(required: 2, alive: 1, mayTakeEffect: false)])
        trio.cut = []
        trio.propose(0, x)
        trio.deliver { if case .accepted = $0 { false } else { true } }
        trio.cut = [0]
        trio.now = trio.now + .seconds(11)
        trio.step(0, .tick)
        guard case .failed(2, _, mayTakeEffect: true) = trio.outcomes[0].last else {
            return #expect(Bool(false), "\(trio.outcomes[0])")
        }
    }

    @Test("a vote leaves when it is durable, never before, and not when saving fails")
    func durable() throws {
        var trio = try Trio()
        var effects = EffectBuffer<RingElection.Effect>()
        func drained() -> [RingElection.Effect] {
            var all: [RingElection.Effect] = []
            effects.drain { all.append($0) }
            return all
        }
        let (one, two) = (
            RingBallot(round: 1, node: NodeID(2)), RingBallot(round: 2, node: NodeID(3))
        )
        let prepare = RingMessage.prepare(epoch: 2, one)
        trio.nodes[0].step(.message(from: NodeID(2), prepare), now: trio.now, effects: &effects)
        guard case .persist(let bytes)? = drained().first else { return #expect(Bool(false)) }
        #expect(try RingAcceptor(saved: bytes).promised == one)
        // A second one meanwhile waits for a save of its own.
        let higher = RingMessage.prepare(epoch: 2, two)
        trio.nodes[0].step(.message(from: NodeID(3), higher), now: trio.now, effects: &effects)
        #expect(drained().isEmpty)
        trio.nodes[0].step(.persisted, now: trio.now, effects: &effects)
        let first = drained()
        #expect(first.count == 2)
        #expect(first.contains(.send(NodeID(2), .promise(epoch: 2, one, accepted: nil))))
        trio.nodes[0].step(.persistFailed, now: trio.now, effects: &effects)
        #expect(drained().isEmpty)
        // The tick saves again; the promise itself is lost, and a later prepare is refused.
        trio.nodes[0].step(.tick, now: trio.now, effects: &effects)
        trio.nodes[0].step(.persisted, now: trio.now, effects: &effects)
        #expect(drained().count == 1)
        trio.nodes[0].step(.message(from: NodeID(3), higher), now: trio.now, effects: &effects)
        #expect(drained() == [.send(NodeID(3), .refused(epoch: 2, two, promised: two))])
    }

    @Test("old and new epochs: answered with the document, or asked for it")
    func epochs() throws {
        var trio = try Trio()
        let x = try trio.following(trio.base, "x")
        trio.cut = [2]
        trio.propose(0, x)
        trio.deliver()
        trio.cut = []
        // Node 3 is behind: asked to vote for epoch 3 it asks, and learns.
        trio.propose(0, try x.finishing())
        trio.deliver()
        #expect(trio.nodes[2].document.epoch == 3)
        // And one that is behind itself learns by asking for votes.
        var late = try Trio()
        late.nodes[0] = trio.nodes[0]
        late.nodes[1] = trio.nodes[1]
        late.propose(2, x)
        late.deliver()
        #expect(late.outcomes[2] == [.overtaken(by: trio.nodes[0].document)])
    }

    @Test("two documents of one epoch, and one that can't follow, raise an alarm")
    func alarms() throws {
        var trio = try Trio()
        let (x, y) = (try trio.following(trio.base, "x"), try trio.following(trio.base, "y"))
        trio.step(0, .message(from: NodeID(2), .decided(x)))
        trio.step(0, .message(from: NodeID(3), .decided(y)))
        #expect(trio.alarms == [.conflict(epoch: 2, from: NodeID(3))])
        #expect(trio.nodes[0].document == x)
        var other = x
        other.clusterID ^= 1
        other.epoch = 9
        trio.step(0, .message(from: NodeID(3), .decided(other)))
        #expect(trio.nodes[0].document == x && trio.alarms.count == 1)
        let wrong = RingDelta(epoch: 2, checksum: 0, change: .finish)
        let ballot = RingBallot(round: 1, node: NodeID(3))
        trio.step(1, .message(from: NodeID(3), .accept(ballot, wrong)))
        #expect(trio.alarms.last == .invalid(.noTransition, from: NodeID(3)))
        #expect(trio.nodes[1].acceptor.accepted == nil)
    }

    @Test("what leads to something else than its sender says is neither accepted nor adopted")
    func otherDocuments() throws {
        var trio = try Trio()
        let x = try trio.following(trio.base, "x")
        let delta = try #require(x.delta(from: trio.base))
        let forged = RingDelta(epoch: 2, checksum: ~delta.checksum, change: delta.change)
        let ballot = RingBallot(round: 1, node: NodeID(3))
        let alarm = RingElection.Effect.conflict(epoch: 1, from: NodeID(3))
        trio.step(1, .message(from: NodeID(3), .accept(ballot, forged)))
        #expect(trio.alarms == [alarm] && trio.queue.isEmpty)
        #expect(trio.nodes[1].acceptor.accepted == nil)
        // Nor does a promise count that tells of such an acceptance.
        trio.propose(1, x)
        let own = try #require(trio.nodes[1].proposer?.ballot)
        let lie = AcceptedDelta(ballot: ballot, delta: forged)
        trio.queue.removeAll()
        trio.step(1, .message(from: NodeID(3), .promise(epoch: 2, own, accepted: lie)))
        #expect(trio.alarms == [alarm, alarm] && trio.queue.isEmpty)
        // One that was decided is asked for as a whole.
        trio.step(1, .message(from: NodeID(3), .next(forged)))
        #expect(trio.alarms == [alarm, alarm, alarm] && trio.nodes[1].document == trio.base)
        #expect(trio.queue.map(\.message) == [.decided(trio.base)])
        trio.step(1, .message(from: NodeID(3), .next(delta)))
        #expect(trio.nodes[1].document == x)
        // The same once more is no news; another one of that epoch is an alarm.
        trio.step(1, .message(from: NodeID(3), .next(delta)))
        #expect(trio.alarms.count == 3)
        trio.step(1, .message(from: NodeID(3), .next(forged)))
        #expect(trio.alarms.last == .conflict(epoch: 2, from: NodeID(3)))
    }

    @Test("who is one epoch behind is told what has changed, who is further behind is told all")
    func behind() throws {
        var trio = try Trio()
        let x = try trio.following(trio.base, "x")
        let y = try x.aborting()
        let deltas = try [#require(x.delta(from: trio.base)), #require(y.delta(from: x))]
        trio.step(0, .message(from: NodeID(2), .decided(x)))
        trio.step(0, .message(from: NodeID(2), .decided(y)))
        for (epoch, answer) in [(2, RingMessage.next(deltas[1])), (1, .decided(y))] {
            trio.queue.removeAll()
            trio.step(0, .message(from: NodeID(3), .ask(epoch: UInt64(epoch), token: 0)))
            #expect(trio.queue.map(\.message) == [answer])
        }
        // One that hears of an epoch that it can't work out asks.
        trio.queue.removeAll()
        trio.step(2, .message(from: NodeID(1), .next(deltas[1])))
        #expect(trio.queue.map(\.message) == [.ask(epoch: 1, token: 0)])
        trio.deliver()
        #expect(trio.nodes[2].document == y && trio.alarms.isEmpty)
    }

    @Test("after a lost disk, one epoch without a vote, then as before")
    func lostDisk() throws {
        var trio = try Trio()
        trio.replace(0, with: RingAcceptor(document: trio.base, hasLostVotes: true))
        let x = try trio.following(trio.base, "x")
        trio.propose(0, x)
        #expect(trio.outcomes[0] == [.abstained])
        trio.tickAll(after: .zero)
        trio.deliver()
        #expect(trio.nodes[0].acceptor.votesFrom == 3 && trio.nodes[0].due == nil)
        // That it knows so survives a restart.
        #expect(try RingAcceptor(saved: trio.disks[0]).votesFrom == 3)
        trio.cut = [1]
        trio.propose(2, x)
        trio.deliver()
        #expect(trio.outcomes[2].isEmpty && trio.nodes[0].acceptor.promised == nil)
        trio.cut = []
        trio.tickAll(after: .seconds(3))
        trio.deliver()
        #expect(trio.outcomes[2] == [.chosen(x)])
        trio.cut = [1]
        let done = try x.finishing()
        trio.propose(2, done)
        trio.deliver()
        #expect(trio.outcomes[2].last == .chosen(done) && trio.nodes[0].document == done)
    }

    /// The first document that it hears of may be old: what the rule guards against that a node
    /// without votes asks a majority, and not one peer.
    @Test(
        "a node that has lost its disk doesn't believe a peer that is behind",
        arguments: [true, false])
    func staleTeacher(asksMajority: Bool) throws {
        var trio = try Trio()
        let second = try trio.following(trio.base, "a")
        trio.cut = [2]
        trio.propose(0, second)
        trio.deliver()
        // Nodes 1 and 2 choose the third ring, x; node 1 alone learns that they did.
        let x = try second.aborting()
        trio.propose(0, x)
        trio.deliver { if case .next = $0 { false } else { true } }
        #expect(trio.outcomes[0] == [.chosen(second), .chosen(x)])
        #expect(trio.nodes[1].document == second && trio.nodes[2].document == trio.base)

        // Node 1 loses its disk and meets node 3 alone, whose ring is the first.
        trio.cut = [1]
        let firstHeard = RingAcceptor(document: trio.base, votesFrom: 3)
        let asking = RingAcceptor(document: trio.base, hasLostVotes: true)
        trio.replace(0, with: asksMajority ? asking : firstHeard)
        trio.tickAll(after: .seconds(1))
        trio.deliver()
        // Node 3 learns the second ring, and node 1 from node 3.
        trio.step(2, .message(from: NodeID(2), .decided(second)))
        trio.step(0, .message(from: NodeID(3), .decided(second)))
        let y = try second.finishing()
        trio.propose(2, y)
        trio.deliver()
        if asksMajority {
            #expect(trio.outcomes[2].isEmpty)
            trio.cut = []
            for _ in 0..<5 {
                trio.tickAll(after: .seconds(2))
                trio.deliver()
            }
            #expect(trio.outcomes[2] == [.superseded(by: x)])
            for node in trio.nodes {
                #expect(node.document == x && node.acceptor.votes == (node.own != NodeID(1)))
            }
            #expect(trio.nodes[0].acceptor.votesFrom == 5)
        } else {
            // Two rings of one epoch.
            #expect(trio.outcomes[2] == [.chosen(y)] && x != y)
        }
    }

    @Test("answers to another process's questions don't count")
    func tokens() throws {
        var trio = try Trio()
        trio.replace(0, with: RingAcceptor(document: trio.base, hasLostVotes: true))
        for sender in [2, 3] {
            let old = RingMessage.known(epoch: 1, hasAccepted: false, token: 0)
            trio.step(0, .message(from: NodeID(UInt16(sender)), old))
        }
        #expect(trio.nodes[0].acceptor.isRecovering)
        let own = RingMessage.known(epoch: 1, hasAccepted: false, token: 1)
        let accepted = RingMessage.known(epoch: 1, hasAccepted: true, token: 1)
        for (sender, message) in [(2, own), (2, own), (1, own), (9, own), (3, accepted)] {
            trio.step(0, .message(from: NodeID(UInt16(sender)), message))
            #expect(trio.nodes[0].acceptor.isRecovering)
        }
        trio.step(0, .message(from: NodeID(3), own))
        #expect(!trio.nodes[0].acceptor.isRecovering)
    }

    @Test("what is saved is read, and what is damaged is refused")
    func saved() throws {
        let trio = try Trio()
        let x = try trio.following(trio.base, "x")
        let ballot = RingBallot(round: 7, node: NodeID(2))
        for acceptor in [
            RingAcceptor(document: trio.base, hasLostVotes: true),
            RingAcceptor(document: trio.base, promised: ballot, votesFrom: 3),
            RingAcceptor(
                document: trio.base,
                promised: ballot,
                accepted: AcceptedRing(ballot: ballot, document: x),
                votesFrom: 0
            ),
        ] {
            let bytes = acceptor.encoded()
            #expect(try RingAcceptor(saved: bytes) == acceptor)
            for length in 0..<bytes.readableBytes {
                let part = try #require(bytes.getSlice(at: 0, length: length))
                #expect(throws: WireDecodeError.self) { try RingAcceptor(saved: part) }
            }
        }
    }
}
