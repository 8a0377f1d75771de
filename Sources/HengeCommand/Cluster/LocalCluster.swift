import HengeRing

/// A cluster on this machine: how many nodes, where they listen, and what they were told.
///
/// Node i is nI; it serves clients on `basePort` + i, other nodes on `basePort` + 1000 + i and
/// HTTP on `basePort` + 2000 + i. With S shards it has S ports for other nodes, from `basePort` +
/// 1001 + (i - 1) · S on.
package struct LocalCluster: Equatable, Sendable {
    package static let host = "127.0.0.1"
    package static let standardBasePort = 6400
    package static let nodeCounts = 1...99
    /// Leaves room for the highest port of the last node, and stays out of the privileged ones.
    package static let basePorts = 1024...(65_535 - 2000 - 99)

    /// The nodes that made the ring; those after them have joined it.
    package var firstCount: Int
    package var addedCount: Int
    package var basePort: Int
    /// Options of every node, in this order: `("durability", "sync")` for `--durability sync`.
    package var settings: [Setting]

    package struct Setting: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package struct Node: Equatable, Sendable {
        package var name: String
        package var resp: Int
        package var http: Int
        /// The first of ``shards``.
        package var peer: Int
        package var shards: Int

        /// Ports with what they are for.
        package var ports: [(port: Int, purpose: String)] {
            [(resp, "RESP"), (http, "HTTP")] + (0..<shards).map { (peer + $0, "peer") }
        }
    }

    package init(
        nodeCount: Int,
        added: Int = 0,
        basePort: Int = standardBasePort,
        settings: [Setting] = []
    ) {
        firstCount = nodeCount
        addedCount = added
        self.basePort = basePort
        self.settings = settings
    }

    package var nodeCount: Int { firstCount + addedCount }

    /// Event loops of each node.
    package var shards: Int {
        let given = setting("shards").flatMap { Int($0) } ?? 1
        return ShardSlice.isCount(given) ? given : 1
    }

    /// So many nodes have ports enough.
    package var nodesMax: Int { Self.nodesMax(shards: shards) }

    package static func nodesMax(shards: Int) -> Int {
        min(nodeCounts.upperBound, 999 / shards)
    }

    package var nodes: [Node] {
        (1...nodeCount).map { index in
            Node(
                name: "n\(index)",
                resp: basePort + index,
                http: basePort + 2000 + index,
                peer: basePort + 1001 + (index - 1) * shards,
                shards: shards
            )
        }
    }

    package func node(named name: String) -> Node? {
        nodes.first { $0.name == name }
    }

    package static func address(_ port: Int) -> String { "\(host):\(port)" }

    package var bootstrap: String {
        nodes.prefix(firstCount).map { "\($0.name)=\(Self.address($0.peer))" }.joined(
            separator: ",")
    }

    /// The command line of a node, after the name of the executable.
    package func arguments(for node: Node, data: String) -> [String] {
        var arguments = [
            "serve", "--name", node.name, "--data", data,
            "--resp", Self.address(node.resp), "--http", Self.address(node.http),
            "--peer", Self.address(node.peer),
        ]
        let isFirst = nodes.prefix(firstCount).contains(node)
        arguments += isFirst ? ["--bootstrap", bootstrap] : ["--join", seeds(of: node)]
        for setting in settings where isFirst || !Self.ringSettings.contains(setting.name) {
            arguments += ["--\(setting.name)", setting.value]
        }
        return arguments
    }

    /// What the first members decide for all.
    private static let ringSettings = ["replicas", "partitions"]
    /// A node that joins takes no more addresses than 64.
    private static let seedsMax = 16

    private func seeds(of node: Node) -> String {
        nodes.filter { $0 != node }.prefix(Self.seedsMax).map { Self.address($0.peer) }
            .joined(separator: ",")
    }

    // MARK: As a file

    /// What the file in the cluster's directory says: `name=value` lines.
    package var text: String {
        let own = [Setting("nodes", "\(firstCount)"), Setting("base-port", "\(basePort)")]
        let added = addedCount > 0 ? [Setting("added", "\(addedCount)")] : []
        return (own + added + settings).map { "\($0.name)=\($0.value)\n" }.joined()
    }

    /// Nil unless the text is what ``text`` writes.
    package init?(text: String) {
        var settings: [Setting] = []
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { return nil }
            let name = line[..<equals]
            guard !name.isEmpty, name.allSatisfy({ $0.isLowercase || $0 == "-" }) else {
                return nil
            }
            let value = line[line.index(after: equals)...]
            settings.append(Setting(String(name), String(value)))
        }
        guard settings.count >= 2, settings[0].name == "nodes", settings[1].name == "base-port",
            let nodeCount = Int(settings[0].value), Self.nodeCounts.contains(nodeCount),
            let basePort = Int(settings[1].value), Self.basePorts.contains(basePort)
        else { return nil }
        settings.removeFirst(2)
        var added = 0
        if let first = settings.first, first.name == "added" {
            guard let count = Int(first.value), count > 0,
                Self.nodeCounts.contains(nodeCount + count)
            else { return nil }
            added = count
            settings.removeFirst()
        }
        self.init(nodeCount: nodeCount, added: added, basePort: basePort, settings: settings)
    }
}

extension LocalCluster {
    /// The value of a node option; nil when it was not given.
    package func setting(_ name: String) -> String? {
        settings.first { $0.name == name }?.value
    }

    package mutating func set(_ name: String, _ value: String) {
        if let index = settings.firstIndex(where: { $0.name == name }) {
            settings[index].value = value
        } else {
            settings.append(Setting(name, value))
        }
    }
}
