import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import NIOCore

/// What a node is doing, what the replicas of a key hold, and the work that an operator can hold up
/// or hurry on.
extension AdminEndpoint {
    static let upkeep: [AdminEndpoint] = [
        AdminEndpoint(
            method: .get,
            path: "/status",
            name: "NodeStatus",
            summary: "What this node is doing, and all that it has counted.",
            reply: .record([
                "node": .text, "cluster": .text, "version": .text, "epoch": .count,
                "state": .text, "uptime_ms": .count, "keys": .count, "bytes": .count,
            ]),
            run: { _, node in
                try await node.onLoop { driver in
                    guard let hub = driver.hub else {
                        throw HTTPFailure.busy("the node stops; ask another one")
                    }
                    return StatusReport(hub).tree
                }
            }
        ),
        AdminEndpoint(
            method: .get,
            path: "/inspect",
            name: "KeyInspection",
            summary: "What each replica of a key holds.",
            parameters: [
                Parameter(
                    name: "bucket",
                    summary: "default unless it is said.",
                    schema: ["type": "string", "minLength": 1, "maxLength": .integer(bucketMax)]
                ),
                Parameter(name: "key", summary: "The key.", schema: key, isRequired: true),
            ],
            reply: .record([
                "token": .text, "slot": .count, "partition": .count,
                "preference_list": .list(.text), "replicas": .list(.anything),
            ]),
            asksOthers: true,
            run: inspect
        ),
        AdminEndpoint(
            method: .post,
            path: "/hints/pause",
            name: "PauseHints",
            summary: "Holds this node's hints back; they are kept, and new ones added.",
            body: nothing,
            reply: hints,
            run: { try await hints(.pause, $0, $1) }
        ),
        AdminEndpoint(
            method: .post,
            path: "/hints/resume",
            name: "ResumeHints",
            summary: "Delivers this node's hints again.",
            body: nothing,
            reply: hints,
            run: { try await hints(.resume, $0, $1) }
        ),
        AdminEndpoint(
            method: .post,
            path: "/hints/drop",
            name: "DropHints",
            summary: "Throws this node's hints away, for one node or all; repair them after.",
            body: .record(["node": .text], required: []),
            reply: hints,
            mayConflict: true,
            run: { request, node in
                try request.allow("node")
                let name = try request.optionalText("node")
                try await node.onLoop { driver in
                    var target: NodeID?
                    if let name {
                        guard let member = driver.ring.member(named: name) else {
                            throw AdminFailure(.conflict, "no member is called '\(name)'")
                        }
                        target = member.id
                    }
                    driver.stepShards(.hints(.drop(target)))
                }
                return try await node.onLoop { HintsReport($0).tree }
            }
        ),
        AdminEndpoint(
            method: .post,
            path: "/repair",
            name: "RepairNow",
            summary: "Compares this node's replicas with the others' now, not when it is due.",
            body: nothing,
            reply: .record(["node": .text, "ready": .flag]),
            run: { request, node in
                try request.allow()
                try await node.onLoop { $0.stepShards(.compareNow) }
                return try await node.onLoop { EntropyReport($0).tree }
            }
        ),
    ]

    private static let nothing = JSONValue.record([:], required: [])
    private static let hints = JSONValue.record([
        "node": .text, "paused": .flag, "targets": .list(.anything),
    ])
    private static let bucketMax = Int64(StoredKey.bucketLengthMax)
    private static let key: JSONValue = ["type": "string"]

    private static func hints(
        _ command: HintCommand,
        _ request: AdminRequest,
        _ node: HTTPNode
    ) async throws -> ReplyTree {
        try request.allow()
        try await node.onLoop { $0.stepShards(.hints(command)) }
        // In a turn of its own: the other shards have carried it out by then.
        return try await node.onLoop { HintsReport($0).tree }
    }

    private static let inspect: @Sendable (AdminRequest, HTTPNode) async throws -> ReplyTree = {
        request, node in
        let bucket = ByteBuffer(string: request.parameter("bucket") ?? "default")
        let name = ByteBuffer(string: request.parameter("key") ?? "")
        guard (1...StoredKey.bucketLengthMax).contains(bucket.readableBytes) else {
            throw AdminFailure(
                .badRequest,
                "'bucket' has 1 to \(StoredKey.bucketLengthMax) bytes"
            )
        }
        guard name.readableBytes <= StoredKey.keyLengthMax else {
            throw AdminFailure(.badRequest, "'key' has at most \(StoredKey.keyLengthMax) bytes")
        }
        let key = StoredKey(bucket: bucket, key: name)
        let response = try await node.submit(
            ClientRequest(
                key: key,
                operation: .inspect,
                levels: node.settings.levels,
                timeout: node.settings.requestTimeout
            )
        )
        switch response {
        case .inspected(let reports):
            return try await node.onLoop { driver in
                InspectionReport(key: key, reports: reports, ring: driver.ring)
                    .tree(wall: driver.wall)
            }
        case .failed(let failure): throw HTTPFailure(failure, isWrite: false)
        case .object, .written, .notApplied:
            preconditionFailure("not an answer to an inspection")
        }
    }
}
