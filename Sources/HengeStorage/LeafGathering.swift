import HengeMessages
import HengeRing

/// Sums the leaves of one partition after the other, each at the resolution that its records need,
/// which is known only at its end.
///
/// Few records are kept until then. More are summed at the finest resolution, which is folded; so
/// the memory is bounded, and a partition of a few records costs no more than these.
struct LeafGathering {
    private static let keptMax = 4_096

    private let partitionBits: Int
    /// One for each partition that is done; zero for those without records.
    private(set) var leaves: [LeafSums]
    private var partition = 0
    private var records = 0
    private var kept: [(token: Token, fingerprint: UInt64)] = []
    private var finest: LeafSums?

    init(partitionBits: Int) {
        self.partitionBits = partitionBits
        leaves = Array(repeating: LeafSums(bits: 0), count: 1 << partitionBits)
    }

    /// In the order of the tokens.
    mutating func add(_ fingerprint: UInt64, at token: Token) {
        let partition = token.partition(bits: partitionBits)
        if partition != self.partition {
            finish()
            self.partition = partition
        }
        records += 1
        if finest != nil {
            finest?.add(fingerprint, at: token, partitionBits: partitionBits)
        } else if kept.count < Self.keptMax {
            kept.append((token, fingerprint))
        } else {
            var sums = sumOfKept(bits: LeafSums.bitsMax)
            sums.add(fingerprint, at: token, partitionBits: partitionBits)
            finest = sums
        }
    }

    /// To be called after the last record.
    mutating func finish() {
        let bits = LeafSums.bits(forRecords: records)
        leaves[partition] = finest.map { $0.folded(to: bits) } ?? sumOfKept(bits: bits)
        finest = nil
        kept.removeAll(keepingCapacity: true)
        records = 0
    }

    private mutating func sumOfKept(bits: Int) -> LeafSums {
        var sums = LeafSums(bits: bits)
        for (token, fingerprint) in kept {
            sums.add(fingerprint, at: token, partitionBits: partitionBits)
        }
        return sums
    }
}
