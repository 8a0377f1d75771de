internal import HengeBase

/// How many replicas must answer a read or acknowledge a write.
public struct HengeConsistency: Hashable, Sendable, CustomStringConvertible {
    private let level: Consistency
    private let isSloppy: Bool

    private init(_ level: Consistency, isSloppy: Bool = false) {
        self.level = level
        self.isSloppy = isSloppy
    }

    public static let one = HengeConsistency(.one)
    /// A majority, ⌊N/2⌋ + 1: QUORUM reads see what QUORUM writes acknowledged.
    public static let quorum = HengeConsistency(.quorum)
    public static let all = HengeConsistency(.all)

    /// This many replicas.
    ///
    /// - Parameter replicas: 1 to 8; nil comes back for others.
    public static func count(_ replicas: Int) -> HengeConsistency? {
        guard replicas >= 1, replicas <= ReplicaSet.replicasMax else { return nil }
        return HengeConsistency(.count(UInt8(replicas)))
    }

    /// Reads `ONE`, `QUORUM`, `ALL` in any case, or a number from 1 to 8.
    public init?(parsing text: String) {
        guard let level = Consistency(text) else { return nil }
        self.init(level)
    }

    /// The same level, met by fallback replicas that hold a hint, too (Dynamo's sloppy quorum):
    /// more available, but then QUORUM reads may miss the last QUORUM write.
    public var sloppy: HengeConsistency { HengeConsistency(level, isSloppy: true) }

    public var description: String { isSloppy ? "\(level) SLOPPY" : "\(level)" }

    /// The words that end a request.
    var words: [String] {
        isSloppy ? ["CONSISTENCY", "\(level)", "SLOPPY"] : ["CONSISTENCY", "\(level)"]
    }
}
