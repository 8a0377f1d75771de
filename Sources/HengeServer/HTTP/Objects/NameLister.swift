import HengeBase
import HengeMessages
import HengeRing
import NIOConcurrencyHelpers
import NIOCore

/// The names of a listing, page by page: the keys of a bucket, or the buckets.
///
/// Both read all keys of the cluster, as SCAN does. A page is in memory at a time; of buckets also
/// the names that were told, so that each is told once.
struct NameLister {
    enum Kind: Sendable {
        case keys(of: ByteBuffer)
        case buckets
    }

    private static let pageKeys = 1024
    /// Buckets of one listing.
    private static let bucketsMax = 100_000

    let kind: Kind
    private let node: HTTPNode
    private let deadline: Instant?
    private var next: Token? = .min
    private var told: Set<ByteBuffer> = []

    /// - Parameter timeout: of the whole listing; nil for as long as it takes.
    init(_ kind: Kind, node: HTTPNode, timeout: Interval?) {
        self.kind = kind
        self.node = node
        deadline = timeout.map { SystemClock.now() + $0 }
    }

    /// What Riak calls the names.
    var label: String {
        switch kind {
        case .keys: "keys"
        case .buckets: "buckets"
        }
    }

    /// The next names, maybe none; nil after the last.
    mutating func page() async throws -> [ByteBuffer]? {
        guard let from = next else { return nil }
        if let deadline, SystemClock.now() >= deadline {
            throw HTTPFailure(.gatewayTimeout, "timeout")
        }
        var bucket: ByteBuffer?
        if case .keys(let name) = kind { bucket = name }
        let page = try await node.scan(
            ScanRange(
                from: from,
                through: .max,
                bucket: bucket,
                limit: Self.pageKeys,
                examinedMax: CoverageJob.examinedMax,
                wall: SystemClock.wall()
            )
        )
        next = page.next
        switch kind {
        case .keys: return page.keys.map(\.key)
        case .buckets: return try newBuckets(page.keys)
        }
    }

    private mutating func newBuckets(_ keys: [StoredKey]) throws -> [ByteBuffer] {
        var new: [ByteBuffer] = []
        for key in keys where told.insert(key.bucket).inserted {
            guard told.count <= Self.bucketsMax else {
                throw HTTPFailure.busy("more than \(Self.bucketsMax) buckets can't be listed")
            }
            if key.bucket != BucketCatalog.bucket { new.append(key.bucket) }
        }
        return new
    }
}

/// How many listings run at a time: each has the whole cluster read.
final class ListingLimit: Sendable {
    private static let runningMax = 8

    private let running = NIOLockedValueBox(0)

    /// Ends its place when it goes.
    final class Place: Sendable {
        private let limit: ListingLimit

        fileprivate init(_ limit: ListingLimit) { self.limit = limit }

        deinit { limit.running.withLockedValue { $0 -= 1 } }
    }

    func take() throws(HTTPFailure) -> Place {
        let isFree = running.withLockedValue { running in
            guard running < Self.runningMax else { return false }
            running += 1
            return true
        }
        guard isFree else { throw .busy("\(Self.runningMax) listings are running already") }
        return Place(self)
    }
}
