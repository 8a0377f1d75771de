import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing
import Testing

/// A node on whose disk nothing was ever saved of rings: it is new, or has lost its disk.
@Suite struct NewVoterTests {
    private struct World: ~Copyable {
        var control: ControlPlane
        private var buffer = EffectBuffer<ControlEffect>()
        private let now = Instant(nanoseconds: 0) + .seconds(1000)

        init(members: UInt16) throws {
            let list = (1...members).map { "n\($0)=h:\($0)" }.joined(separator: ",")
            let document = try RingDocument.bootstrap(.parse(list), replicas: 3, partitions: 64)
            control = ControlPlane(
                node: NodeID(1),
                ring: RingAcceptor(document: document, hasLostVotes: true),
                isRingUnconfirmed: true,
                settings: ControlSettings(),
                life: Life.make(start: 1, chance: 1),
                savedLives: nil,
                seed: 1,
                at: now
            )
        }

        /// What is to be saved, and what n2 hears of the ring.
        mutating func step(
            _ input: ControlInput
        ) -> (saved: [RingAcceptor], told: [RingMessage]) {
            control.step(input, at: now, effects: &buffer)
            var saved: [RingAcceptor] = []
            var told: [RingMessage] = []
            buffer.drain { effect in
                if case .saveRing(let bytes) = effect,
                    let acceptor = try? RingAcceptor(saved: bytes)
                {
                    saved.append(acceptor)
                }
                if case .sendRing(NodeID(2), let message) = effect { told.append(message) }
            }
            return (saved, told)
        }

        mutating func otherLife(_ life: UInt64, from node: UInt16) -> [RingAcceptor] {
            _ = step(.connected(NodeID(node), life: 100))
            return step(.gossip(from: NodeID(node), .otherLife(life))).saved
        }

        /// Whether n2 gets a promise.
        mutating func promises(round: UInt64) -> Bool {
            let ballot = RingBallot(round: round, node: NodeID(2))
            _ = step(.ring(from: NodeID(2), .prepare(epoch: 2, ballot)))
            return step(.ringSaved).told.contains {
                if case .promise = $0 { true } else { false }
            }
        }
    }

    @Test("it votes when all others have said that they never met it, and remembers that")
    func new() throws {
        var world = try World(members: 3)
        #expect(world.step(.start).saved.isEmpty)
        #expect(world.otherLife(0, from: 2).isEmpty)
        let ballot = RingBallot(round: 1, node: NodeID(2))
        #expect(world.step(.ring(from: NodeID(2), .prepare(epoch: 2, ballot))).saved.isEmpty)
        let saved = world.otherLife(0, from: 3)
        #expect(saved.count == 1 && saved.allSatisfy { $0.votes })
        #expect(world.step(.ringSaved).saved.isEmpty)
        let promises = world.promises(round: 2)
        #expect(promises)
    }

    @Test("it does not when anybody has met it: it has lost its disk")
    func lost() throws {
        var world = try World(members: 3)
        _ = world.step(.start)
        #expect(world.otherLife(Life.make(start: 4, chance: 9), from: 2).isEmpty)
        #expect(world.otherLife(0, from: 3).isEmpty)
        let ballot = RingBallot(round: 1, node: NodeID(2))
        #expect(world.step(.ring(from: NodeID(2), .prepare(epoch: 2, ballot))).saved.isEmpty)
    }

    @Test("alone it votes at once")
    func alone() throws {
        var world = try World(members: 1)
        let saved = world.step(.start).saved
        #expect(saved.count == 1 && saved.allSatisfy { $0.votes })
    }
}
