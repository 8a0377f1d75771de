import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import Testing

import struct NIOCore.ByteBuffer

@Suite struct SavedStateTests {
    private func state(_ seed: UInt64) -> SavedState {
        var generator = SeededGenerator(seed: seed)
        let count = generator.below(20)
        return SavedState(
            actors: (0..<count).map { _ in
                guard generator.chance(2, in: 3) else { return nil }
                let actor = ActorID(rawValue: generator.next())
                return ActorTable.Entry(actor: actor, counter: 1 + generator.next() >> 20)
            },
            counts: count == 0 || generator.chance(1, in: 3)
                ? nil
                : SavedState.Counts(
                    tallies: (0..<count).map { _ in
                        RecordWeight(
                            records: generator.below(1_000),
                            keys: generator.below(1_000),
                            expiring: generator.below(1_000),
                            siblings: generator.below(1_000),
                            bytes: generator.below(1 << 40)
                        )
                    },
                    trees: (0..<count).map { _ in tree(&generator) }
                ),
            clock: HybridTimestamp(rawValue: generator.next())
        )
    }

    private func tree(_ generator: inout SeededGenerator) -> LeafSums {
        var tree = LeafSums(bits: generator.below(5))
        for leaf in tree.sums.indices { tree.set(generator.next(), leaf: leaf) }
        return tree
    }

    @Test("what was saved is read back")
    func roundTrip() throws {
        for seed in 1...300 as ClosedRange<UInt64> {
            let saved = state(seed)
            let read = try #require(SavedState(saved.encoded()), "seed \(seed)")
            #expect(read.actors == saved.actors, "seed \(seed)")
            #expect(read.counts?.tallies == saved.counts?.tallies, "seed \(seed)")
            #expect(read.counts?.trees == saved.counts?.trees, "seed \(seed)")
            #expect(read.clock == saved.clock, "seed \(seed)")
        }
    }

    @Test("damage is refused or read as something that a shard can start from")
    func fuzz() throws {
        let cluster = try Cluster(nodes: 1, replicas: 1)
        for number in 0..<20 { cluster.set(key("\(number)"), "v") }
        let good = cluster.node(1).shard.savedState.encoded()
        for seed in 1...300 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var bytes = good
            for _ in 0...generator.below(4) {
                let index = generator.below(bytes.readableBytes)
                bytes.setInteger(UInt8(truncatingIfNeeded: generator.next()), at: index)
            }
            if generator.chance(1, in: 4) {
                bytes = bytes.getSlice(at: 0, length: generator.below(bytes.readableBytes)) ?? bytes
            }
            guard let saved = SavedState(bytes) else { continue }
            cluster.take(down: 1)
            cluster.restart(1, saved: saved)
            #expect(cluster.set(key("0"), "w") == "OK", "seed \(seed)")
            _ = cluster.node(1).shard.partitionTallies.total
        }
    }

    @Test("every truncation and another format are refused")
    func truncations() {
        let bytes = state(5).encoded()
        for length in 0..<bytes.readableBytes {
            let part = bytes.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(SavedState(part) == nil, "\(length) bytes")
        }
        var other = bytes
        other.setInteger(UInt8(1), at: 0)
        #expect(SavedState(other) == nil)
    }

    @Test("a clean restart goes on with its actors and tallies; a crash takes other actors")
    func restarts() throws {
        let cluster = try Cluster()
        for number in 0..<30 { cluster.set(key("\(number)"), "v") }
        let saved = cluster.node(1).shard.savedState
        let weights = cluster.node(1).shard.partitionTallies.weights
        cluster.take(down: 1)
        cluster.restart(1, saved: SavedState(saved.encoded()))
        #expect(cluster.node(1).shard.savedState.actors == saved.actors)
        #expect(cluster.node(1).shard.partitionTallies.weights == weights)
        for number in 0..<30 { #expect(cluster.set(key("\(number)"), "w") == "OK") }
        #expect(cluster.node(1).shard.counters.actorRenewals == 0)
        let used = Set(cluster.node(1).shard.savedState.actors.compactMap { $0?.actor })
        cluster.take(down: 1)
        cluster.restart(1)
        for number in 0..<30 { cluster.set(key("\(number)"), "x") }
        let fresh = Set(cluster.node(1).shard.savedState.actors.compactMap { $0?.actor })
        #expect(fresh.count == used.count && fresh.isDisjoint(with: used))
        for number in 0..<30 { #expect(cluster.get(key("\(number)"), .all) == "x") }
    }

    @Test("a state of another number of partitions is not used")
    func otherPartitions() throws {
        let cluster = try Cluster(nodes: 1, replicas: 1)
        let entry = ActorTable.Entry(actor: ActorID(rawValue: 1), counter: 1)
        let saved = SavedState(actors: [entry], counts: nil, clock: .zero)
        cluster.take(down: 1)
        cluster.restart(1, saved: saved)
        #expect(cluster.node(1).shard.savedState.actors.count == 64)
        #expect(cluster.set(key("k"), "v") == "OK")
    }
}
