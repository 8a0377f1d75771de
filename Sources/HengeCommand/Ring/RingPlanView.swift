package import HengeClient

/// A plan to change the ring, from `HENGE.RING PLAN`.
package struct RingPlanView: Sendable {
    /// Two values of one thing.
    package struct Change<Value: Sendable & Equatable>: Equatable, Sendable {
        package var before: Value
        package var after: Value
    }

    package struct Node: Sendable {
        package var name: String
        /// `stays`, `joins` or `leaves`.
        package var role: String
        package var zone: String
        package var weight: Int
        package var vnodes: Change<Int>
        package var share: Change<Double>
        package var keys: Change<Int>
        package var bytes: Change<Int>
        package var bytesIn: Int
        package var bytesOut: Int
        package var diskNeeded: Int
        /// Nil for a node that did not answer.
        package var diskFree: Int?
    }

    package struct Violation: Sendable {
        package var kind: String
        package var partitionsBefore: Int
        package var partitions: Int
        package var fewest: Int
        package var possible: Int
    }

    package struct Refusal: Sendable {
        package var reason: String
        package var mayBeOverruled: Bool
    }

    package var id: String
    package var epoch: Int
    package var replicas: Int
    package var operations: [String]
    package var moves: Int
    package var movesLeast: Int
    package var replicaMoves: Int
    package var replicaMovesLeast: Int
    package var bytes: Int
    package var bytesPerSecond: Int
    package var minutes: Double
    package var replicaSets: Change<Int>
    package var nodes: [Node]
    package var violations: [Violation]
    package var refusals: [Refusal]
    /// By position, indexes of nodes.
    package var owners: Change<[Int]>

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        id = try fields.string("id")
        epoch = try fields.integer("epoch")
        replicas = try fields.integer("replicas")
        operations = try fields.strings("operations")
        moves = try fields.list("moves").count
        movesLeast = try fields.integer("moves_lower_bound")
        replicaMoves = try fields.integer("replica_moves")
        replicaMovesLeast = try fields.integer("replica_moves_lower_bound")
        bytes = try fields.integer("bytes")
        bytesPerSecond = try fields.integer("bytes_per_second")
        minutes = try fields.number("minutes")
        replicaSets = Change(
            before: try fields.integer("replica_sets_before"),
            after: try fields.integer("replica_sets_after")
        )
        nodes = []
        for entry in try fields.maps("nodes") { nodes.append(try Node(entry)) }
        violations = []
        for entry in try fields.maps("violations") { violations.append(try Violation(entry)) }
        refusals = []
        for entry in try fields.maps("refusals") { refusals.append(try Refusal(entry)) }
        owners = Change(
            before: try Self.owners(fields, "owners_before", nodes),
            after: try Self.owners(fields, "owners_after", nodes)
        )
    }

    private static func owners(
        _ fields: ReplyFields,
        _ name: String,
        _ nodes: [Node]
    ) throws(ReplyFields.Fault) -> [Int] {
        var indexes: [String: Int] = [:]
        for (index, node) in nodes.enumerated() { indexes[node.name] = index }
        var owners: [Int] = []
        for owner in try fields.strings(name) {
            guard let index = indexes[owner] else {
                throw ReplyFields.Fault(field: name, wanted: "a list of names of nodes")
            }
            owners.append(index)
        }
        return owners
    }
}

extension RingPlanView.Node {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        func change(_ name: String) throws(ReplyFields.Fault) -> RingPlanView.Change<Int> {
            RingPlanView.Change(
                before: try fields.integer("\(name)_before"),
                after: try fields.integer("\(name)_after")
            )
        }
        name = try fields.string("name")
        role = try fields.string("role")
        zone = fields.optionalString("zone") ?? ""
        weight = try fields.integer("weight")
        vnodes = try change("vnodes")
        share = RingPlanView.Change(
            before: try fields.number("share_before"),
            after: try fields.number("share_after")
        )
        keys = try change("keys")
        bytes = try change("bytes")
        bytesIn = try fields.integer("bytes_in")
        bytesOut = try fields.integer("bytes_out")
        diskNeeded = try fields.integer("disk_needed")
        diskFree = fields.optionalInteger("disk_free")
    }
}

extension RingPlanView.Violation {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        kind = try fields.string("kind")
        partitionsBefore = try fields.integer("partitions_before")
        partitions = try fields.integer("partitions")
        fewest = try fields.integer("fewest")
        possible = try fields.integer("possible")
    }
}

extension RingPlanView.Refusal {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        reason = try fields.string("reason")
        mayBeOverruled = try fields.boolean("may_be_overruled")
    }
}
