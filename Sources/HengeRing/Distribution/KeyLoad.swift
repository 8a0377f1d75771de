/// What lies in one place: a partition, a node, a bucket. Each key once, unless it says otherwise.
package struct KeyLoad: Hashable, Sendable {
    /// Records that hold a value, expired or not.
    package var keys: Int
    /// Of keys and objects, before compression.
    package var bytes: Int
    /// Versions beyond the first of each record.
    package var siblings: Int
    /// Records of deleted keys.
    package var tombstones: Int

    package static let nothing = KeyLoad()

    /// What is claimed beyond it is cut, so that sums over any ring stay numbers.
    private static let most = 1 << 42

    package init(keys: Int = 0, bytes: Int = 0, siblings: Int = 0, tombstones: Int = 0) {
        self.keys = Self.bounded(keys)
        self.bytes = Self.bounded(bytes)
        self.siblings = Self.bounded(siblings)
        self.tombstones = Self.bounded(tombstones)
    }

    private static func bounded(_ number: Int) -> Int { min(max(0, number), most) }

    package var records: Int { keys + tombstones }

    package static func += (a: inout KeyLoad, b: KeyLoad) {
        a.keys += b.keys
        a.bytes += b.bytes
        a.siblings += b.siblings
        a.tombstones += b.tombstones
    }

    /// The larger of each: a replica that misses some holds less, none holds more than all.
    package func merged(_ other: KeyLoad) -> KeyLoad {
        KeyLoad(
            keys: max(keys, other.keys),
            bytes: max(bytes, other.bytes),
            siblings: max(siblings, other.siblings),
            tombstones: max(tombstones, other.tombstones)
        )
    }

    /// Each rounded to a whole number.
    package func scaled(by factor: Double) -> KeyLoad {
        func scaled(_ number: Int) -> Int { Int((Double(number) * factor).rounded()) }
        return KeyLoad(
            keys: scaled(keys),
            bytes: scaled(bytes),
            siblings: scaled(siblings),
            tombstones: scaled(tombstones)
        )
    }
}

extension Sequence<KeyLoad> {
    package var total: KeyLoad { reduce(into: .nothing) { $0 += $1 } }
}
