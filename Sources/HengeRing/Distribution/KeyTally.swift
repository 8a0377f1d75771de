import HengeBase

/// Counts keys where their tokens put them, without storing any.
///
/// By hash slot, so that it tells of rings of any number of partitions.
package struct KeyTally: Sendable {
    /// Into so many parts of the 50 bits below the slot, to see whether those are even, too.
    package static let fineParts = 1024
    private static let fineShift = 40
    /// Bytes of a hash tag that are kept, to name it.
    private static let tagBytesMax = 64

    private let bucketHash: UInt64
    /// By hash slot: the bytes are those of the keys alone.
    package private(set) var slots = [KeyLoad](repeating: .nothing, count: HashSlot.count)
    /// By what follows the slot in the token.
    package private(set) var fine = [Int](repeating: 0, count: fineParts)
    package private(set) var keyBytes = BinaryHistogram()
    /// Keys with a hash tag, by slot.
    private var tagged = [Int](repeating: 0, count: HashSlot.count)
    /// The first tag of each slot, cut.
    private var tags = [[UInt8]](repeating: [], count: HashSlot.count)

    package init(bucket: UnsafeRawBufferPointer) {
        bucketHash = XXH3.hash64(bucket)
    }

    /// Counts one key; the same one again counts again.
    package mutating func add(_ key: UnsafeRawBufferPointer) {
        let tag = HashSlot.tag(of: key)
        let slot = Int(HashSlot.of(hashed: tag ?? key))
        slots[slot].keys += 1
        slots[slot].bytes += key.count
        let rest = XXH3.hash64(key, seed: bucketHash) >> 14
        fine[Int(truncatingIfNeeded: rest >> UInt64(Self.fineShift))] += 1
        keyBytes.add(key.count)
        guard let tag else { return }
        if tagged[slot] == 0 { tags[slot] = Array(tag.prefix(Self.tagBytesMax)) }
        tagged[slot] += 1
    }

    /// How many keys have a hash tag, and the slots with most of such.
    package var hashTags: HashTags {
        let most = tagged.indices.filter { tagged[$0] > 0 }
            .sorted { (tagged[$0], $1) > (tagged[$1], $0) }
            .prefix(HashTags.largestMax)
        return HashTags(
            keys: tagged.reduce(0, +),
            isExact: true,
            largest: most.map { HashTags.Slot(slot: $0, tag: tags[$0], keys: tagged[$0]) }
        )
    }
}

/// Keys that name what their slot is to be made of.
package struct HashTags: Hashable, Sendable {
    package struct Slot: Hashable, Sendable {
        package var slot: Int
        /// One tag of those in the slot, cut at 64 bytes.
        package var tag: [UInt8]
        package var keys: Int

        package init(slot: Int, tag: [UInt8], keys: Int) {
            self.slot = slot
            self.tag = tag
            self.keys = keys
        }
    }

    package static let largestMax = 5

    /// With a tag.
    package var keys: Int
    package var isExact: Bool
    /// Slots with most of such keys, most first; none where that is not known.
    package var largest: [Slot]

    package init(keys: Int, isExact: Bool, largest: [Slot] = []) {
        self.keys = keys
        self.isExact = isExact
        self.largest = largest
    }
}
