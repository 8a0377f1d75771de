import HengeRing
import NIOCore

/// Changes of the ring, as `henge ring` makes them: staged, planned, committed, given up.
extension AdminEndpoint {
    static let ring: [AdminEndpoint] = [
        AdminEndpoint(
            method: .get,
            path: "/ring",
            name: "RingDescription",
            summary: "The ring, its nodes and the change that runs.",
            reply: .record([
                "cluster": .text, "epoch": .count, "partitions": .count, "replicas": .count,
                "nodes": .list(.anything), "owners": .list(.text), "transition": .anyOrNull,
            ]),
            run: { _, node in try await node.onLoop { RingDescription($0).tree } }
        ),
        AdminEndpoint(
            method: .get,
            path: "/ring/staged",
            name: "StagedOperations",
            summary: "What is staged at this node.",
            reply: staged,
            run: { _, node in try await node.onLoop { RingStageReport($0).tree } }
        ),
        AdminEndpoint(
            method: .post,
            path: "/ring/staged",
            name: "StageOperation",
            summary: "Stages one operation more; nothing changes before a commit.",
            body: operation,
            reply: staged,
            mayConflict: true,
            run: { request, node in
                let operation = try RingOperation(request)
                return try await node.onLoop { driver in
                    do throws(RingStageFault) {
                        try driver.administrator.append(operation)
                    } catch {
                        throw AdminFailure(.conflict, error.description)
                    }
                    return RingStageReport(driver).tree
                }
            }
        ),
        AdminEndpoint(
            method: .delete,
            path: "/ring/staged",
            name: "ClearStage",
            summary: "Forgets what is staged at this node.",
            reply: staged,
            run: { _, node in
                try await node.onLoop { driver in
                    driver.administrator.clear()
                    return RingStageReport(driver).tree
                }
            }
        ),
        AdminEndpoint(
            method: .get,
            path: "/ring/plan",
            name: "RingPlan",
            summary: "What the staged operations would do, and what that costs.",
            reply: .record(["id": .text, "refusals": .list(.anything)]),
            mayConflict: true,
            asksOthers: true,
            run: { _, node in
                try await node.waiting { driver, promise in
                    driver.administrator.plan { result in
                        promise.completeWith(
                            result.map { RingPlanReport($0).tree }
                                .mapError { AdminFailure(.conflict, $0.description) as any Error }
                        )
                    }
                }
            }
        ),
        AdminEndpoint(
            method: .post,
            path: "/ring/commit",
            name: "CommitPlan",
            summary: "Begins the change, if it is still the one that was planned.",
            body: .record(
                ["plan": .text, "allow_fewer_replicas": .flag],
                required: ["plan"]
            ),
            reply: .record(["id": .text, "epoch": .count]),
            mayConflict: true,
            asksOthers: true,
            run: commit
        ),
        AdminEndpoint(
            method: .post,
            path: "/ring/abort",
            name: "AbortChange",
            summary: "Has the change that runs go back; works until its last partition is done.",
            body: .record([:], required: []),
            reply: .record(["epoch": .count]),
            mayConflict: true,
            asksOthers: true,
            run: { request, node in
                try request.allow()
                return try await node.waiting { driver, promise in
                    driver.administrator.abort { result in
                        promise.completeWith(
                            result.map { .map(["epoch": .integer(Int64(clamping: $0))]) }
                                .mapError { AdminFailure($0) as any Error }
                        )
                    }
                }
            }
        ),
        AdminEndpoint(
            method: .get,
            path: "/ring/progress",
            name: "RingProgress",
            summary: "How far the change is, by node.",
            reply: .record([
                "epoch": .count, "running": .flag, "aborting": .flag, "partitions": .count,
                "steps": .anything, "nodes": .list(.anything),
            ]),
            run: { _, node in try await node.onLoop { RingProgressReport($0).tree } }
        ),
    ]

    private static let staged = JSONValue.record(["operations": .list(.anything)])

    private static let operation = JSONValue.record(
        [
            "operation": .oneOf([
                "add", "remove", "replace", "force-remove", "weight", "zone",
            ]),
            "node": .text, "with": .text, "weight": .number(in: 1...1000), "zone": .text,
        ],
        required: ["operation", "node"]
    )

    private static let commit: @Sendable (AdminRequest, HTTPNode) async throws -> ReplyTree = {
        request, node in
        try request.allow("plan", "allow_fewer_replicas")
        let id = try request.text("plan")
        let isFewer = try request.flag("allow_fewer_replicas")
        return try await node.waiting { driver, promise in
            driver.administrator.commit(id, allowsFewerReplicas: isFewer) { result in
                promise.completeWith(
                    result.map { plan in
                        .map([
                            "id": .text(plan.id),
                            "epoch": .integer(Int64(clamping: plan.proposal.epoch)),
                        ])
                    }
                    .mapError { AdminFailure($0) as any Error }
                )
            }
        }
    }
}

extension AdminFailure {
    /// 503 where others did not answer, or not in time; else 409.
    fileprivate init(_ fault: RingCommitFault) {
        switch fault {
        case .noMajority, .abstained: self.init(.serviceUnavailable, fault.description)
        case .plan, .stale, .refused, .overtaken: self.init(.conflict, fault.description)
        }
    }
}

extension RingOperation {
    fileprivate init(_ request: AdminRequest) throws(AdminFailure) {
        let node = try request.text("node")
        switch try request.text("operation") {
        case "add":
            try request.allow("operation", "node", "weight", "zone")
            self = .add(
                node,
                weight: try request.optionalNumber("weight"),
                zone: try request.optionalText("zone")
            )
        case "remove":
            try request.allow("operation", "node")
            self = .remove(node)
        case "force-remove":
            try request.allow("operation", "node")
            self = .forceRemove(node)
        case "replace":
            try request.allow("operation", "node", "with")
            self = .replace(node, with: try request.text("with"))
        case "weight":
            try request.allow("operation", "node", "weight")
            self = .weight(node, try request.number("weight"))
        case "zone":
            try request.allow("operation", "node", "zone")
            self = .zone(node, try request.text("zone"))
        default:
            throw AdminFailure(
                .badRequest,
                "'operation' must be add, remove, replace, force-remove, weight or zone"
            )
        }
    }
}
