package import HengeBase
import HengeCausality
package import HengeMessages
package import HengeReplication

package import struct NIOCore.ByteBuffer

/// What a clean stop saves so that the next start need neither renew actors nor count records.
package struct SavedState: Sendable {
    private static let format: UInt8 = 3
    /// Above any counter or size that a node reaches; sums of such numbers don't overflow.
    private static let numberMax: UInt64 = 1 << 48

    package var actors: [ActorTable.Entry?]
    /// What is known of all records, one of each a partition.
    package struct Counts: Sendable {
        package var tallies: [RecordWeight]
        package var trees: [LeafSums]

        package init(tallies: [RecordWeight], trees: [LeafSums]) {
            self.tallies = tallies
            self.trees = trees
        }
    }

    /// nil when not all records were known.
    package var counts: Counts?
    package var clock: HybridTimestamp

    package init(
        actors: [ActorTable.Entry?],
        counts: Counts?,
        clock: HybridTimestamp
    ) {
        self.actors = actors
        self.counts = counts
        self.clock = clock
    }

    package func encoded() -> ByteBuffer {
        var out = ByteBuffer()
        out.writeInteger(Self.format)
        out.writeInteger(clock.rawValue)
        out.writeInteger(UInt32(actors.count))
        for entry in actors {
            out.writeInteger(entry?.actor.rawValue ?? 0)
            out.writeInteger(entry?.counter ?? 0)
        }
        out.writeInteger(UInt32(counts?.tallies.count ?? 0))
        for weight in counts?.tallies ?? [] {
            out.writeInteger(UInt64(clamping: weight.records))
            out.writeInteger(UInt64(clamping: weight.keys))
            out.writeInteger(UInt64(clamping: weight.expiring))
            out.writeInteger(UInt64(clamping: weight.siblings))
            out.writeInteger(UInt64(clamping: weight.bytes))
        }
        for tree in counts?.trees ?? [] {
            out.writeInteger(UInt32(tree.sums.count))
            for sum in tree.sums { out.writeInteger(sum) }
        }
        return out
    }

    /// nil when the bytes are no saved state; the caller then starts as after a crash.
    package init?(_ bytes: ByteBuffer) {
        var bytes = bytes
        guard bytes.readInteger(as: UInt8.self) == Self.format,
            let clock = bytes.readInteger(as: UInt64.self),
            let actorCount = bytes.readInteger(as: UInt32.self),
            Int(actorCount) <= bytes.readableBytes / 16
        else { return nil }
        var actors: [ActorTable.Entry?] = []
        for _ in 0..<actorCount {
            guard let actor = bytes.readInteger(as: UInt64.self),
                let counter = bytes.readInteger(as: UInt64.self), counter <= Self.numberMax
            else { return nil }
            let id = ActorID(rawValue: actor)
            actors.append(counter == 0 ? nil : ActorTable.Entry(actor: id, counter: counter))
        }
        guard let tallyCount = bytes.readInteger(as: UInt32.self),
            Int(tallyCount) <= bytes.readableBytes / 40,
            tallyCount == 0 || tallyCount == actorCount
        else { return nil }
        var tallies: [RecordWeight] = []
        for _ in 0..<tallyCount {
            guard let records = bytes.readInteger(as: UInt64.self),
                let keys = bytes.readInteger(as: UInt64.self),
                let expiring = bytes.readInteger(as: UInt64.self),
                let siblings = bytes.readInteger(as: UInt64.self),
                let size = bytes.readInteger(as: UInt64.self),
                max(records, keys, expiring, siblings, size) <= Self.numberMax
            else { return nil }
            tallies.append(
                RecordWeight(
                    records: Int(records),
                    keys: Int(keys),
                    expiring: Int(expiring),
                    siblings: Int(siblings),
                    bytes: Int(size)
                )
            )
        }
        guard let trees = Self.readTrees(tallies.count, &bytes) else { return nil }
        self.init(
            actors: actors,
            counts: tallies.isEmpty ? nil : Counts(tallies: tallies, trees: trees),
            clock: HybridTimestamp(rawValue: clock)
        )
    }

    private static func readTrees(_ count: Int, _ bytes: inout ByteBuffer) -> [LeafSums]? {
        var trees: [LeafSums] = []
        for _ in 0..<count {
            guard let leaves = bytes.readInteger(as: UInt32.self),
                Int(leaves) <= bytes.readableBytes / 8
            else { return nil }
            var sums: [UInt64] = []
            sums.reserveCapacity(Int(leaves))
            for _ in 0..<leaves { sums.append(bytes.readInteger() ?? 0) }
            guard let tree = LeafSums(sums: sums) else { return nil }
            trees.append(tree)
        }
        return bytes.readableBytes == 0 ? trees : nil
    }
}

extension Shard {
    /// To be saved once nothing is in flight any more.
    package var savedState: SavedState {
        SavedState(
            actors: actors.saved,
            counts: tallies.isComplete
                ? trees.saved.map { SavedState.Counts(tallies: tallies.weights, trees: $0) }
                : nil,
            clock: clock.latest
        )
    }

    /// The counts of what was on disk before the first write of this run, and the leaves of its
    /// hash trees, by partition.
    package mutating func addInitialTallies(_ initial: [RecordWeight], leaves: [LeafSums]) {
        tallies.addInitial(initial)
        trees.addInitial(leaves)
    }

    package var partitionTallies: PartitionTallies { tallies }
}
