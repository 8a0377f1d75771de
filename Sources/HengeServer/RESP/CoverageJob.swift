import HengeBase
import HengeMessages
import HengeRESP
import HengeRing
import NIOCore

/// A command over the whole cluster, carried out page by page: SCAN, RANDOMKEY, FLUSHALL, DBSIZE
/// and `CLUSTER COUNTKEYSINSLOT`.
///
/// Confined to the event loop of its session.
final class CoverageJob {
    enum Purpose {
        case count
        case scan(GlobPattern?)
        case random
        /// Delete what is found.
        case flush
        case countRange
    }

    /// What to do next.
    enum Step {
        case page(ScanRange)
        case delete(StoredKey)
        /// Requests are in flight.
        case wait
        case reply
    }

    /// Keys asked for at a time by jobs that choose for themselves.
    static let pageKeys = 256
    /// Records looked at for one page.
    static let examinedMax = 16_384
    /// Pages of one SCAN, since partitions of different nodes need a page each: it may come back
    /// with fewer keys than asked for, as Redis's does.
    static let pagesMax = 64
    /// The most keys that one SCAN gathers, whatever its COUNT.
    static let scanKeysMax = 10_000
    private static let deletesMax = 256

    let purpose: Purpose
    let bucket: ByteBuffer?
    /// Set while ``advance()`` is being acted on.
    var isAdvancing = false
    private let last: Token
    private let limit: Int
    private let wall: WallTime
    /// Where the next page begins; nil when there is none.
    private var next: Token?
    private var pages = 0
    private var examined = 0
    private var isPaging = false
    private var deletesInFlight = 0
    private var hasWrapped = false
    /// Keys found and not yet dealt with.
    private var keys: [StoredKey] = []
    private var tally = 0
    private var failure: RequestFailure?

    /// - Parameters:
    ///   - limit: keys to gather, at least 1.
    ///   - wall: keys that have expired by then are left out.
    init(
        _ purpose: Purpose,
        bucket: ByteBuffer?,
        from first: Token = .min,
        through last: Token = .max,
        limit: Int = CoverageJob.pageKeys,
        wall: WallTime
    ) {
        self.purpose = purpose
        self.bucket = bucket
        self.last = last
        self.limit = min(max(1, limit), Self.scanKeysMax)
        self.wall = wall
        next = first
    }

    /// Decides what comes next; the caller does it and, unless it waits or replies, asks again.
    func advance() -> Step {
        if isPaging { return .wait }
        if failure != nil { return deletesInFlight > 0 ? .wait : .reply }
        switch purpose {
        case .count: return .reply
        case .scan:
            guard examined < limit, pages < Self.pagesMax else { return .reply }
            return page(limit - examined)
        case .random:
            guard keys.isEmpty else { return .reply }
            return page(Self.pageKeys)
        case .countRange:
            return page(Self.pageKeys)
        case .flush:
            if deletesInFlight >= Self.deletesMax { return .wait }
            if let key = keys.popLast() {
                deletesInFlight += 1
                return .delete(key)
            }
            return deletesInFlight > 0 ? .wait : page(Self.pageKeys)
        }
    }

    private func page(_ keys: Int) -> Step {
        if next == nil, case .random = purpose, !hasWrapped {
            hasWrapped = true
            next = .min
        }
        guard let from = next else { return .reply }
        isPaging = true
        pages += 1
        return .page(
            ScanRange(
                from: from,
                through: last,
                bucket: bucket,
                limit: keys,
                examinedMax: Self.examinedMax,
                wall: wall
            )
        )
    }

    func took(_ page: ScanPage) {
        isPaging = false
        next = page.next
        examined += page.keys.count
        switch purpose {
        case .scan(let pattern?): keys += page.keys.filter { pattern.matches($0.key) }
        case .scan(nil), .random, .flush: keys += page.keys
        case .countRange: tally += page.keys.count
        case .count: break
        }
    }

    func took(count: Int) {
        tally = count
    }

    func deleted(_ response: ClientResponse) {
        deletesInFlight -= 1
        if case .failed(let failure) = response { failed(failure) }
        if case .written = response { tally += 1 }
    }

    func failed(_ failure: RequestFailure) {
        isPaging = false
        if self.failure == nil { self.failure = failure }
    }

    /// Writes the reply; `advance` must have asked for it.
    func write(_ writer: RESPWriter, into out: inout ByteBuffer) {
        if let failure {
            guard case .flush = purpose else {
                return writer.error(failure.readMessage, into: &out)
            }
            return writer.error("\(failure.message) (\(tally) keys were deleted)", into: &out)
        }
        switch purpose {
        case .count, .countRange: writer.integer(tally, into: &out)
        case .flush: writer.ok(into: &out)
        case .random:
            if let key = keys.randomElement() {
                writer.bulk(key.key, into: &out)
            } else {
                writer.null(into: &out)
            }
        case .scan:
            writer.arrayHeader(2, into: &out)
            writer.bulk(String(next?.rawValue ?? 0), into: &out)
            writer.arrayHeader(keys.count, into: &out)
            for key in keys { writer.bulk(key.key, into: &out) }
        }
    }
}
