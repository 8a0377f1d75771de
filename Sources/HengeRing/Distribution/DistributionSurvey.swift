import HengeBase

/// Where the keys of a cluster lie: what a report on them is made of.
package struct DistributionSurvey: Sendable {
    package enum Source: String, Sendable {
        /// The nodes of a cluster, as they are.
        case cluster
        /// A list of keys, and a ring that need not exist.
        case keys
    }

    package var source: Source
    package var ring: Ring
    /// Whether partitions were being moved.
    package var isChanging: Bool
    /// Equal parts of the token space in its order, a power of two of them; each key once.
    package var cells: [KeyLoad]
    /// By member of the ring: all replicas that it holds together; nil when it did not answer.
    package var held: [KeyLoad?]
    /// Names of the nodes that are still counting what they hold, so that it may be more.
    package var counting: [String]
    /// Of lists of keys: how many lie in each equal part of a slot.
    package var fine: [Int]?
    package var hashTags: HashTags?
    /// Of each key, exact.
    package var keyBytes: BinaryHistogram?
    package var sample: RecordSample?

    package init(
        source: Source,
        ring: Ring,
        isChanging: Bool = false,
        cells: [KeyLoad],
        held: [KeyLoad?],
        counting: [String] = [],
        fine: [Int]? = nil,
        hashTags: HashTags? = nil,
        keyBytes: BinaryHistogram? = nil,
        sample: RecordSample? = nil
    ) {
        invariant(cells.count.nonzeroBitCount == 1 && held.count == ring.document.members.count)
        self.source = source
        self.ring = ring
        self.isChanging = isChanging
        self.cells = cells
        self.held = held
        self.counting = counting
        self.fine = fine
        self.hashTags = hashTags
        self.keyBytes = keyBytes
        self.sample = sample
    }

    /// Of keys that were counted, on a ring.
    package init(_ tally: KeyTally, ring: Ring) {
        self.init(
            source: .keys,
            ring: ring,
            cells: tally.slots,
            held: Self.holdings(of: tally.slots, on: ring),
            fine: tally.fine,
            hashTags: tally.hashTags,
            keyBytes: tally.keyBytes
        )
    }

    /// The same keys on another ring, as if every replica were there.
    package func moved(to ring: Ring) -> DistributionSurvey {
        var survey = self
        survey.ring = ring
        survey.held = Self.holdings(of: cells, on: ring)
        survey.counting = []
        survey.isChanging = false
        return survey
    }

    package var missing: [String] {
        zip(ring.document.members, held).compactMap { $1 == nil ? $0.name : nil }
    }

    /// By partition of the ring. Where a partition is smaller than a cell, the cell is taken to be
    /// spread evenly.
    package var partitions: [KeyLoad] { Self.spread(cells, over: ring.partitions) }

    /// Whether ``partitions`` are as counted.
    package var arePartitionsExact: Bool { cells.count >= ring.partitions }

    package static func spread(_ cells: [KeyLoad], over count: Int) -> [KeyLoad] {
        guard cells.count < count else {
            let width = cells.count / count
            return (0..<count).map { cells[($0 * width)..<(($0 + 1) * width)].total }
        }
        let parts = count / cells.count
        return (0..<count).map { index in
            let cell = cells[index / parts]
            let part = index % parts
            // Whole numbers whose sum is that of the cell.
            func share(_ number: Int) -> Int {
                number * (part + 1) / parts - number * part / parts
            }
            return KeyLoad(
                keys: share(cell.keys),
                bytes: share(cell.bytes),
                siblings: share(cell.siblings),
                tombstones: share(cell.tombstones)
            )
        }
    }

    /// By member: what the partitions whose preference list it is on hold together.
    package static func holdings(of cells: [KeyLoad], on ring: Ring) -> [KeyLoad] {
        let members = ring.document.members
        var indexes: [NodeID: Int] = [:]
        for (index, member) in members.enumerated() { indexes[member.id] = index }
        var held = [KeyLoad](repeating: .nothing, count: members.count)
        for (partition, load) in spread(cells, over: ring.partitions).enumerated() {
            ring.preferenceList(partition: partition).forEach { node in
                if let index = indexes[node] { held[index] += load }
            }
        }
        return held
    }
}
