import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

@Suite struct PartitionTransferTests {
    @Test("page by page from the node in whose place it comes, then it is ready")
    func story() throws {
        var world = TransferWorld(seed: 1, records: 5)
        world.up = [2]
        var transfer = world.transfer(replaced: 2)
        let said = world.run(&transfer, steps: 200)
        #expect(transfer.isDone && world.missing(from: [2]).isEmpty)
        #expect(said.last == "finish" && said.dropLast().last?.hasPrefix("save") == true)
        #expect(said.allSatisfy { !$0.hasPrefix("ask") || $0 == "ask #2" })
        #expect(transfer.cursor.keys == world.held[2]?.count)
        #expect(transfer.wait == nil && transfer.bytesLeft == 0)
    }

    @Test("without it, two of the others are read, and their pages come in turns")
    func quorum() {
        var world = TransferWorld(seed: 2, records: 8)
        world.up = [1, 3]
        var transfer = world.transfer(replaced: 2)
        let asked = world.run(&transfer, steps: 200).filter { $0.hasPrefix("ask") }
        #expect(transfer.isDone && world.missing(from: [1, 3]).isEmpty)
        #expect(asked.prefix(2) == ["ask #1", "ask #3"])
        var one = TransferWorld(seed: 2, records: 8)
        one.up = [1]
        var waiting = one.transfer(replaced: 2)
        #expect(one.run(&waiting, steps: 50).isEmpty)
        #expect(waiting.wait == .source(NodeID(2)) && !waiting.isActive)
    }

    @Test("a source that goes in circles, or sends what was not asked for, is not believed")
    func liars() throws {
        let world = TransferWorld(seed: 3, records: 30)
        let key = try #require(world.held[2]?.min { $0.token < $1.token })
        let object = TransferWorld.object
        let lies = [
            TransferPage(records: [], next: world.tokens.lowerBound),
            TransferPage(records: [], next: Token(rawValue: world.tokens.upperBound.rawValue + 1)),
            TransferPage(
                records: [HandedRecord(key: TransferWorld.foreign(world.tokens), object: object)],
                next: nil
            ),
            TransferPage(
                records: [HandedRecord(key: key, object: object)],
                next: Token(rawValue: key.token.rawValue - 1)
            ),
        ]
        for lie in lies {
            var transfer = world.transfer(replaced: 2)
            var effects = EffectBuffer<PartitionTransfer.Effect>()
            let now = Instant(nanoseconds: 1_000_000_000)
            transfer.step(.tick(up: .first(3)), now: now, effects: &effects)
            transfer.step(.allowed, now: now, effects: &effects)
            #expect(transfer.asked == NodeID(2))
            effects.removeAll()
            transfer.step(.answered(.page(lie)), now: now, effects: &effects)
            #expect(effects.count == 0 && transfer.wait == .source(NodeID(2)))
        }
    }

    @Test("a source that refuses for long is left for others")
    func refusals() {
        var world = TransferWorld(seed: 4, records: 10)
        world.refusing = [2]
        var transfer = world.transfer(replaced: 2)
        let asked = world.run(&transfer, steps: 4_000).filter { $0.hasPrefix("ask") }
        #expect(transfer.isDone && world.missing(from: [1, 3]).isEmpty)
        #expect(asked.prefix { $0 == "ask #2" }.count == 8)
        // With nobody else it is asked on and on.
        var alone = TransferWorld(seed: 4, records: 10)
        alone.refusing = [2]
        alone.up = [2]
        var other = alone.transfer(replaced: 2)
        #expect(alone.run(&other, steps: 20_000).count > 20 && !other.isDone)
        alone.refusing = []
        _ = alone.run(&other, steps: 2_000)
        #expect(other.isDone)
    }

    @Test("what is saved reads back the same; cut or flipped, it is nothing or harmless")
    func stored() throws {
        var world = TransferWorld(seed: 5, records: 20)
        world.up = [1, 3]
        var transfer = world.transfer(replaced: 2)
        _ = world.run(&transfer, steps: 12)
        let cursor = transfer.cursor
        #expect(cursor.sources.count == 2 && !cursor.isDone)
        let bytes = cursor.stored
        #expect(TransferCursor(stored: bytes) == cursor)
        for length in 0..<bytes.readableBytes {
            let part = try #require(bytes.getSlice(at: 0, length: length))
            #expect(TransferCursor(stored: part) == nil)
        }
        for bit in 0..<bytes.readableBytes * 8 {
            var flipped = bytes
            let byte = flipped.getInteger(at: bit / 8, as: UInt8.self) ?? 0
            flipped.setInteger(byte ^ 1 << UInt8(bit % 8), at: bit / 8)
            guard let read = TransferCursor(stored: flipped) else { continue }
            _ = world.transfer(replaced: 2, saved: read)
        }
        // Of another step it says nothing.
        let other = world.transfer(replaced: 2, fence: 9, saved: cursor)
        #expect(other.cursor.keys == 0 && other.cursor.base == world.tokens.lowerBound)
    }

    /// Losses, deaths of sources, refusals, failing disks and restarts, in any order; then all are
    /// well. Whatever was readable at the replaced node, or else at any of a majority, is there.
    @Test("whatever happens, all that a quorum knew is durable in the end", arguments: 0..<300)
    func anything(seed: Int) {
        var world = TransferWorld(seed: UInt64(seed), records: 40)
        var transfer = world.transfer(replaced: seed % 4 == 0 ? nil : 2)
        var base: Token? = world.tokens.lowerBound
        for round in 0..<60 {
            world.misfortune()
            _ = world.run(&transfer, steps: 1 + world.random.below(60))
            let rose = transfer.cursor.base.map { now in base.map { now >= $0 } ?? false } ?? true
            #expect(rose, "seed \(seed), round \(round)")
            base = transfer.cursor.base
            guard world.random.chance(1, in: 4) else { continue }
            // The receiver dies, and comes back on its disk.
            let replaced = seed % 4 == 0 ? nil : 2
            transfer = world.restarted(replaced: replaced)
            let isOnDisk = transfer.cursor.base.map { now in base.map { now <= $0 } ?? true }
            #expect(isOnDisk ?? (base == nil), "seed \(seed), round \(round)")
            base = transfer.cursor.base
        }
        world.allIsWell()
        _ = world.run(&transfer, steps: 5_000)
        #expect(transfer.isDone, "seed \(seed)")
        #expect(world.lostByQuorums().isEmpty, "seed \(seed)")
        #expect(world.diskSaysDone, "seed \(seed)")
    }
}
