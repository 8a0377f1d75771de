import HengeBase
import HengeCausality
import HengeMessages
import HengeNode

/// What a request is counted as: its operation and its level.
struct RequestKind: Hashable, Sendable {
    private static let operations = ["read", "write"]
    private static let levels = ["one", "quorum", "all", "number"]
    private static let others = ["inspect", "scan", "count"]
    static let count = operations.count * levels.count + others.count

    let index: Int

    init(_ request: ClientRequest) {
        switch request.operation {
        case .read: index = Self.level(request.levels.read)
        case .write: index = Self.levels.count + Self.level(request.levels.write)
        case .inspect: index = 2 * Self.levels.count
        }
    }

    private init(index: Int) {
        self.index = index
    }

    static let scan = RequestKind(index: 2 * levels.count + 1)
    static let coverageCount = RequestKind(index: 2 * levels.count + 2)
    static let all = (0..<count).map { RequestKind(index: $0) }

    var isRead: Bool { index < Self.levels.count }
    var isWrite: Bool { !isRead && index < Self.operations.count * Self.levels.count }

    private static func level(_ level: Consistency) -> Int {
        switch level {
        case .one: 0
        case .quorum: 1
        case .all: 2
        case .count: 3
        }
    }

    /// The values of the labels `operation` and `level`.
    var labels: [String] {
        let keyed = Self.operations.count * Self.levels.count
        guard index < keyed else { return [Self.others[index - keyed], "none"] }
        let (operation, level) = index.quotientAndRemainder(dividingBy: Self.levels.count)
        return [Self.operations[operation], Self.levels[level]]
    }
}

/// How a request has ended; the raw value is that of the label `outcome`.
enum RequestOutcome: String, CaseIterable {
    case ok
    case notApplied = "not_applied"
    case unavailable
    case timedOut = "timed_out"
    case overloaded
    case storage
    case conflict
    case tooLarge = "too_large"
    case clockDrift = "clock_drift"

    init(_ response: ClientResponse) {
        switch response {
        case .object, .written, .inspected: self = .ok
        case .notApplied: self = .notApplied
        case .failed(let failure): self.init(failure)
        }
    }

    init(_ failure: RequestFailure) {
        self =
            switch failure {
            case .unavailable: .unavailable
            case .timedOut: .timedOut
            case .storage: .storage
            case .overloaded: .overloaded
            case .conflict: .conflict
            case .tooLarge: .tooLarge
            case .clockDrift: .clockDrift
            }
    }

    /// In the order of the cases.
    var index: Int {
        switch self {
        case .ok: 0
        case .notApplied: 1
        case .unavailable: 2
        case .timedOut: 3
        case .overloaded: 4
        case .storage: 5
        case .conflict: 6
        case .tooLarge: 7
        case .clockDrift: 8
        }
    }
}

/// Counts clients' requests as they end. A few nanoseconds each, without an allocation or a lock:
/// it belongs to the driver's event loop.
struct RequestMetrics: Sendable {
    /// By kind, then by outcome.
    private var outcomes = [UInt64](
        repeating: 0,
        count: RequestKind.count * RequestOutcome.allCases.count
    )
    /// By kind.
    private(set) var durations = [LatencyHistogram](
        repeating: LatencyHistogram(),
        count: RequestKind.count
    )
    /// Objects that reads found, by the number of their siblings; the last is for all beyond.
    private(set) var siblings = [UInt64](repeating: 0, count: siblingsMax + 1)
    static let siblingsMax = 100
    /// Refused before the shard saw them.
    private(set) var refusedByAdmission = 0
    private(set) var refusedByStorage = 0
    private(set) var refusedForPeers = 0

    var refused: Int { refusedByAdmission + refusedByStorage + refusedForPeers }

    /// A request that was taken on has its answer.
    mutating func ended(_ kind: RequestKind, _ reply: ShardReply, after delay: Interval) {
        switch reply {
        case .response(let response), .explained(let response, _):
            ended(kind, response, after: delay)
        case .page, .count:
            count(kind, .ok)
            durations[kind.index].record(delay)
        }
    }

    mutating func ended(_ kind: RequestKind, _ response: ClientResponse, after delay: Interval) {
        count(kind, RequestOutcome(response))
        durations[kind.index].record(delay)
        if kind.isRead, case .object(let object?) = response { count(object) }
    }

    /// A read that was answered at once, without being taken on.
    mutating func ended(_ kind: RequestKind, found object: EncodedObject) {
        count(kind, .ok)
        durations[kind.index].record(.zero)
        count(object)
    }

    private mutating func count(_ object: EncodedObject) {
        siblings[min(object.siblingCount, Self.siblingsMax)] += 1
    }

    mutating func admissionRefused(_ kind: RequestKind) {
        refusedByAdmission += 1
        count(kind, .overloaded)
    }

    mutating func storageRefused(_ kind: RequestKind) {
        refusedByStorage += 1
        count(kind, .overloaded)
    }

    mutating func peersRefused(_ kind: RequestKind) {
        refusedForPeers += 1
        count(kind, .overloaded)
    }

    private mutating func count(_ kind: RequestKind, _ outcome: RequestOutcome) {
        outcomes[kind.index * RequestOutcome.allCases.count + outcome.index] += 1
    }

    func count(of kind: RequestKind, _ outcome: RequestOutcome) -> UInt64 {
        outcomes[kind.index * RequestOutcome.allCases.count + outcome.index]
    }
}

extension RequestMetrics: ShardFigure {
    mutating func merge(_ other: RequestMetrics) {
        for place in outcomes.indices { outcomes[place] += other.outcomes[place] }
        for place in durations.indices { durations[place].add(other.durations[place]) }
        for place in siblings.indices { siblings[place] += other.siblings[place] }
        refusedByAdmission += other.refusedByAdmission
        refusedByStorage += other.refusedByStorage
        refusedForPeers += other.refusedForPeers
    }
}
