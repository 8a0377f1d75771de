/// How many replicas must answer a read or acknowledge a write (Dynamo, section 4.5: R and W).
@usableFromInline
package enum Consistency: Hashable, Sendable, CustomStringConvertible {
    case one
    /// A majority: ⌊N/2⌋ + 1.
    case quorum
    case all
    /// This many, at least 1. More than N can never be met.
    case count(UInt8)

    /// The replicas needed of `replicas`, at least 1; it may exceed `replicas` for `.count`.
    @inlinable package func required(of replicas: Int) -> Int {
        invariant(replicas >= 1)
        switch self {
        case .one: return 1
        case .quorum: return replicas / 2 + 1
        case .all: return replicas
        case .count(let n): return max(1, Int(n))
        }
    }

    /// Reads `ONE`, `QUORUM`, `ALL` in any case, or a number from 1 to 8.
    package init?(_ text: some StringProtocol) {
        switch text.uppercased() {
        case "ONE": self = .one
        case "QUORUM": self = .quorum
        case "ALL": self = .all
        default:
            guard let n = UInt8(text), n >= 1, n <= ReplicaSet.replicasMax else { return nil }
            self = .count(n)
        }
    }

    @usableFromInline package var description: String {
        switch self {
        case .one: "ONE"
        case .quorum: "QUORUM"
        case .all: "ALL"
        case .count(let n): String(n)
        }
    }
}

/// The read and the write level of a request or a connection; each stands on its own.
@usableFromInline
package struct ConsistencyLevels: Hashable, Sendable {
    @usableFromInline package var read: Consistency
    @usableFromInline package var write: Consistency

    @inlinable package init(read: Consistency, write: Consistency) {
        self.read = read
        self.write = write
    }

    /// QUORUM for both, so that reads see the last acknowledged write.
    package static let standard = ConsistencyLevels(read: .quorum, write: .quorum)
}
