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
        var owners: [Int] = []
        for name in try fields.strings("owners") {
            guard let index = indexes[name] else {
                throw ReplyFields.Fault(field: "owners", wanted: "a list of names of nodes")
            }
            owners.append(index)
        }
        self.init(
            cluster: try fields.string("cluster"),
            epoch: try fields.integer("epoch"),
            replicas: try fields.integer("replicas"),
            nodes: nodes,
            owners: owners
        )
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
