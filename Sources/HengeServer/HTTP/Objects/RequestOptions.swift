package import HengeBase
import Hummingbird

/// What the query of a request on an object asks for.
package struct RequestOptions: Sendable {
    package let levels: ConsistencyLevels
    package let isSloppy: Bool
    package let timeout: Interval

    static let timeoutMillisecondsMax: UInt64 = 300_000

    /// What the parameters' defaults are made of.
    package struct Defaults: Sendable {
        package var levels: ConsistencyLevels
        package var properties: BucketProperties
        package var isSloppy: Bool
        package var timeout: Interval
        /// N.
        package var replicas: Int

        package init(
            levels: ConsistencyLevels,
            properties: BucketProperties,
            isSloppy: Bool,
            timeout: Interval,
            replicas: Int
        ) {
            self.levels = levels
            self.properties = properties
            self.isSloppy = isSloppy
            self.timeout = timeout
            self.replicas = replicas
        }
    }

    /// Of a request without a query; nil where the bucket has levels of its own.
    package init?(standard defaults: Defaults) {
        guard defaults.properties.levels.isEmpty else { return nil }
        levels = defaults.levels
        isSloppy = defaults.isSloppy
        timeout = defaults.timeout
    }

    /// Reads `r pr w dw pw rw consistency sloppy timeout`.
    ///
    /// Every replica that Henge counts is one of the key's own (unless the request is sloppy) and
    /// has stored a write durably, so `r` and `pr` differ in nothing, nor do `w`, `dw` and `pw`:
    /// the greatest counts.
    ///
    /// - Parameter query: the value of a parameter; nil when it is not there.
    package init(
        _ defaults: Defaults,
        query: @escaping (String) -> String?
    ) throws(HTTPFailure) {
        let reader = LevelReader(replicas: defaults.replicas, query: query)
        let set = defaults.properties.levels
        if let text = query("consistency") {
            guard let level = Consistency(text) else {
                throw HTTPFailure(
                    .badRequest,
                    "consistency query parameter must be one of 'one', 'quorum' and 'all', "
                        + "or an integer from 1 to 8"
                )
            }
            guard level.required(of: defaults.replicas) <= defaults.replicas else {
                throw .beyondReplicas(defaults.replicas)
            }
            levels = ConsistencyLevels(read: level, write: level)
        } else {
            let read = try reader.level("r", ["pr"], set, else: defaults.levels.read)
            // `rw` is of deletes alone, and the default of the others there: it counts if asked.
            let others = query("rw") == nil ? ["dw", "pw"] : ["dw", "pw", "rw"]
            let write = try reader.level("w", others, set, else: defaults.levels.write)
            levels = ConsistencyLevels(read: read, write: write)
        }
        isSloppy = try Self.sloppy(query) ?? (defaults.isSloppy && !reader.asksForPrimaries(set))
        timeout = try Self.timeout(query) ?? defaults.timeout
    }

    private static func sloppy(_ query: (String) -> String?) throws(HTTPFailure) -> Bool? {
        switch query("sloppy") {
        case nil: return nil
        case "true": return true
        case "false": return false
        default:
            throw HTTPFailure(.badRequest, "sloppy query parameter must be 'true' or 'false'")
        }
    }

    private static func timeout(_ query: (String) -> String?) throws(HTTPFailure) -> Interval? {
        guard let text = query("timeout") else { return nil }
        guard let milliseconds = UInt64(text), milliseconds > 0 else {
            throw HTTPFailure(.badRequest, "Bad timeout value \"\(text.prefix(64))\"")
        }
        return .milliseconds(min(milliseconds, timeoutMillisecondsMax))
    }
}

/// A level as a property or a parameter says it.
package enum LevelWord: Hashable, Sendable {
    case one
    case quorum
    case all
    /// What the bucket or the node is set to.
    case standard
    case count(Int)

    package init?(_ text: some StringProtocol) {
        switch text {
        case "one": self = .one
        case "quorum": self = .quorum
        case "all": self = .all
        case "default": self = .standard
        default:
            guard let count = Int(text), count >= 0 else { return nil }
            self = .count(count)
        }
    }

    /// Nil for the default.
    package func required(of replicas: Int) -> Int? {
        switch self {
        case .one: 1
        case .quorum: replicas / 2 + 1
        case .all: replicas
        case .standard: nil
        case .count(let count): count
        }
    }
}

private struct LevelReader {
    let replicas: Int
    let query: (String) -> String?

    /// What `first` asks for, or else its property or the standard, and no less than what the
    /// others ask for. At least 1: who asks for 0 still gets an answer.
    func level(
        _ first: String,
        _ others: [String],
        _ set: [String: LevelWord],
        else standard: Consistency
    ) throws(HTTPFailure) -> Consistency {
        var greatest = min(standard.required(of: replicas), replicas)
        var isAsked = false
        for name in [first] + others {
            guard let count = try count(name) ?? set[name]?.required(of: replicas) else {
                continue
            }
            guard count <= replicas else { throw .beyondReplicas(replicas) }
            greatest = name == first ? count : max(greatest, count)
            isAsked = true
        }
        return isAsked ? .count(UInt8(clamping: max(1, greatest))) : standard
    }

    private func count(_ name: String) throws(HTTPFailure) -> Int? {
        guard let text = query(name) else { return nil }
        guard let word = LevelWord(text) else {
            throw HTTPFailure(
                .badRequest,
                "\(name) query parameter must be an integer or one of the following words: "
                    + "'one', 'quorum' or 'all'"
            )
        }
        return word.required(of: replicas)
    }

    /// Whether the key's own replicas alone may count.
    func asksForPrimaries(_ set: [String: LevelWord]) -> Bool {
        for name in ["pr", "pw"] {
            let word = query(name).flatMap { LevelWord($0) } ?? set[name]
            if let count = word?.required(of: replicas), count > 0 { return true }
        }
        return false
    }
}

extension HTTPFailure {
    /// Riak's words.
    static func beyondReplicas(_ replicas: Int) -> HTTPFailure {
        HTTPFailure(
            .badRequest,
            "Specified w/dw/pw/node_confirms values invalid for bucket n value of \(replicas)"
        )
    }
}
