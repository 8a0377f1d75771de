import HengeBase
import HengeNode
import Hummingbird
import NIOCore

/// `/stats`, of which Riak's clients read the version on each connection.
struct StatsRoutes: HTTPRoutes {
    /// The release of Riak KV whose HTTP API this is.
    private static let riakVersion = "3.2.3"

    func add(to router: HTTPRouter, node: HTTPNode) {
        router.get("/stats") { _, _ in
            let stats = try await node.onLoop(Self.stats)
            var response = Response.text(stats.text, type: "application/json")
            response.headers[.vary] = "Accept, Accept-Encoding"
            return response
        }
    }

    private static func stats(_ driver: NodeDriver) -> JSONValue {
        let ring = driver.ring
        let counters = driver.figures.counters
        let others = ring.allMembers.filter { $0.id != driver.node }
        var members: [JSONValue.Member] = [
            .init("riak_kv_version", .string(riakVersion)),
            .init("henge_version", .string(ServerVersion.henge)),
            .init("nodename", .string(driver.name(of: driver.node))),
            .init("connected_nodes", names(others.filter { driver.shard.isUp($0.id) }.map(\.name))),
            .init("ring_members", names(ring.allMembers.map(\.name))),
            .init("ring_num_partitions", .integer(Int64(ring.document.owners.count))),
            .init("storage_backend", "rocksdb"),
            .init("node_gets_total", .integer(Int64(counters.reads))),
            .init("node_puts_total", .integer(Int64(counters.writes))),
        ]
        members += numbers(counters, "henge_")
        members += numbers(driver.figures.storage.metrics, "henge_storage_")
        return .object(members)
    }

    private static func names(_ names: [String]) -> JSONValue {
        .array(names.map { .string($0) })
    }

    private static func numbers(_ counters: Any, _ prefix: String) -> [JSONValue.Member] {
        StatusReport.numbers(in: counters, prefix: prefix).compactMap { field in
            guard case .integer(let value) = field.value else { return nil }
            return JSONValue.Member(field.name, .integer(value))
        }
    }
}
