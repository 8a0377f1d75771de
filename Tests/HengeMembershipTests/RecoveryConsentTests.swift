import HengeBase
import HengeMembership
import HengeMessages
import HengeRing
import Testing

/// Unsafe recoveries: all that are left agree, or nothing is decided.
@Suite struct RecoveryConsentTests {
    @Test("two of five agree, go on, and can change the ring again; one that comes back is told")
    func story() throws {
        var world = try RecoveryWorld()
        for node in 2...4 { world.kill(node) }
        let documentProposed = world.recover(0, without: [3, 4, 5])
        let document = try #require(documentProposed)
        world.deliverAll()
        #expect(world.outcomes[0] == [.chosen(document)])
        #expect(world.document(0) == document && world.document(1) == document)

        let members =
            document.members + [
                Member(id: NodeID(6), name: "n6", peerAddress: "h:6")
            ]
        // What the lost had goes to others with the first change.
        let owners = document.owners.map { $0 > NodeID(2) ? NodeID(6) : $0 }
        let next = try document.beginning(members: members, owners: owners)
        world.step(1, .propose(next, within: .seconds(5)))
        world.deliverAll()
        #expect(world.document(0) == next && world.document(1) == next)

        try world.start(4)
        world.step(0, .message(from: NodeID(5), .ask(epoch: 1, token: 0)))
        world.deliverAll()
        #expect(world.document(4) == next && world.conflicts == 0 && world.faults.isEmpty)
    }

