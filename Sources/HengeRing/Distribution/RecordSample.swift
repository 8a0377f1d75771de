/// What some of a cluster's records look like.
package struct RecordSample: Hashable, Sendable {
    package struct Bucket: Hashable, Sendable {
        package var name: [UInt8]
        package var load: KeyLoad

        package init(name: [UInt8], load: KeyLoad) {
            self.name = name
            self.load = load
        }
    }

    /// One record that stands out.
    package struct Record: Hashable, Sendable {
        package var bucket: [UInt8]
        /// Cut at ``keyBytesMax``.
        package var key: [UInt8]
        /// Of key and object.
        package var bytes: Int
        package var siblings: Int

        package init(bucket: [UInt8], key: [UInt8], bytes: Int, siblings: Int) {
            self.bucket = bucket
            self.key = key
            self.bytes = bytes
            self.siblings = siblings
        }
    }

    package static let bucketsMax = 256
    package static let recordsMax = 100
    package static let keyBytesMax = 256

    /// How many were looked at.
    package var records: Int
    /// How many there are, the looked at ones among them.
    package var population: Int
    /// Nodes whose records were to be looked at, in vain.
    package var missing: [String]
    /// At most ``bucketsMax``, as met; what lies in others is in ``otherBuckets``.
    package var buckets: [Bucket]
    package var otherBuckets: KeyLoad
    package var keyBytes: BinaryHistogram
    /// Of each value, siblings counted one by one.
    package var valueBytes: BinaryHistogram
    /// Of each record: how many siblings, its tombstones among them.
    package var siblings: BinaryHistogram
    /// Keys with a hash tag.
    package var tagged: Int
    /// Most bytes first.
    package var largest: [Record]
    /// More than one; most first.
    package var mostSiblings: [Record]

    package init() {
        records = 0
        population = 0
        missing = []
        buckets = []
        otherBuckets = .nothing
        keyBytes = BinaryHistogram()
        valueBytes = BinaryHistogram()
        siblings = BinaryHistogram()
        tagged = 0
        largest = []
        mostSiblings = []
    }

    /// Whether there was nothing else to look at.
    package var isComplete: Bool { records >= population && missing.isEmpty }

    /// What one sampled record stands for, at least 1.
    package var scale: Double {
        records > 0 ? max(1, Double(population) / Double(records)) : 1
    }

    /// Adds what another node has looked at; the population stays.
    package mutating func add(_ other: RecordSample) {
        records += other.records
        for bucket in other.buckets { add(bucket.load, to: bucket.name) }
        otherBuckets += other.otherBuckets
        keyBytes.add(other.keyBytes)
        valueBytes.add(other.valueBytes)
        siblings.add(other.siblings)
        tagged += other.tagged
        for record in other.largest { noteLargest(record) }
        for record in other.mostSiblings { noteMostSiblings(record) }
    }

    package mutating func add(_ load: KeyLoad, to name: some Collection<UInt8>) {
        if let index = buckets.firstIndex(where: { Self.isSame($0.name, name) }) {
            buckets[index].load += load
        } else if buckets.count < Self.bucketsMax {
            buckets.append(Bucket(name: Array(name), load: load))
        } else {
            otherBuckets += load
        }
    }

    /// As `elementsEqual`, which would ask for each byte by itself.
    private static func isSame(_ name: [UInt8], _ other: some Collection<UInt8>) -> Bool {
        let same = other.withContiguousStorageIfAvailable { other in
            name.count == other.count && name.withUnsafeBufferPointer { $0.elementsEqual(other) }
        }
        return same ?? name.elementsEqual(other)
    }

    package mutating func noteLargest(_ record: Record) {
        Self.note(record, in: &largest) { ($0.bytes, $0.siblings) > ($1.bytes, $1.siblings) }
    }

    package mutating func noteMostSiblings(_ record: Record) {
        guard record.siblings > 1 else { return }
        Self.note(record, in: &mostSiblings) { ($0.siblings, $0.bytes) > ($1.siblings, $1.bytes) }
    }

    /// Whether a record of so many bytes would be among the largest.
    package func isLarge(_ bytes: Int) -> Bool {
        largest.count < Self.recordsMax || bytes > (largest.last?.bytes ?? 0)
    }

    private static func note(
        _ record: Record,
        in list: inout [Record],
        before: (Record, Record) -> Bool
    ) {
        let place = list.firstIndex { before(record, $0) } ?? list.count
        guard place < recordsMax else { return }
        list.insert(record, at: place)
        if list.count > recordsMax { list.removeLast() }
    }
}
