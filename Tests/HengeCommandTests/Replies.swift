import HengeClient
import NIOCore

/// Replies as a node gives them over RESP3: names and texts as bytes.
extension HengeReply {
    static func bulk(_ text: String) -> HengeReply { .bytes(ByteBuffer(string: text)) }

    static func fields(_ fields: (String, HengeReply)...) -> HengeReply {
        .map(fields.map { Entry(key: .bulk($0.0), value: $0.1) })
    }

    /// `HENGE.RING` of a ring whose nodes n1… own the positions that `owners` says.
    static func ring(nodes: Int, owners: [Int], states: [String] = []) -> HengeReply {
        .fields(
            ("cluster", .bulk("00c0ffee00c0ffee")), ("epoch", .integer(1)),
            ("partitions", .integer(Int64(owners.count))), ("replicas", .integer(3)),
            (
                "nodes",
                .array((0..<nodes).map { node(owners, $0, $0 < states.count ? states[$0] : "up") })
            ),
            ("owners", .array(owners.map { .bulk("n\($0 + 1)") })), ("transition", .null)
        )
    }

    private static func node(_ owners: [Int], _ index: Int, _ state: String) -> HengeReply {
        let vnodes = owners.count { $0 == index }
        return .fields(
            ("name", .bulk("n\(index + 1)")), ("id", .integer(Int64(index + 1))),
            ("state", .bulk(state)), ("zone", .bulk("")), ("weight", .integer(1)),
            ("vnodes", .integer(Int64(vnodes))),
            ("share", .double(Double(vnodes) / Double(owners.count))),
            ("resp", .bulk("127.0.0.1:\(6401 + index)")), ("http", .bulk("")),
            ("peer", .bulk("127.0.0.1:\(7401 + index)"))
        )
    }

    /// One replica in the reply to `HENGE.INSPECT`.
    static func replica(_ node: String, _ state: String, digest: String?) -> HengeReply {
        .fields(
            ("node", .bulk(node)), ("state", .bulk(state)),
            ("context", digest == nil ? .null : .bulk("opaque")),
            ("siblings", .integer(digest == nil ? 0 : 1)), ("tombstone", .boolean(false)),
            ("digest", digest.map { .bulk($0) } ?? .null)
        )
    }

    static func inspection(_ replicas: [HengeReply]) -> HengeReply {
        .fields(
            ("bucket", .bulk("default")), ("key", .bulk("greeting")),
            ("token", .bulk("9c3f00000000abcd")), ("slot", .integer(9999)),
            ("partition", .integer(624)),
            ("preference_list", .array([.bulk("n2"), .bulk("n1"), .bulk("n3")])),
            ("replicas", .array(replicas))
        )
    }
}
