import HengeBase
import HengeCausality
import HengeMessages
import NIOConcurrencyHelpers
import NIOCore

/// The buckets' properties, of all nodes: records of a bucket of their own, with all that this
/// means (replicas, repair, durability).
///
/// A node keeps what it read for a short while, so a change reaches the other nodes within
/// ``ageMax``. When they can't be read, what was known last counts, or the defaults: an object that
/// can be read must not fail for its bucket's properties.
package final class BucketCatalog: Sendable {
    /// The bucket that holds them, by the names of the others. No text that a person types.
    package static let bucketName = "\u{0}henge.properties"

    static let bucket = ByteBuffer(string: bucketName)

    private static let ageMax = Interval.seconds(2)
    private static let knownMax = 10_000
    private static let timeoutMax = Interval.milliseconds(500)

    private struct Entry {
        var properties: BucketProperties
        var readAt: Instant
    }

    private let node: HTTPNode
    private let known = NIOLockedValueBox<[ByteBuffer: Entry]>([:])

    init(node: HTTPNode) {
        self.node = node
    }

    /// Those of a bucket, maybe of a moment ago.
    func properties(of bucket: ByteBuffer) async throws -> BucketProperties {
        let now = SystemClock.now()
        let entry = known.withLockedValue { $0[bucket] }
        if let entry, now.since(entry.readAt) < Self.ageMax { return entry.properties }
        let found: BucketProperties
        do {
            found = try await read(bucket, timeout: Self.timeoutMax)
        } catch {
            found = entry?.properties ?? BucketProperties()
        }
        keep(found, of: bucket)
        return found
    }

    /// Those of a bucket, as of now.
    func current(of bucket: ByteBuffer) async throws -> BucketProperties {
        try await read(bucket, timeout: node.settings.requestTimeout)
    }

    /// - Parameter properties: nil to have the defaults again.
    func set(_ properties: BucketProperties?, of bucket: ByteBuffer) async throws {
        let content: Mutation.Content =
            properties.map { .value(ByteBuffer(string: $0.stored.text)) } ?? .tombstone
        let response = try await node.submit(
            request(bucket, .write(Mutation(content: content)), node.settings.requestTimeout)
        )
        if case .failed(let failure) = response { throw HTTPFailure(failure, isWrite: true) }
        keep(properties ?? BucketProperties(), of: bucket)
    }

    private func keep(_ properties: BucketProperties, of bucket: ByteBuffer) {
        let entry = Entry(properties: properties, readAt: SystemClock.now())
        known.withLockedValue { known in
            // Whoever asks for so many buckets reads them again.
            if known.count >= Self.knownMax { known.removeAll() }
            known[bucket] = entry
        }
    }

    private func read(_ bucket: ByteBuffer, timeout: Interval) async throws -> BucketProperties {
        let response = try await node.submit(request(bucket, .read, timeout))
        switch response {
        case .object(let object):
            guard let newest = object?.newestLive(at: SystemClock.wall()),
                let stored = JSONValue(parsing: newest.value.readableBytesView)
            else { return BucketProperties() }
            return BucketProperties(stored: stored, replicas: node.replicas)
        case .failed(let failure): throw HTTPFailure(failure, isWrite: false)
        case .written, .notApplied, .inspected: throw HTTPFailure.mismatch
        }
    }

    private func request(
        _ bucket: ByteBuffer,
        _ operation: ClientRequest.Operation,
        _ timeout: Interval
    ) -> ClientRequest {
        ClientRequest(
            key: StoredKey(bucket: Self.bucket, key: bucket),
            operation: operation,
            levels: .standard,
            timeout: timeout
        )
    }
}

extension HTTPFailure {
    /// An answer of another kind than was asked for can only come from a faulty node that the
    /// request was handed on to.
    static let mismatch = HTTPFailure(
        .badGateway, "another node gave an answer that does not fit the request")
}
