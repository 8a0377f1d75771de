import HengeRing

/// A cluster on this machine: how many nodes, where they listen, and what they were told.
///
/// Node i is nI; it serves clients on `basePort` + i, other nodes on `basePort` + 1000 + i and
/// HTTP on `basePort` + 2000 + i.
package struct LocalCluster: Equatable, Sendable {
    package static let host = "127.0.0.1"
    package static let standardBasePort = 6400
    package static let nodeCounts = 1...99
    /// Leaves room for the highest port of the last node, and stays out of the privileged ones.
    package static let basePorts = 1024...(65_535 - 2000 - 99)

    package var nodeCount: Int
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
        package var peer: Int

        /// Ports with what they are for.
        package var ports: [(port: Int, purpose: String)] {
            [(resp, "RESP"), (peer, "peer"), (http, "HTTP")]
        }
    }

    package init(nodeCount: Int, basePort: Int = standardBasePort, settings: [Setting] = []) {
        self.nodeCount = nodeCount
        self.basePort = basePort
        self.settings = settings
    }

    package var nodes: [Node] {
        (1...nodeCount).map { index in
            Node(
                name: "n\(index)",
                resp: basePort + index,
                http: basePort + 2000 + index,
                peer: basePort + 1000 + index
            )
        }
    }

    package func node(named name: String) -> Node? {
        nodes.first { $0.name == name }
    }

    package static func address(_ port: Int) -> String { "\(host):\(port)" }

    package var bootstrap: String {
        nodes.map { "\($0.name)=\(Self.address($0.peer))" }.joined(separator: ",")
    }

    /// The command line of a node, after the name of the executable.
    package func arguments(for node: Node, data: String) -> [String] {
        var arguments = [
            "serve", "--name", node.name, "--data", data,
            "--resp", Self.address(node.resp), "--http", Self.address(node.http),
            "--peer", Self.address(node.peer), "--bootstrap", bootstrap,
        ]
        for setting in settings { arguments += ["--\(setting.name)", setting.value] }
        return arguments
    }

    // MARK: As a file

    /// What the file in the cluster's directory says: `name=value` lines.
    package var text: String {
        let own = [Setting("nodes", "\(nodeCount)"), Setting("base-port", "\(basePort)")]
        return (own + settings).map { "\($0.name)=\($0.value)\n" }.joined()
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
        self.init(
            nodeCount: nodeCount,
            basePort: basePort,
            settings: Array(settings.dropFirst(2))
        )
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