    @Test("without the consent of one nothing is decided; asked again later it is")
    func missing() throws {
        var world = try RecoveryWorld()
        for node in [3, 4] { world.kill(node) }
        world.isCut = { $0 == 2 || $1 == 2 }
        let documentProposed = world.recover(0, without: [4, 5])
        let document = try #require(documentProposed)
        world.deliverAll()
        world.tickAll(after: .milliseconds(600))
        world.deliverAll()
        #expect(world.document(0) == world.base && world.outcomes[0].isEmpty)
        world.tickAll(after: .seconds(10))
        #expect(
            world.outcomes[0] == [.failed(required: 3, alive: 2, mayTakeEffect: true)])
        world.isCut = { _, _ in false }
        // The one that agreed does not vote by the old ring; it remembers that for ever.
        world.kill(1)
        try world.start(1)
        #expect(world.nodes[1]?.acceptor.votes == false)
        // It would be the third vote of five.
        try world.start(3)
        world.recover(0, without: [4, 5])
        world.deliverAll()
        // It is made anew with the next epoch, and replaces the first.
        let second = try #require(world.document(0))
        #expect(second.epoch == 2 << 32 && second.isRelated(to: document))
        #expect(world.document(1) == second && world.document(2) == second)
    }

    @Test("one that is behind learns the ring that is given up, then agrees")
    func behind() throws {
        var world = try RecoveryWorld()
        let members =
            world.base.members + [
                Member(id: NodeID(6), name: "n6", peerAddress: "h:6")
            ]
        let next = try world.base.beginning(members: members, owners: world.base.owners)
        world.isCut = { $0 == 1 || $1 == 1 }
        world.step(0, .propose(next, within: .seconds(5)))
        world.deliverAll()
        #expect(world.document(0) == next && world.document(1) == world.base)
        world.isCut = { _, _ in false }
        for node in 2...4 { world.kill(node) }
        world.recover(0, without: [3, 4, 5, 6])
        world.deliverAll()
        world.tickAll(after: .milliseconds(600))
        world.deliverAll()
        #expect(world.document(1)?.epoch == 1 << 32 && world.document(1) == world.document(0))
    }

    @Test("a node agrees to one recovery of an epoch, and says which when it is asked for another")
    func once() throws {
        var world = try RecoveryWorld()
        for node in [3, 4] { world.kill(node) }
        let first = try world.base.recovering(without: RecoveryWorld.ids([4, 5]))
        let other = try world.base.recovering(without: RecoveryWorld.ids([3, 4, 5]))
        world.step(1, .message(from: NodeID(1), .recover(base: 1, first)))
        world.queue = []
        world.step(0, .recover(other, within: .seconds(10)))
        world.deliverAll()
        let mark = try #require(first.recoveryMark)
        #expect(world.outcomes[0] == [.dissent(NodeID(2), .agreedBefore(mark))])
        let lastProposed = world.recover(0, without: [3, 4, 5])
        let last = try #require(lastProposed)
        world.deliverAll()
        #expect(last.epoch == 2 << 32 && world.document(1) == last)
        #expect(last.isRelated(to: first))
    }

    @Test("a node that has lost its disk agrees, and votes again afterwards")
    func lostVotes() throws {
        var world = try RecoveryWorld(nodes: 3)
        world.disks[1] = RingAcceptor(document: world.base, hasLostVotes: true).encoded()
        try world.start(1)
        world.kill(2)
        world.recover(0, without: [3])
        world.deliverAll()
        #expect(world.document(1)?.epoch == 1 << 32)
        #expect(world.nodes[1]?.acceptor.votes == true)
    }

    @Test("two halves that give each other up say so when they meet, and neither moves")
    func halves() throws {
        var world = try RecoveryWorld()
        world.isCut = { ($0 < 3) != ($1 < 3) }
        let firstProposed = world.recover(0, without: [4, 5])
        let first = try #require(firstProposed)
        let secondProposed = world.recover(4, without: [1, 2, 3])
        let second = try #require(secondProposed)
        world.deliverAll()
        #expect(world.document(1) == first && world.document(3) == second)
        #expect(world.conflicts == 0)
        world.isCut = { _, _ in false }
        for (from, to) in [(0, 4), (4, 0)] {
            let message = RingMessage.decided(from == 0 ? first : second)
            world.step(to, .message(from: NodeID(UInt16(from + 1)), message))
        }
        world.deliverAll()
        #expect(world.conflicts == 2)
        #expect(world.document(1) == first && world.document(3) == second)
    }

    @Test("a node that has agreed to one recovery is not taken out by another one")
    func agreedAndGivenUp() throws {
        var world = try RecoveryWorld()
        let first = try world.base.recovering(without: RecoveryWorld.ids([4, 5]))
        let second = try world.base.recovering(without: RecoveryWorld.ids([1, 2, 3]))
        world.step(1, .message(from: NodeID(1), .recover(base: 1, first)))
        world.step(1, .message(from: NodeID(4), .decided(second)))
        #expect(world.document(1) == world.base && world.conflicts == 1)
        world.step(1, .message(from: NodeID(1), .decided(first)))
        #expect(world.document(1) == first && world.conflicts == 1)
    }

    @Test("whoever proposes what, a node that is left by two rings of one epoch has only one")
    func random() throws {
        var recovered = 0
        for seed in UInt64(0)..<1_500 {
            var dice = SeededGenerator(seed: seed)
            var world = try RecoveryWorld()
            for _ in 0..<120 { try anyStep(&world, &dice) }
            #expect(world.contradiction == nil, "seed \(seed)")
            #expect(world.faults.isEmpty, "seed \(seed): \(world.faults)")
            if world.decided.contains(where: { !$0.recoveries.isEmpty }) { recovered += 1 }
        }
        #expect(recovered > 300)
    }

    private func anyStep(_ world: inout RecoveryWorld, _ dice: inout SeededGenerator) throws {
        let node = dice.below(5)
        switch dice.below(20) {
        case 0:
            world.recover(node, without: (1...5).filter { _ in dice.chance(1, in: 2) })
        case 1:
            world.kill(node)
            try world.start(node)
        case 2: world.tickAll(after: .milliseconds(600))
        case 3:
            guard let document = world.document(node), world.nodes[node]?.isProposing == false,
                let next = try? document.aborting()
            else { return }
            world.step(node, .propose(next, within: .seconds(3)))
        case 4:
            guard let document = world.document(node), world.nodes[node]?.isProposing == false
            else { return }
            let id = document.highestID.rawValue + 1
            let joiner = Member(id: NodeID(id), name: "n\(id)", peerAddress: "h:\(id)")
            let members = document.members + [joiner]
            guard let next = try? document.beginning(members: members, owners: document.owners)
            else { return }
            world.step(node, .propose(next, within: .seconds(3)))
        case 5 where !world.queue.isEmpty: world.queue.remove(at: dice.below(world.queue.count))
        case 6 where !world.queue.isEmpty:
            world.queue.append(world.queue[dice.below(world.queue.count)])
        default:
            if !world.queue.isEmpty { world.deliver(dice.below(world.queue.count)) }
        }
    }
}
