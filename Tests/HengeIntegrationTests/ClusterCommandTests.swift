import Foundation
import HengeClient
import HengeCommand
import NIOCore
import Testing

/// `henge cluster` and the nodes that it runs.
@Suite(.serialized) struct ClusterCommandTests {
    @Test("up, status and down; each may be run again")
    func upAndDown() async throws {
        try await TestCluster.run { cluster in
            let processes = (1...3).compactMap { cluster.process(of: $0) }
            #expect(processes.count == 3)
            let again = try await cluster.cluster("up")
            #expect(again.status == 0)
            #expect(again.text.contains("run already"))
            #expect((1...3).compactMap { cluster.process(of: $0) } == processes)

            let status = try await cluster.cluster("status", "--json").json()
            let nodes = try #require(status["nodes"] as? [[String: Any]])
            #expect(nodes.compactMap { $0["name"] as? String } == ["n1", "n2", "n3"])
            #expect(nodes.compactMap { $0["state"] as? String } == ["up", "up", "up"])
            #expect(nodes.compactMap { $0["pid"] as? Int32 } == processes.map(\.pid))
            #expect(nodes.allSatisfy { ($0["rss"] as? Int ?? 0) > 1 << 20 })
            #expect(nodes.allSatisfy { $0["keys"] as? Int == 0 })

            let down = try await cluster.cluster("down")
            #expect((down.status, down.text) == (0, "stopped n1, n2, n3\n"))
            #expect(!processes.contains(where: NodeProcess.isRunning))
            #expect(
                (1...3).allSatisfy {
                    !FileManager.default.fileExists(atPath: cluster.pidFile(of: $0))
                })
            #expect(try await cluster.cluster("down").status == 0)
            let stopped = try await cluster.cluster("status")
            #expect(stopped.text.contains("n1    stopped"), "\(stopped.text)")
        }
    }

    @Test("stop, kill and start one node, and what they refuse")
    func oneNode() async throws {
        try await TestCluster.run { cluster in
            let second = try #require(cluster.process(of: 2))
            #expect(try await cluster.cluster("stop", "n2").text == "stopped n2\n")
            #expect(!NodeProcess.isRunning(second))
            #expect(try await cluster.cluster("stop", "n2").status == 0)
            #expect(try await cluster.cluster("kill", "n2").status == 1)
            #expect(try await cluster.cluster("start", "n2").status == 0)
            let started = try #require(cluster.process(of: 2))
            #expect(started != second)
            #expect(try await cluster.cluster("start", "n2").text.contains("runs already"))
            #expect(cluster.process(of: 2) == started)

            let stranger = try await cluster.cluster("kill", "n9")
            #expect(stranger.status == 2 && stranger.errors.contains("n1 to n3"))
            let larger = try await cluster.cluster("up", "--nodes", "5")
            #expect(larger.status == 1 && larger.errors.contains("--nodes 3"))
            let other = try await cluster.cluster("up", "--durability", "interval")
            #expect(other.status == 1 && other.errors.contains("henge cluster down"))

            // One that fell by itself is told from one that was told to end.
            let third = try #require(cluster.process(of: 3))
            #expect(NodeProcess.signal(third, SIGKILL))
            try await eventually("n3 is gone") { !NodeProcess.isRunning(third) }
            #expect(try await cluster.cluster("status").text.contains("n3    fallen"))
            #expect(try await cluster.cluster("up").status == 0)
            #expect(try await cluster.henge("get", "nothing", "--consistency", "all").status == 5)
        }
    }

    @Test("kill -9 of every node in the middle of writes loses nothing acknowledged")
    func killKeepsAcknowledged() async throws {
        try await TestCluster.run { cluster in
            let writers = try (1...3).map { node in
                let client = try cluster.client(node)
                return Task { await Self.write(with: client, prefix: "w\(node)") }
            }
            try await eventually("some writes are acknowledged") {
                let got = try await cluster.henge("get", "w1:50", "--consistency", "one")
                return got.status == 0
            }
            try await cluster.killAtOnce(1...3)
            var acknowledged: [String] = []
            for writer in writers { acknowledged += await writer.value }
            #expect(acknowledged.count > 50)

            try await cluster.up()
            let client = try cluster.client(2)
            for key in acknowledged {
                let value = try await client.get(ByteBuffer(string: key), consistency: .quorum)
                #expect(value.map { String(buffer: $0) } == "value of \(key)", "\(key)")
            }
            await client.close()
        }
    }

    /// Writes at QUORUM until the node is gone; returns the keys that were acknowledged.
    private static func write(with client: HengeClient, prefix: String) async -> [String] {
        var acknowledged: [String] = []
        for number in 0... {
            let key = "\(prefix):\(number)"
            do throws(HengeError) {
                try await client.put(
                    ByteBuffer(string: "value of \(key)"),
                    for: ByteBuffer(string: key),
                    consistency: .quorum
                )
                acknowledged.append(key)
            } catch {
                // They die one after the other, so a write may find too few before its own does.
                if error.code == .connectionFailed { break }
            }
        }
        await client.close()
        return acknowledged
    }

    @Test("add takes a fourth node in, which stops and starts as the others do")
    func add() async throws {
        try await TestCluster.run(room: 2) { cluster in
            #expect(try await cluster.henge("put", "k", "v").status == 0)
            let added = try await cluster.cluster("add")
            #expect(added.status == 0, "\(added.text)\(added.errors)")
            #expect(added.text.contains("n4 is a member"), "\(added.text)")
            #expect(try await Self.states(cluster, from: 4)["n4"] == "up")
            #expect(try await cluster.henge("get", "k", node: 4).text == "v")

            #expect(try await cluster.cluster("down").text == "stopped n1, n2, n3, n4\n")
            try await cluster.up()
            #expect(try await cluster.henge("get", "k", node: 4).text == "v")

            let waits = try await cluster.cluster("add", "--no-commit")
            #expect(waits.status == 0, "\(waits.text)\(waits.errors)")
            #expect(waits.text.contains("henge ring add n5"), "\(waits.text)")
            #expect(try await Self.states(cluster, from: 1)["n5"] == "candidate")
            #expect(try await cluster.cluster("stop", "n5").status == 0)
            #expect(try await cluster.cluster("start", "n5").status == 0)
            #expect(try await Self.states(cluster, from: 1)["n5"] == "candidate")
        }
    }

    private static func states(
        _ cluster: TestCluster,
        from node: Int
    ) async throws -> [String: String] {
        let ring = try await cluster.henge("ring", "show", "--json", node: node).json()
        let nodes = try #require(ring["nodes"] as? [[String: Any]])
        return nodes.reduce(into: [:]) { states, node in
            if let name = node["name"] as? String { states[name] = node["state"] as? String }
        }
    }

    @Test("a process that only has the pid of a node is left alone")
    func recycledPid() async throws {
        try await TestCluster.run(nodes: 1) { cluster in
            let record = try #require(cluster.process(of: 1))
            #expect(try await cluster.cluster("down").status == 0)
            let bystander = Process()
            bystander.executableURL = URL(fileURLWithPath: "/bin/sleep")
            bystander.arguments = ["60"]
            try bystander.run()
            defer {
                kill(bystander.processIdentifier, SIGKILL)
                bystander.waitUntilExit()
            }
            let recycled = ProcessRecord(
                pid: bystander.processIdentifier,
                startTicks: record.startTicks,
                boot: record.boot
            )
            try recycled.text.write(
                toFile: cluster.pidFile(of: 1),
                atomically: true,
                encoding: .utf8
            )
            #expect(try await cluster.cluster("kill", "n1").status == 1)
            #expect(try await cluster.cluster("down").text.contains("no node"))
            #expect(bystander.isRunning)
        }
    }

    @Test("a port in use is told before anything starts")
    func portInUse() async throws {
        try await TestCluster.run(nodes: 1) { cluster in
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let result = try await Henge.run([
                "cluster", "up", "--dir", folder.path("second"), "--nodes", "3", "--base-port",
                "\(cluster.basePort)",
            ])
            #expect(result.status == 1)
            #expect(result.errorLines.count == 1)
            #expect(result.errors.contains("port \(cluster.basePort + 1), RESP of n1, is in use"))
            #expect(!FileManager.default.fileExists(atPath: folder.path("second/n2")))
        }
    }

    @Test("a node that can't start ends up with the end of its log and the reason")
    func badStart() async throws {
        try await TestCluster.run { cluster in
            #expect(try await cluster.cluster("stop", "n2").status == 0)
            #expect(try await cluster.cluster("stop", "n3").status == 0)
            let files = FileManager.default
            try files.removeItem(atPath: "\(cluster.directory)/n3/data")
            try files.moveItem(
                atPath: "\(cluster.directory)/n2/data",
                toPath: "\(cluster.directory)/n3/data"
            )
            let result = try await cluster.cluster("start", "n3")
            #expect(result.status == 1)
            // The status is only told when it could still be asked for.
            #expect(result.errors.contains("n3 ended"), "\(result.errors)")
            #expect(result.errors.contains("before it was ready"), "\(result.errors)")
            #expect(result.errors.contains("n2"), "\(result.errors)")
        }
    }
}
