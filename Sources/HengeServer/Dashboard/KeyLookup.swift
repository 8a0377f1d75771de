import HengeBase
import HengeCausality
import HengeMessages
import HengeRESP
import HengeRing
import Hummingbird
import NIOCore

/// `GET /dashboard/key?bucket=…&key=…`: where a key lies, and which versions of it each replica
/// holds. The answer has the fields of `henge inspect --json`, and the versions of each replica.
struct KeyLookup {
    /// Versions of a replica that are listed, and bytes of a value that are shown.
    private static let versionsMax = 20
    private static let bytesShown = 256

    private let node: HTTPNode

    init(_ node: HTTPNode) {
        self.node = node
    }

    func response(to request: Request) async throws -> Response {
        let key = try Self.key(request.uri.query ?? "")
        let settings = node.settings
        let inspection = ClientRequest(
            key: key,
            operation: .inspect,
            levels: settings.levels,
            timeout: settings.requestTimeout
        )
        switch try await node.submit(inspection) {
        case .inspected(let reports):
            let wall = SystemClock.wall()
            let tree = try await node.onLoop { driver in
                Self.tree(key, reports, driver.ring, wall)
            }
            var response = Response.text(JSONValue(tree).text, type: "application/json")
            response.headers[.cacheControl] = "no-store"
            return response
        case .failed(let failure): throw HTTPFailure(failure, isWrite: false)
        case .object, .written, .notApplied: throw HTTPFailure.mismatch
        }
    }

    /// - Parameter query: percent-encoded, since keys and buckets may be any bytes.
    private static func key(_ query: String) throws(HTTPFailure) -> StoredKey {
        var bucket = Array("default".utf8)
        var key: [UInt8]?
        for part in query.split(separator: "&") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, let bytes = PercentCoding.decode(sides[1].utf8) else {
                throw HTTPFailure(.badRequest, "the query is not of the form bucket=…&key=…")
            }
            switch sides[0] {
            case "bucket": bucket = bytes
            case "key": key = bytes
            default: break
            }
        }
        guard let key, (1...StoredKey.keyLengthMax).contains(key.count) else {
            throw HTTPFailure(.badRequest, "a key has 1 to \(StoredKey.keyLengthMax) bytes")
        }
        guard (1...StoredKey.bucketLengthMax).contains(bucket.count) else {
            throw HTTPFailure(.badRequest, "a bucket's name has 1 to 255 bytes")
        }
        return StoredKey(bucket: ByteBuffer(bytes: bucket), key: ByteBuffer(bytes: key))
    }

    private static func tree(
        _ key: StoredKey,
        _ reports: [ReplicaReport],
        _ ring: Ring,
        _ wall: WallTime
    ) -> ReplyTree {
        let inspection = InspectionReport(key: key, reports: reports, ring: ring).tree(wall: wall)
        guard case .map(var fields) = inspection else { return inspection }
        fields.append(
            ReplyTree.Field(
                name: "versions",
                value: .array(reports.map { versions($0, ring, wall) })
            )
        )
        return .map(fields)
    }

    /// Of one replica, in the order of the reports.
    private static func versions(
        _ report: ReplicaReport,
        _ ring: Ring,
        _ wall: WallTime
    ) -> ReplyTree {
        guard case .present(let object) = report.state else { return .array([]) }
        let siblings = object.decoded().siblings.sorted { $1.timestamp < $0.timestamp }
        return .array(siblings.prefix(versionsMax).map { version($0, ring, wall) })
    }

    private static func version(
        _ sibling: Sibling,
        _ ring: Ring,
        _ wall: WallTime
    ) -> ReplyTree {
        var state = "expired"
        var value: ByteBuffer?
        if case .tombstone = sibling.payload {
            state = "tombstone"
        } else if let live = sibling.value(at: wall) {
            state = "value"
            value = live
        }
        let id = sibling.dot.actor.node
        let expiry = sibling.expiry.map { ReplyTree.integer(Int64(clamping: $0.milliseconds)) }
        return .map([
            "state": .text(state),
            "dot": .text(sibling.dot.description),
            "coordinator": .text(ring.member(id)?.name ?? id.description),
            "time_ms": .integer(Int64(clamping: sibling.timestamp.wall.milliseconds)),
            "expiry_ms": expiry ?? .null,
            "bytes": .integer(value?.readableBytes ?? 0),
            "type": value.map { _ in
                .text(ObjectMetadata(stored: sibling.metadata).contentType)
            } ?? .null,
            "value": value.map { .text(shown($0)) } ?? .null,
        ])
    }

    /// The beginning of a value as text, with U+FFFD for what is none.
    private static func shown(_ value: ByteBuffer) -> String {
        let view = value.readableBytesView.prefix(bytesShown)
        return String(decoding: view, as: UTF8.self) + (view.count < value.readableBytes ? "…" : "")
    }
}
