import HengeBase
import HengeRing

/// The thread that gives the disk back what partitions took that the node has forgotten.
///
/// A partition is forgotten by one range delete, which frees nothing: RocksDB does when the delete
/// meets the records in a compaction, and a node that has little written to it has none for weeks.
/// So the tables that have records of such partitions are compacted, a few at a time with rests in
/// between (docs/decisions/0027).
///
/// `@unchecked Sendable`: `thread` is set by `start` before any other call, and read by `join`;
/// everything shared is in `inbox`.
final class Reclaimer: @unchecked Sendable {
    private struct Inbox {
        var ranges: [ClosedRange<Token>] = []
        var isClosing = false
    }

    private enum Work {
        case ranges([ClosedRange<Token>])
        case stop
    }

    /// How many times longer than a compaction the rest after it is.
    private static let restFactor: UInt64 = 3
    private static let restMax = Interval.seconds(60)

    private let inbox = Monitor(Inbox())
    private let database: Database
    private let counters: StorageCounters
    private var thread: WorkerThread?

    init(_ database: Database, counters: StorageCounters) {
        self.database = database
        self.counters = counters
    }

    func start() {
        thread = WorkerThread("henge-reclaim") { self.run() }
    }

    /// The records of these tokens are forgotten and their removal is written out, or being so. Any
    /// one thread.
    func reclaim(_ ranges: [ClosedRange<Token>]) {
        guard !ranges.isEmpty else { return }
        inbox.withLock { $0.ranges.append(contentsOf: ranges) }
        inbox.signal()
    }

    /// Begins nothing more; what is not compacted stays until RocksDB comes by.
    func end() {
        inbox.withLock { $0.isClosing = true }
        inbox.signal()
        database.endCompactions()
    }

    /// Waits for the thread to end, which is sure to once the database is closed.
    func join() {
        thread?.join()
    }

    // MARK: The thread

    private func run() {
        while case .ranges(let ranges) = nextWork() {
            let before = tableBytes
            for tokens in ReclaimPlan.steps(over: database.objectTables(), forgotten: ranges) {
                let start = Instant.monotonicNow()
                database.compactObjects(tokens)
                counters.reclaimCompactions.count()
                guard rest(after: Instant.monotonicNow().since(start)) else { return }
            }
            counters.reclaimedBytes.count(max(0, before - tableBytes))
            counters.reclaims.count()
        }
    }

    private var tableBytes: Int { database.objectTables().reduce(0) { $0 + $1.bytes } }

    private func nextWork() -> Work {
        inbox.wait { inbox in
            if inbox.isClosing { return .stop }
            guard !inbox.ranges.isEmpty else { return nil }
            defer { inbox.ranges = [] }
            return .ranges(inbox.ranges)
        }
    }

    /// - Returns: false when the engine closes.
    private func rest(after taken: Interval) -> Bool {
        let rest = min(Interval(nanoseconds: Self.restFactor * taken.nanoseconds), Self.restMax)
        let isClosing = inbox.wait(until: Instant.monotonicNow() + rest) { inbox in
            inbox.isClosing ? true : nil
        }
        return isClosing == nil
    }
}

/// In which steps tables are compacted after partitions were forgotten.
enum ReclaimPlan {
    /// About what one step reads.
    static let stepBytesMax = 256 << 20

    /// Stretches of tokens, in order and without overlap, that take in every table of the lowest
    /// level, or of any level above it, that has records of a forgotten token.
    ///
    /// They follow the tables of the lowest level, where nearly all records are: to compact a
    /// stretch that ends amid a table would write that table twice.
    static func steps(
        over tables: [Database.Table],
        forgotten: [ClosedRange<Token>],
        stepBytesMax: Int = stepBytesMax
    ) -> [ClosedRange<Token>] {
        let touched = tables.filter { table in forgotten.contains { $0.overlaps(table.tokens) } }
        guard let lowest = touched.map(\.level).max() else { return [] }
        // Tables of level 0 overlap each other, so there they are one step.
        guard lowest > 0 else { return [union(touched.map(\.tokens))] }
        var steps: [(tokens: ClosedRange<Token>, bytes: Int)] = []
        let bottom = touched.filter { $0.level == lowest }
        for table in bottom.sorted(by: { $0.tokens.lowerBound < $1.tokens.lowerBound }) {
            if let last = steps.last, last.bytes + table.bytes <= stepBytesMax {
                let tokens = union([last.tokens, table.tokens])
                steps[steps.count - 1] = (tokens, last.bytes + table.bytes)
            } else {
                steps.append((table.tokens, table.bytes))
            }
        }
        return steps.map(\.tokens)
    }

    private static func union(_ ranges: [ClosedRange<Token>]) -> ClosedRange<Token> {
        ranges.dropFirst().reduce(ranges[0]) {
            min($0.lowerBound, $1.lowerBound)...max($0.upperBound, $1.upperBound)
        }
    }
}
