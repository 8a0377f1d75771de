package import HengeBase

/// What a bucket is set to over HTTP, as in Riak's bucket properties.
package struct BucketProperties: Hashable, Sendable {
    /// Nil when it was not set: then concurrent writes are kept as siblings, as everywhere in
    /// Henge.
    package var allowMult: Bool?
    /// `r pr w dw pw rw`, those that were set.
    package var levels: [String: LevelWord] = [:]

    package static let levelNames = ["r", "pr", "w", "dw", "pw", "rw"]

    package init() {}

    /// Whether a reader gets all siblings, and a write without a vclock leaves them.
    package var keepsSiblings: Bool { allowMult ?? true }

    // MARK: JSON

    /// All properties as Riak names them, in its order.
    ///
    /// - Parameter name: the bucket's; nil for those of the type `default`.
    package func document(
        name: JSONValue?,
        replicas: Int,
        levels standard: ConsistencyLevels
    ) -> JSONValue {
        var members: [JSONValue.Member] = []
        if let name { members.append(JSONValue.Member("name", name)) }
        for (name, value) in Self.template {
            let shown: JSONValue
            switch name {
            case "allow_mult": shown = .bool(keepsSiblings)
            case "n_val": shown = .integer(Int64(replicas))
            case "r": shown = level(name, standard.read)
            case "w", "dw", "rw": shown = level(name, standard.write)
            case "pr", "pw": shown = level(name, nil)
            default: shown = value
            }
            members.append(JSONValue.Member(name, shown))
        }
        return ["props": .object(members)]
    }

    /// Riak's properties; those that Henge does not let be set have the values that describe it.
    private static let template: KeyValuePairs<String, JSONValue> = [
        "allow_mult": true, "basic_quorum": false, "big_vclock": 50,
        "chash_keyfun": ["mod": "riak_core_util", "fun": "chash_std_keyfun"],
        "dvv_enabled": true, "dw": "quorum", "last_write_wins": false,
        "linkfun": ["mod": "riak_kv_wm_link_walker", "fun": "mapreduce_linkfun"],
        "n_val": 3, "node_confirms": 0, "notfound_ok": true, "old_vclock": 86400,
        "postcommit": [], "pr": 0, "precommit": [], "pw": 0, "r": "quorum", "rw": "quorum",
        "small_vclock": 50, "sync_on_write": "backend", "w": "quorum", "write_once": false,
        "young_vclock": 20,
    ]

    private func level(_ name: String, _ standard: Consistency?) -> JSONValue {
        switch levels[name] {
        case .one: "one"
        case .quorum: "quorum"
        case .all: "all"
        case .count(let count): .integer(Int64(count))
        case .standard, nil:
            switch standard {
            case .one: "one"
            case .quorum: "quorum"
            case .all: "all"
            case .count(let count): .integer(Int64(count))
            case nil: 0
            }
        }
    }

    /// Takes over what a client sets.
    ///
    /// A property that has no effect here may be set to what it is anyway; anything else is
    /// refused, so that nobody relies on what is not there.
    package mutating func set(
        _ properties: JSONValue,
        replicas: Int
    ) throws(HTTPFailure) {
        guard case .object(let members) = properties else {
            throw HTTPFailure(.badRequest, "props must be an object")
        }
        for member in members { try set(member.name, member.value, replicas) }
    }

    private mutating func set(
        _ name: String,
        _ value: JSONValue,
        _ replicas: Int
    ) throws(HTTPFailure) {
        if name == "allow_mult" {
            guard case .bool(let flag) = value else {
                throw HTTPFailure(.badRequest, "allow_mult must be true or false")
            }
            allowMult = flag
        } else if Self.levelNames.contains(name) {
            let word = try Self.word(name, value, replicas)
            levels[name] = word == .standard ? nil : word
        } else if name != "name" {
            let known = Self.template.first { $0.key == name }?.value
            let fixed = name == "n_val" ? .integer(Int64(replicas)) : known
            guard value == fixed || Self.isSame(value, fixed) else {
                let shown = fixed?.text ?? "not a property that Henge has"
                throw HTTPFailure(
                    .badRequest, "\(name.prefix(64)) can't be set: it is \(shown)")
            }
        }
    }

    /// Objects may have their members in any order.
    private static func isSame(_ a: JSONValue, _ b: JSONValue?) -> Bool {
        guard case .object(let first) = a, case .object(let second)? = b else { return false }
        return Set(first) == Set(second)
    }

    private static func word(
        _ name: String,
        _ value: JSONValue,
        _ replicas: Int
    ) throws(HTTPFailure) -> LevelWord {
        let word: LevelWord?
        switch value {
        case .string(let text): word = LevelWord(text)
        case .integer(let count): word = count >= 0 ? .count(Int(clamping: count)) : nil
        default: word = nil
        }
        guard let word, word.required(of: replicas) ?? 0 <= replicas else {
            throw HTTPFailure(
                .badRequest,
                "\(name) must be an integer from 0 to \(replicas) or 'one', 'quorum' or 'all'"
            )
        }
        return word
    }

    // MARK: Stored form

    /// What was set, as a JSON object.
    package var stored: JSONValue {
        var members: [JSONValue.Member] = []
        if let allowMult { members.append(JSONValue.Member("allow_mult", .bool(allowMult))) }
        for name in Self.levelNames where levels[name] != nil {
            members.append(JSONValue.Member(name, level(name, nil)))
        }
        return .object(members)
    }

    /// - Parameter stored: what ``stored`` was; what is not understood counts as not set.
    package init(stored: JSONValue, replicas: Int) {
        guard case .object(let members) = stored else { return }
        for member in members { try? set(member.name, member.value, replicas) }
    }
}
