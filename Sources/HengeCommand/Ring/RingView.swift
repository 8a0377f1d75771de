package import HengeClient

/// The ring as a node has it, from `HENGE.RING`.
package struct RingView: Sendable {
    package struct Node: Sendable {
        package var name: String
        package var state: String
        package var zone: String
        package var weight: Int
        package var vnodes: Int
        /// Of all virtual nodes, 0 to 1.
        package var share: Double
        package var resp: String
        package var http: String
        package var peer: String
        /// How much the asked node suspects this one; nil when it does not say.
        package var phi: Double?
        /// Milliseconds since the asked node last heard from this one itself.
        package var lastContact: Int?

        package init(
            name: String,
            state: String = "up",
            zone: String = "",
            weight: Int = 1,
            vnodes: Int,
            share: Double,
            resp: String = "",
            http: String = "",
            peer: String = "",
            phi: Double? = nil,
            lastContact: Int? = nil
        ) {
            self.name = name
            self.state = state
            self.zone = zone
            self.weight = weight
            self.vnodes = vnodes
            self.share = share
            self.resp = resp
            self.http = http
            self.peer = peer
            self.phi = phi
            self.lastContact = lastContact
        }
    }

    package var cluster: String
    package var epoch: Int
    package var partitions: Int
    package var replicas: Int
    package var nodes: [Node]
    /// By position, the index of its owner in `nodes`.
    package var owners: [Int]
    /// The change that is running.
    package var transition: Transition?

    package struct Transition: Sendable {
        package var isAborting: Bool
        /// By position, as ``RingView/owners``, of the ring that it leads to.
        package var owners: [Int]
        /// How many partitions are at each step.
        package var current: Int
        package var writeBoth: Int
        package var readNext: Int
        package var next: Int

        package init(
            isAborting: Bool,
            owners: [Int],
            current: Int,
            writeBoth: Int,
            readNext: Int,
            next: Int
        ) {
            self.isAborting = isAborting
            self.owners = owners
            self.current = current
            self.writeBoth = writeBoth
            self.readNext = readNext
            self.next = next
        }
    }

    package init(
        cluster: String,
        epoch: Int,
        replicas: Int,
        nodes: [Node],
        owners: [Int]
    ) {
        self.cluster = cluster
        self.epoch = epoch
        self.partitions = owners.count
        self.replicas = replicas
        self.nodes = nodes
        self.owners = owners
    }

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        var nodes: [Node] = []
        for entry in try fields.maps("nodes") { nodes.append(try Node(entry)) }
        var indexes: [String: Int] = [:]
        for (index, node) in nodes.enumerated() { indexes[node.name] = index }
        self.init(
            cluster: try fields.string("cluster"),
            epoch: try fields.integer("epoch"),
            replicas: try fields.integer("replicas"),
            nodes: nodes,
            owners: try Self.owners(fields, indexes)
        )
        guard let change = fields.value("transition"), change != .null else { return }
        let details = try ReplyFields(change, of: "transition")
        let steps = try ReplyFields(details.value("steps") ?? .null, of: "steps")
        transition = Transition(
            isAborting: try details.boolean("aborting"),
            owners: try Self.owners(details, indexes),
            current: try steps.integer("current"),
            writeBoth: try steps.integer("write_both"),
            readNext: try steps.integer("read_next"),
            next: try steps.integer("next")
        )
    }

    private static func owners(
        _ fields: ReplyFields,
        _ indexes: [String: Int]
    ) throws(ReplyFields.Fault) -> [Int] {
        var owners: [Int] = []
        for name in try fields.strings("owners") {
            guard let index = indexes[name] else {
                throw ReplyFields.Fault(field: "owners", wanted: "a list of names of nodes")
            }
            owners.append(index)
        }
        return owners
    }
}

extension RingView.Node {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        self.init(
            name: try fields.string("name"),
            state: try fields.string("state"),
            zone: fields.optionalString("zone") ?? "",
            weight: try fields.integer("weight"),
            vnodes: try fields.integer("vnodes"),
            share: try fields.number("share"),
            resp: fields.optionalString("resp") ?? "",
            http: fields.optionalString("http") ?? "",
            peer: fields.optionalString("peer") ?? "",
            phi: try? fields.number("phi"),
            lastContact: fields.optionalInteger("last_contact_ms")
        )
    }
}
