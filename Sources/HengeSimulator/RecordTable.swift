import HengeCausality
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Records in the order of their keys, as a disk keeps them. Look-up is a binary search; inserting
/// moves what comes after, which at the sizes of a simulation costs less than a tree.
struct RecordTable: Sendable {
    struct Record: Sendable {
        let object: ByteBuffer
        var isCorrupt = false
    }

    private var keys: [StoredKey] = []
    private var records: [Record] = []

    var count: Int { keys.count }

    subscript(key: StoredKey) -> Record? {
        get {
            let index = firstIndex(notBelow: key)
            return index < keys.count && keys[index] == key ? records[index] : nil
        }
        set {
            let index = firstIndex(notBelow: key)
            let isPresent = index < keys.count && keys[index] == key
            switch (newValue, isPresent) {
            case (let record?, true): records[index] = record
            case (let record?, false):
                keys.insert(key, at: index)
                records.insert(record, at: index)
            case (nil, true):
                keys.remove(at: index)
                records.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// The keys of a range of tokens, in order.
    func keys(in tokens: ClosedRange<Token>) -> ArraySlice<StoredKey> {
        let first = firstIndex { $0.token < tokens.lowerBound }
        return keys[first...].prefix { $0.token <= tokens.upperBound }
    }

    /// Records that can't be read.
    var rottenCount: Int { records.count { $0.isCorrupt } }

    /// One page of live keys, as ``ScanRange`` describes it.
    func scan(_ range: ScanRange) -> Result<ScanPage, StorageFailure> {
        var page = ScanPage(keys: [], next: nil)
        var examined = 0
        var current: Token?
        var index = firstIndex { $0.token < range.from }
        while index < keys.count, keys[index].token <= range.through {
            let key = keys[index]
            let isFull = page.keys.count >= range.limit || examined >= range.examinedMax
            if isFull, key.token != current {
                page.next = key.token
                return .success(page)
            }
            current = key.token
            examined += 1
            guard !records[index].isCorrupt else { return .failure(.corrupt) }
            if range.bucket.map({ $0 == key.bucket }) ?? true {
                guard let object = try? EncodedObject(records[index].object) else {
                    return .failure(.corrupt)
                }
                if object.isLive(at: range.wall) { page.keys.append(key) }
            }
            index += 1
        }
        return .success(page)
    }

    /// One page of records, as ``ListRange`` describes it.
    func list(_ range: ListRange) -> ListPage {
        var builder = ListPageBuilder(range)
        var index = firstIndex { $0.token < range.from }
        while index < keys.count, keys[index].token <= range.through {
            let record = records[index]
            guard !builder.ends(before: keys[index].token) else { break }
            if !record.isCorrupt, let object = try? EncodedObject(record.object) {
                builder.add(keys[index], object)
            } else {
                builder.addRotten(keys[index])
            }
            index += 1
        }
        return builder.page
    }

    /// In the order of the keys.
    func forEach(_ body: (StoredKey, Record) -> Void) {
        for (key, record) in zip(keys, records) { body(key, record) }
    }

    func tally(partitionBits bits: Int) -> [RecordWeight] {
        var weights = [RecordWeight](repeating: .nothing, count: 1 << bits)
        forEachWhole { key, weight in
            let partition = key.token.partition(bits: bits)
            weights[partition] = weights[partition] + weight
        }
        return weights
    }

    func leaves(partitionBits bits: Int) -> [LeafSums] {
        var leaves = tally(partitionBits: bits).map {
            LeafSums(bits: LeafSums.bits(forRecords: $0.records))
        }
        forEachWhole { key, weight in
            let partition = key.token.partition(bits: bits)
            leaves[partition].add(weight.fingerprint, at: key.token, partitionBits: bits)
        }
        return leaves
    }

    private func forEachWhole(_ body: (StoredKey, RecordWeight) -> Void) {
        for (key, record) in zip(keys, records) where !record.isCorrupt {
            guard let object = try? EncodedObject(record.object) else { continue }
            let weight = key.bytes.withUnsafeReadableBytes {
                RecordWeight(of: object, keyBytes: $0)
            }
            body(key, weight)
        }
    }

    private func firstIndex(notBelow key: StoredKey) -> Int {
        firstIndex { precedes($0, key) }
    }

    /// The first index whose key isn't `below`, in keys of which the first are and the rest are
    /// not.
    private func firstIndex(_ below: (StoredKey) -> Bool) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if below(keys[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func precedes(_ a: StoredKey, _ b: StoredKey) -> Bool {
        guard a.token == b.token else { return a.token < b.token }
        // Several records of one key, held in the places of different nodes.
        if let one = a.standInFor, let other = b.standInFor, one != other { return one < other }
        return a.bytes.readableBytesView.lexicographicallyPrecedes(b.bytes.readableBytesView)
    }
}
