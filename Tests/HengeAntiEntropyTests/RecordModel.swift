import HengeAntiEntropy
import HengeBase
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Records on a disk, and writes of them that are on it without having been told to be.
///
/// All keys are of one hash slot, so they are in one partition of any ring; their tokens differ by
/// the 50 bits after the slot.
struct RecordModel {
    static let partitionBits = 14

    let keys: [StoredKey]
    /// What is on the disk.
    private(set) var disk: [StoredKey: UInt64] = [:]
    /// What was last told to be durable.
    private(set) var durable: [StoredKey: UInt64] = [:]
    /// Keys with a persist under way, in the order of their beginning.
    private(set) var inFlight: [StoredKey] = []

    init(keys count: Int) {
        keys = (0..<count).map {
            StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: "{s}\($0)"))
        }.sorted { $0.token < $1.token }
    }

    var partition: Int { keys[0].token.partition(bits: Self.partitionBits) }

    /// The write is on the disk; nobody is told yet. A fingerprint of 0 removes the record.
    mutating func store(_ key: StoredKey, _ fingerprint: UInt64) {
        guard !inFlight.contains(key) else { return }
        disk[key] = fingerprint == 0 ? nil : fingerprint
        inFlight.append(key)
    }

    /// The oldest write in flight is told to be durable.
    mutating func complete(_ trees: inout PartitionTrees) {
        guard !inFlight.isEmpty else { return }
        let key = inFlight.removeFirst()
        trees.add(disk[key, default: 0] &- durable[key, default: 0], at: key.token)
        durable[key] = disk[key]
    }

    /// A rotten record: it is gone, and nobody noticed.
    mutating func lose(_ key: StoredKey) {
        guard !inFlight.contains(key) else { return }
        disk[key] = nil
        durable[key] = nil
    }

    mutating func randomStep(_ trees: inout PartitionTrees, _ generator: inout SeededGenerator) {
        if generator.chance(1, in: 2) {
            let isRemoval = generator.chance(1, in: 4)
            store(keys[generator.below(keys.count)], isRemoval ? 0 : generator.next() | 1)
        } else {
            complete(&trees)
        }
    }

    var pending: [DurableFingerprint] {
        inFlight.map { DurableFingerprint(key: $0, fingerprint: durable[$0, default: 0]) }
    }

    func list(_ tokens: ClosedRange<Token>, max: Int) -> ListPage {
        let present = keys.filter { tokens.contains($0.token) && disk[$0] != nil }
        let records = present.prefix(max).map {
            ListedRecord(key: $0, fingerprint: disk[$0, default: 0], object: nil)
        }
        return ListPage(records: records, next: present.dropFirst(max).first?.token)
    }

    /// The tree of what was told to be durable, by a look at everything.
    func tree(bits: Int) -> LeafSums {
        var tree = LeafSums(bits: bits)
        for key in keys {
            let sum = durable[key, default: 0]
            tree.add(sum, at: key.token, partitionBits: Self.partitionBits)
        }
        return tree
    }
}

func readyTrees(partitionBits: Int = RecordModel.partitionBits) -> PartitionTrees {
    let none = Array(repeating: LeafSums(bits: 0), count: 1 << partitionBits)
    return PartitionTrees(
        partitions: none.count,
        partitionBits: partitionBits,
        saved: none
    )
}
