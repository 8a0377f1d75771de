import HengeBase
import HengeCausality
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// A node as simple as can be: records in the order of their keys, and a tree for each partition.
struct ModelReplica {
    let actor: ActorID
    let partitionBits: Int
    private(set) var records: [StoredKey: EncodedObject] = [:]
    private(set) var trees: [LeafSums]
    private var counter: UInt64 = 0
    private var order: [StoredKey] = []
    private var isSorted = true

    init(actor: UInt64, partitionBits: Int, leafBits: Int) {
        self.actor = ActorID(rawValue: actor)
        self.partitionBits = partitionBits
        trees = Array(repeating: LeafSums(bits: leafBits), count: 1 << partitionBits)
    }

    /// - Parameter isBlind: adds a sibling instead of replacing what is there.
    mutating func write(_ key: StoredKey, bytes: Int, isBlind: Bool = false) {
        counter += 1
        var object = records[key]?.decoded() ?? VersionedObject()
        object.write(
            Sibling(
                dot: Dot(actor: actor, counter: counter),
                timestamp: HybridTimestamp(rawValue: counter),
                expiry: nil,
                payload: .value(ByteBuffer(repeating: UInt8(counter & 0xFF), count: bytes))
            ),
            replacing: isBlind ? VersionVector() : object.context
        )
        set(key, object.encoded())
    }

    /// - Returns: whether the record is another than before.
    @discardableResult
    mutating func merge(_ record: HandedRecord) -> Bool {
        var object = records[record.key]?.decoded() ?? VersionedObject()
        object.merge(record.object.decoded())
        let encoded = object.encoded()
        guard records[record.key] != encoded else { return false }
        set(record.key, encoded)
        return true
    }

    private mutating func set(_ key: StoredKey, _ object: EncodedObject) {
        let partition = key.token.partition(bits: partitionBits)
        var change = RecordFingerprint.of(key, object)
        if let old = records[key] {
            change &-= RecordFingerprint.of(key, old)
        } else {
            order.append(key)
            isSorted = false
        }
        trees[partition].add(change, at: key.token, partitionBits: partitionBits)
        records[key] = object
    }

    func holds(_ key: StoredKey, atLeast object: EncodedObject) -> Bool {
        records[key].map { $0.context.descends(from: object.context) } ?? false
    }

    mutating func list(_ range: ListRange) -> ListPage {
        sort()
        var page = ListPage()
        var bytes = 0
        var index = firstIndex(range.from)
        while index < order.count, order[index].token <= range.through {
            let key = order[index]
            if index > 0, order[index - 1].token != key.token,
                page.weight.records >= range.examinedMax || bytes >= range.bytesMax
            {
                page.next = key.token
                return page
            }
            index += 1
            guard let object = records[key] else { continue }
            let fingerprint = RecordFingerprint.of(key, object)
            let size = key.bytes.readableBytes + object.bytes.readableBytes
            page.weight =
                page.weight
                + RecordWeight(records: 1, keys: 1, bytes: size, fingerprint: fingerprint)
            var listed = ListedRecord(key: key, fingerprint: fingerprint, object: nil)
            if case .objects(let except) = range.kind, !except.contains(fingerprint) {
                listed.object = object
                bytes += size
            }
            page.records.append(listed)
        }
        return page
    }

    private mutating func sort() {
        if isSorted { return }
        order.sort { a, b in
            a.token != b.token
                ? a.token < b.token
                : a.bytes.readableBytesView.lexicographicallyPrecedes(b.bytes.readableBytesView)
        }
        isSorted = true
    }

    private func firstIndex(_ token: Token) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle].token < token { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
