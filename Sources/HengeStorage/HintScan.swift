import HengeBase
import HengeMessages

/// Collects one page of a node's hints.
struct HintScan {
    /// Bytes of hints above which a page ends, so that long keys don't fill the memory.
    private static let bytesMax = 1 << 20

    private let target: NodeID
    private let after: UInt64
    private let limit: Int
    private var hints: [Hint] = []
    private var bytes = 0
    /// Hints that were passed over since they can't be read.
    private(set) var rottenCount = 0

    init(_ target: NodeID, after: UInt64, limit: Int) {
        self.target = target
        self.after = after
        self.limit = limit
    }

    /// A hint that can't be trusted is passed over, or those behind it would never be delivered;
    /// what it stood for is left to the repair of replicas.
    mutating func run(on database: Database) -> Result<[Hint], EngineError> {
        let (first, isPastEnd) = after.addingReportingOverflow(1)
        guard !isPastEnd else { return .success([]) }
        let failure = database.withIterator(over: .hints, through: HintForm.walkEnd(target)) {
            iterator -> EngineError? in
            iterator.seek(hintsOf: target, from: first)
            while hints.count < limit, bytes < Self.bytesMax {
                guard iterator.withRecord({ take($0, $1) }) != nil else { return iterator.failure }
                iterator.next()
            }
            return nil
        }
        guard let failure else { return .failure(Database.closed) }
        return failure.map { .failure($0) } ?? .success(hints)
    }

    private mutating func take(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard case .hint(target, let sequence)? = HintForm.key(key),
            let hint = HintForm.hint(target, sequence, key: key, value: value)
        else {
            rottenCount += 1
            return
        }
        hints.append(hint)
        bytes += hint.byteCount
    }
}
