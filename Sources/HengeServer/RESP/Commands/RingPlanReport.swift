import HengeBase
import HengeRESP
package import HengeRing

/// A plan as `HENGE.RING PLAN` shows it, with the field names of `henge ring plan --json`.
package struct RingPlanReport {
    package let tree: ReplyTree
    private let names: [NodeID: String]

    package init(_ plan: RingPlan) {
        names = plan.nodes.reduce(into: [:]) { $0[$1.id] = $1.name }
        let names = names
        func name(_ id: NodeID) -> ReplyTree { .text(names[id] ?? id.description) }
        tree = .map([
            "id": .text(plan.id),
            "epoch": .integer(Int64(clamping: plan.epoch)),
            "replicas": .integer(plan.replicas),
            "partitions": .integer(plan.ownersBefore.count),
            "operations": .array(plan.operations.map { .text($0.description) }),
            "moves": .array(
                plan.change.vnodeMoves.map { move in
                    .map([
                        "partition": .integer(move.partition),
                        "from": name(move.from),
                        "to": name(move.to),
                    ])
                }
            ),
            "moves_lower_bound": .integer(plan.change.vnodeMovesLeast),
            "replica_moves": .integer(plan.change.replicaMoves.count),
            "replica_moves_lower_bound": .integer(plan.change.replicaMovesLeast),
            "bytes": .integer(plan.bytes),
            "bytes_per_second": .integer(plan.bytesPerSecond),
            "minutes": .double(plan.minutes),
            "violations": .array(plan.violations.map(Self.violation)),
            "refusals": .array(plan.refusals.map(Self.refusal)),
            "replica_sets_before": .integer(plan.change.before.replicaSets),
            "replica_sets_after": .integer(plan.change.after.replicaSets),
            "nodes": .array(plan.nodes.map(Self.node)),
            "owners_before": .array(plan.ownersBefore.map(name)),
            "owners_after": .array(plan.change.owners.map(name)),
        ])
    }

    private static func node(_ node: RingPlan.Node) -> ReplyTree {
        .map([
            "name": .text(node.name),
            "id": .integer(Int(node.id.rawValue)),
            "role": .text(node.role.rawValue),
            "zone": .text(node.zone),
            "weight": .integer(node.weight),
            "vnodes_before": .integer(node.before.vnodes),
            "vnodes_after": .integer(node.after.vnodes),
            "share_before": .double(node.before.share),
            "share_after": .double(node.after.share),
            "replicas_before": .integer(node.before.replicas),
            "replicas_after": .integer(node.after.replicas),
            "keys_before": .integer(node.before.keys),
            "keys_after": .integer(node.after.keys),
            "bytes_before": .integer(node.before.bytes),
            "bytes_after": .integer(node.after.bytes),
            "bytes_in": .integer(node.bytesIn),
            "bytes_out": .integer(node.bytesOut),
            "disk_needed": .integer(node.diskNeeded),
            "disk_free": node.facts.map { .integer($0.diskFree) } ?? .null,
            "disk_total": node.facts.map { .integer($0.diskTotal) } ?? .null,
        ])
    }

    private static func violation(_ violation: RingPlan.Violation) -> ReplyTree {
        .map([
            "kind": .text(violation.kind.rawValue),
            "partitions_before": .integer(violation.partitionsBefore),
            "partitions": .integer(violation.partitions),
            "fewest": .integer(violation.fewest),
            "possible": .integer(violation.possible),
        ])
    }

    private static func refusal(_ refusal: RingRefusal) -> ReplyTree {
        .map([
            "code": .text(refusal.code),
            "reason": .text(refusal.description),
            "may_be_overruled": .boolean(refusal.mayBeOverruled),
        ])
    }
}
