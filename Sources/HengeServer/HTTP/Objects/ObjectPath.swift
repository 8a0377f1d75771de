import HTTPTypes
import HengeMessages
package import NIOCore

/// What a path under `/buckets` or `/types` names, as in Riak's HTTP API.
package enum ObjectPath: Hashable, Sendable {
    /// `/buckets`
    case buckets
    /// `/types/default/props`
    case typeProperties
    /// `/buckets/B/props`
    case bucketProperties(ByteBuffer)
    /// `/buckets/B/keys`
    case keys(ByteBuffer)
    /// `/buckets/B/keys/K`
    case object(bucket: ByteBuffer, key: ByteBuffer)

    /// - Parameter path: as it came, its segments still encoded.
    package init(_ path: some StringProtocol) throws(HTTPFailure) {
        var segments: [[UInt8]] = []
        // By bytes: splitting by characters would look for the borders of graphemes.
        let slash = UInt8(ascii: "/")
        let parts = path.utf8.split(separator: slash, omittingEmptySubsequences: false)
        for part in parts.dropFirst() {
            guard let bytes = PercentCoding.decode(part) else {
                throw HTTPFailure(.badRequest, "the path has a % without two hexadecimal digits")
            }
            segments.append(bytes)
        }
        if segments.last?.isEmpty ?? false { segments.removeLast() }
        switch segments.first {
        case Word.types: self = try Self.typed(segments.dropFirst())
        case Word.buckets: self = try Self.untyped(segments.dropFirst())
        default: throw Self.notFound
        }
    }

    /// Whether a path leads to one object, by a glance: what it is made of is not checked.
    static func isObject(_ path: String) -> Bool {
        var path = path
        return path.withUTF8 { bytes in
            guard bytes.starts(with: Prefix.buckets) else { return false }
            let name = bytes.dropFirst(Prefix.buckets.count)
            guard let slash = name.firstIndex(of: UInt8(ascii: "/")) else { return false }
            let rest = name[slash...]
            guard rest.starts(with: Prefix.keys) else { return false }
            return rest.dropFirst(Prefix.keys.count).first.map { $0 != UInt8(ascii: "?") } ?? false
        }
    }

    private enum Prefix {
        static let buckets = Array("/buckets/".utf8)
        static let keys = Array("/keys/".utf8)
    }

    /// What segments are compared with.
    private enum Word {
        static let types = Array("types".utf8)
        static let defaultType = Array("default".utf8)
        static let buckets = Array("buckets".utf8)
        static let props = Array("props".utf8)
        static let keys = Array("keys".utf8)
        static let index = Array("index".utf8)
        static let dataTypes = ["counters", "datatypes", "crdts"].map { Array($0.utf8) }
        static let catalog = Array(BucketCatalog.bucketName.utf8)
    }

    private static let notFound = HTTPFailure(.notFound, "there is nothing here")

    private static func typed(_ segments: ArraySlice<[UInt8]>) throws(HTTPFailure) -> ObjectPath {
        guard let type = segments.first else { throw notFound }
        guard type == Word.defaultType else {
            let name = String(decoding: type.prefix(64), as: UTF8.self)
            throw HTTPFailure(.notFound, "Unknown bucket type: \(name)")
        }
        let rest = segments.dropFirst()
        switch rest.first {
        case Word.props where rest.count == 1: return .typeProperties
        case Word.buckets: return try untyped(rest.dropFirst())
        default: throw notFound
        }
    }

    private static func untyped(
        _ segments: ArraySlice<[UInt8]>
    ) throws(HTTPFailure) -> ObjectPath {
        guard let bucket = segments.first else { return .buckets }
        guard (1...StoredKey.bucketLengthMax).contains(bucket.count) else {
            throw HTTPFailure(.badRequest, "a bucket's name has 1 to 255 bytes")
        }
        guard bucket != Word.catalog else {
            throw HTTPFailure(.forbidden, "this bucket holds the properties of the others")
        }
        let rest = segments.dropFirst()
        let name = ByteBuffer(bytes: bucket)
        switch rest.first {
        case Word.props where rest.count == 1: return .bucketProperties(name)
        case Word.keys where rest.count == 1: return .keys(name)
        case Word.keys: return try object(name, rest.dropFirst())
        case Word.index: throw .missing("secondary indexes")
        case let other? where Word.dataTypes.contains(other): throw .missing("data types")
        default: throw notFound
        }
    }

    private static func object(
        _ bucket: ByteBuffer,
        _ segments: ArraySlice<[UInt8]>
    ) throws(HTTPFailure) -> ObjectPath {
        guard let key = segments.first, segments.count == 1 else {
            let comma = UInt8(ascii: ",")
            let isWalk = segments.dropFirst().allSatisfy { $0.count(where: { $0 == comma }) == 2 }
            if isWalk { throw .missing("link walking") }
            // Riak's words, for a key with a slash that was not encoded, too.
            throw HTTPFailure(
                .badRequest,
                "Invalid link walk query submitted. Valid link walk query format is: "
                    + "/riak/some_bucket/some_key/<bucket>,<riaktag>,0|1/..."
            )
        }
        guard (1...StoredKey.keyLengthMax).contains(key.count) else {
            throw HTTPFailure(
                .badRequest, "a key has 1 to \(StoredKey.keyLengthMax) bytes over HTTP")
        }
        return .object(bucket: bucket, key: ByteBuffer(bytes: key))
    }
}

extension HTTPFailure {
    /// What Riak has and Henge does not.
    static func missing(_ what: String) -> HTTPFailure {
        HTTPFailure(.notImplemented, "Henge has no \(what)")
    }
}
