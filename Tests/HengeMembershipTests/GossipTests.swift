import HengeBase
import HengeMembership
import HengeMessages
import Testing

@Suite struct GossipTests {
    private static let detector = PhiDetector(threshold: 8, interval: .seconds(1))
    private let members = MemberIndex([NodeID(3), NodeID(1), NodeID(2), NodeID(7)])

    private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

    private func gossip(_ own: UInt16, life: UInt64 = 100) -> Gossip {
        Gossip(
            members: members,
            own: NodeID(own),
            life: life,
            detector: Self.detector,
            at: at(0)
        )
    }

    private func beat(_ node: UInt16, _ life: UInt64, _ beat: UInt64) -> Heartbeat {
        Heartbeat(node: NodeID(node), life: life, beat: beat)
    }

    @Test("members are numbered by id, and strangers have no number")
    func index() {
        #expect(members.ids == [1, 2, 3, 7].map { NodeID($0) })
        #expect(members[NodeID(7)] == 3 && members[NodeID(1)] == 0)
        for stranger in [0, 4, 8, UInt16.max] { #expect(members[NodeID(stranger)] == nil) }
    }

    @Test("a story: a beat goes to another, comes on to a third, and what it lacks comes back")
    func story() {
        var one = gossip(1)
        var two = gossip(2)
        #expect(one.beginRound() == [beat(1, 100, 1)])
        let second = one.beginRound()
        #expect(second == [beat(1, 100, 2)])
        // Two knows nothing better than that.
        #expect(two.answer(second, from: 0, at: at(1)).isEmpty)
        let digest = two.beginRound()
        #expect(digest == [beat(1, 100, 2), beat(2, 100, 1)])
        var three = gossip(3)
        _ = three.beginRound()
        _ = three.beginRound()
        _ = three.beginRound()
        let news = three.answer(digest, from: 1, at: at(2))
        #expect(news == [beat(3, 100, 3)])
        two.take(news, from: 2, at: at(2))
        #expect((0..<4).map(three.beat) == [2, 1, 3, 0])
        #expect((0..<4).map(two.beat) == [2, 1, 3, 0])
    }

    @Test("what the receiver knows better comes back once, older and equal news change nothing")
    func better() {
        var one = gossip(1)
        one.take([beat(2, 50, 9), beat(3, 50, 4)], from: 1, at: at(1))
        let stale = [beat(2, 50, 8), beat(2, 49, 10), beat(2, 50, 8), beat(3, 50, 4)]
        #expect(one.answer(stale, from: 3, at: at(2)) == [beat(2, 50, 9)])
        #expect(one.beat(of: 1) == 9 && one.beat(of: 2) == 4)
    }

    @Test(
        "a later life counts over any beat of an earlier one, unless the node itself is connected")
    func lives() {
        var one = gossip(1)
        one.take([beat(2, 50, 1000), beat(2, 51, 1)], from: 2, at: at(1))
        #expect(one.beat(of: 1) == 1)
        one.connected(1, life: 60, at: at(2))
        #expect(one.beat(of: 1) == 0)
        one.take([beat(2, .max, .max), beat(2, 51, 5), beat(2, 60, 3)], from: 2, at: at(3))
        #expect(one.beat(of: 1) == 3)
        one.disconnected(1)
        one.take([beat(2, 61, 2)], from: 2, at: at(4))
        #expect(one.beat(of: 1) == 2)
        // The same life again: what was heard of it still counts.
        one.connected(1, life: 61, at: at(5))
        #expect(one.beat(of: 1) == 2)
    }

    @Test("hostile heartbeats: strangers, oneself, zero, the highest numbers")
    func hostile() {
        var one = gossip(1)
        _ = one.beginRound()
        let lies = [
            beat(1, .max, .max), beat(1, 100, 99), beat(9, 1, 1), beat(.max, .max, .max),
            beat(2, 5, 0), beat(2, .max, 0),
        ]
        #expect(one.answer(lies, from: 1, at: at(1)).isEmpty)
        one.take(lies, from: 1, at: at(1))
        #expect(one.beat(of: 0) == 1 && one.beat(of: 1) == 0)
        #expect(one.beginRound() == [beat(1, 100, 2)])
        let empty = one.answer([], from: 1, at: at(1))
        #expect(empty == [beat(1, 100, 2)])
    }

    @Test("a liar's beat from the future is set right by the node itself")
    func lead() {
        var one = gossip(1)
        one.connected(1, life: 60, at: at(0))
        one.take([beat(2, 60, .max)], from: 2, at: at(1))
        #expect(one.beat(of: 1) == .max)
        one.take([beat(2, 60, 7)], from: 2, at: at(2))
        #expect(one.beat(of: 1) == .max)
        one.take([beat(2, 60, 7)], from: 1, at: at(2))
        #expect(one.beat(of: 1) == 7)
        // Merely late: a newer beat came by another way.
        one.take([beat(2, 60, 6)], from: 1, at: at(3))
        #expect(one.beat(of: 1) == 7)
    }

    @Test("silence raises phi, news lowers it, and a connection begins the wait anew")
    func phi() {
        var one = gossip(1)
        one.connected(1, life: 60, at: at(0))
        for second in UInt64(1)...20 { one.take([beat(2, 60, second)], from: 2, at: at(second)) }
        #expect(one.phi(of: 1, at: at(21)) < 0.1)
        #expect(one.phi(of: 1, at: at(26)) > 8)
        one.take([beat(2, 60, 20)], from: 2, at: at(26))
        #expect(one.phi(of: 1, at: at(26)) > 8, "old news")
        one.take([beat(2, 60, 21)], from: 2, at: at(26))
        #expect(one.phi(of: 1, at: at(27)) < 0.1)
        one.connected(1, life: 60, at: at(100))
        #expect(one.phi(of: 1, at: at(101)) < 0.1)
        #expect(one.phi(of: 0, at: at(1000)) == 0, "of itself it is sure")
    }

    @Test("generated exchanges never lose a beat, go back, or trap")
    func generated() {
        for seed in UInt64(1)...50 {
            var dice = SeededGenerator(seed: seed)
            var nodes = [gossip(1), gossip(2), gossip(3), gossip(7)]
            for step in UInt64(0)..<300 {
                let from = dice.below(4)
                let to = dice.below(4)
                guard from != to else { continue }
                let before = (0..<4).map { nodes[to].beat(of: $0) }
                let digest = nodes[from].beginRound()
                let news = nodes[to].answer(digest, from: from, at: at(step))
                if dice.chance(4, in: 5) { nodes[from].take(news, from: to, at: at(step)) }
                for member in 0..<4 {
                    let known = nodes[to].beat(of: member)
                    let best = max(
                        before[member], digest.first { $0.node == members.ids[member] }?.beat ?? 0)
                    #expect(known == best, "seed \(seed)")
                    #expect(known <= nodes[member].beat(of: member), "seed \(seed)")
                }
            }
        }
    }
}
