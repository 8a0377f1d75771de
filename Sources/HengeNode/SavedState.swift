package import HengeBase
import HengeCausality
package import HengeMessages
package import HengeReplication

package import struct NIOCore.ByteBuffer

/// What a clean stop saves so that the next start need neither renew actors nor count records.
package struct SavedState: Sendable {
    private static let format: UInt8 = 1
    /// Above any counter or size that a node reaches; sums of such numbers don't overflow.
    private static let numberMax: UInt64 = 1 << 48

    package var actors: [ActorTable.Entry?]
    package var tallies: [RecordWeight]?
    package var clock: HybridTimestamp

    package init(
        actors: [ActorTable.Entry?],
        tallies: [RecordWeight]?,
        clock: HybridTimestamp
    ) {
        self.actors = actors
        self.tallies = tallies
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
        out.writeInteger(UInt32(tallies?.count ?? 0))
        for weight in tallies ?? [] {
            out.writeInteger(UInt64(clamping: weight.records))
            out.writeInteger(UInt64(clamping: weight.keys))
            out.writeInteger(UInt64(clamping: weight.bytes))
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
            Int(tallyCount) == bytes.readableBytes / 24, bytes.readableBytes % 24 == 0,
            tallyCount == 0 || tallyCount == actorCount
        else { return nil }
        var tallies: [RecordWeight] = []
        for _ in 0..<tallyCount {
            guard let records = bytes.readInteger(as: UInt64.self),
                let keys = bytes.readInteger(as: UInt64.self),
                let size = bytes.readInteger(as: UInt64.self),
                max(records, keys, size) <= Self.numberMax
            else { return nil }
            tallies.append(
                RecordWeight(records: Int(records), keys: Int(keys), bytes: Int(size))
            )
        }
        self.init(
            actors: actors,
            tallies: tallies.isEmpty ? nil : tallies,
            clock: HybridTimestamp(rawValue: clock)
        )
    }
}

extension Shard {
    /// To be saved once nothing is in flight any more.
    package var savedState: SavedState {
        SavedState(
            actors: actors.saved,
            tallies: tallies.isComplete ? tallies.weights : nil,
            clock: clock.latest
        )
    }

    /// The counts of what was on disk before the first write of this run, and the leaves of its
    /// hash trees, by partition.
    package mutating func addInitialTallies(_ initial: [RecordWeight], leaves: [LeafSums]) {
        tallies.addInitial(initial)
    }

    package var partitionTallies: PartitionTallies { tallies }
}
