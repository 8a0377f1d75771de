import HengeClient

/// How a node of a local cluster does.
package struct NodeCondition: Sendable {
    package enum State: String, Sendable {
        case up, candidate, silent, stopped, fallen
    }

    package var name: String
    package var state: State
    package var pid: Int?
    package var resp: String
    package var http: String
    package var peer: String
    package var keys: Int?
    package var bytes: Int?
    /// Resident memory in bytes.
    package var rss: Int?

    package init(
        name: String,
        state: State,
        pid: Int? = nil,
        resp: String = "",
        http: String = "",
        peer: String = "",
        keys: Int? = nil,
        bytes: Int? = nil,
        rss: Int? = nil
    ) {
        self.name = name
        self.state = state
        self.pid = pid
        self.resp = resp
        self.http = http
        self.peer = peer
        self.keys = keys
        self.bytes = bytes
        self.rss = rss
    }

    static func observe(
        _ node: LocalCluster.Node,
        in directory: ClusterDirectory
    ) async -> NodeCondition {
        var condition = NodeCondition(
            name: node.name,
            state: directory.hasFallen(node) ? .fallen : .stopped,
            resp: LocalCluster.address(node.resp),
            http: LocalCluster.address(node.http),
            peer: LocalCluster.address(node.peer)
        )
        guard let process = directory.process(of: node) else { return condition }
        condition.pid = Int(process.pid)
        condition.rss = NodeProcess.residentBytes(process)
        condition.state = .silent
        if let reply = await ClusterSight.ask("HENGE.STATUS", of: node),
            let fields = try? ReplyFields(reply)
        {
            condition.state = .up
            condition.keys = fields.optionalInteger("keys")
            condition.bytes = fields.optionalInteger("bytes")
        } else if case .candidate = await ClusterSight.look(from: node) {
            condition.state = .candidate
        }
        return condition
    }

    package var json: JSON {
        .object(
            ("name", .string(name)), ("state", .string(state.rawValue)),
            ("pid", pid.map { .integer($0) } ?? .null), ("resp", .string(resp)),
            ("http", .string(http)), ("peer", .string(peer)),
            ("keys", keys.map { .integer($0) } ?? .null),
            ("bytes", bytes.map { .integer($0) } ?? .null),
            ("rss", rss.map { .integer($0) } ?? .null)
        )
    }

    package static func table(_ nodes: [NodeCondition]) -> Table {
        var table = Table([
            .init("node"), .init("state"), .init("pid", .right), .init("RESP"), .init("peers"),
            .init("keys", .right), .init(""), .init("bytes", .right), .init("memory", .right),
        ])
        let most = nodes.compactMap(\.keys).max() ?? 0
        for (index, node) in nodes.enumerated() {
            let fraction = most > 0 ? Double(node.keys ?? 0) / Double(most) : 0
            table.add([
                Painted(node.name, .node(index)), Painted(node.state.rawValue, node.state.paint),
                Painted(node.pid.map(String.init) ?? "–"), Painted(node.resp),
                Painted(node.peer, .faint), Painted(node.keys.map(Wording.grouped) ?? "–"),
                Painted(Bar.text(fraction, width: 16, padded: true), .node(index)),
                Painted(node.bytes.map(Wording.bytes) ?? "–"),
                Painted(node.rss.map(Wording.bytes) ?? "–"),
            ])
        }
        return table
    }
}

extension NodeCondition.State {
    fileprivate var paint: Paint {
        switch self {
        case .up: .good
        case .candidate, .silent: .doubtful
        case .stopped: .faint
        case .fallen: .bad
        }
    }
}
