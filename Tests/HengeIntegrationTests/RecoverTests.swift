import Foundation
import HengeClient
import HengeCommand
import NIOCore
import Testing

/// A majority that is gone for good, with real processes and disks.
@Suite(.serialized) struct RecoverTests {
    private static let keys = 200

    @Test(
        "three of five are killed: the other two go on with all that they hold, and with new ones")
    func recover() async throws {
        try await TestCluster.run(nodes: 5, room: 1) { cluster in
            let client = try cluster.client()
            for key in 0..<Self.keys {
                try await client.put(
                    ByteBuffer(string: "v\(key)"),
                    for: ByteBuffer(string: "k\(key)"),
                    consistency: .all
                )
            }
            await client.close()
            let held = try await Self.held(by: ["n1", "n2"], in: cluster)
            #expect(held.count > Self.keys / 2 && held.count < Self.keys)
            let words = ["ring", "force-remove", "n3", "n4", "n5", "--unsafe-recover"]
            let early = try await Self.henge(cluster, words + ["--yes-i-mean", "x"])
            #expect(early.status == 1 && early.errors.contains("n3 is up"), "\(early.errors)")
            try await cluster.killAtOnce(3...5)
            try await Self.eventuallyDown(["n3", "n4", "n5"], in: cluster)

            let nameless = try await Self.henge(cluster, words)
            #expect(nameless.status == 2 && nameless.errors.contains("--yes-i-mean"))
            #expect(nameless.text.contains("all that was in them"), "\(nameless.text)")
            let name = try #require(try await Self.ring(cluster, 1)["cluster"] as? String)
            let wrong = try await Self.henge(cluster, words + ["--yes-i-mean", "x"])
            #expect(wrong.status == 2 && wrong.errors.contains(name), "\(wrong.errors)")
            let unnamed = try await Self.henge(
                cluster,
                ["ring", "force-remove", "n3", "n4", "--unsafe-recover", "--yes-i-mean", name]
            )
            #expect(unnamed.status == 1 && unnamed.errors.contains("n5 is down"))

            // Done, but what the lost had can't go to others while those are so few.
            let done = try await Self.henge(cluster, words + ["--yes-i-mean", name])
            #expect(done.text.contains("recovered: n1, n2 serve without n3, n4, n5"))
            #expect(done.status == 1 && done.errors.contains("could not be removed"))
            let staged = try await Self.henge(cluster, ["ring", "stage", "--json"]).json()
            #expect((staged["operations"] as? [Any])?.isEmpty == true, "\(staged)")
            try await Self.remove(["n3", "n4", "n5"], cluster)
            try await Self.check(cluster, held, name)
            try await Self.returned(cluster)
            try await Self.refill(cluster)
        }
    }

    /// As it says how to go on.
    private static func remove(_ names: [String], _ cluster: TestCluster) async throws {
        let stages = try await henge(cluster, ["ring", "force-remove"] + names)
        #expect(stages.status == 0, "\(stages.errors)")
        let commits = try await henge(
            cluster,
            ["ring", "commit", "--yes", "--allow-fewer-replicas"]
        )
        #expect(commits.status == 0, "\(commits.text)\(commits.errors)")
    }

    /// Everything that was held by somebody who is left is there, and all can be written.
    private static func check(_ cluster: TestCluster, _ held: Set<Int>, _ name: String) async throws
    {
        try await eventually("the ring has two members and is still", within: .seconds(120)) {
            let ring = try await ring(cluster, 2)
            let nodes = ring["nodes"] as? [[String: Any]] ?? []
            return ring["transition"] is NSNull && nodes.count == 2
        }
        let client = try cluster.client(2)
        for key in 0..<keys {
            let bytes = ByteBuffer(string: "k\(key)")
            let value = try await client.get(bytes, consistency: .all)
            #expect(value.map { String(buffer: $0) } == (held.contains(key) ? "v\(key)" : nil))
            try await client.put(ByteBuffer(string: "w\(key)"), for: bytes, consistency: .all)
        }
        await client.close()
    }

    /// One that was given up comes back: it hears of it, says so and stops, again and again.
    private static func returned(_ cluster: TestCluster) async throws {
        for attempt in 0..<2 {
            let back = try await cluster.cluster("start", "n4")
            #expect(back.status != 0, "\(attempt): \(back.text)")
            let log = try String(contentsOfFile: "\(cluster.directory)/n4/log", encoding: .utf8)
            #expect(log.contains("given up for lost"), "\(attempt): \(log.suffix(2_000))")
        }
        #expect(try await henge(cluster, ["get", "k1", "--consistency", "all"]).text == "w1")
    }

    /// A new node takes places of the lost: then one of those that were left may die, too.
    private static func refill(_ cluster: TestCluster) async throws {
        let added = try await cluster.cluster("add")
        #expect(added.status == 0, "\(added.text)\(added.errors)")
        try await eventually("the ring of three is still", within: .seconds(120)) {
            let ring = try await ring(cluster, 2)
            let nodes = ring["nodes"] as? [[String: Any]] ?? []
            return ring["transition"] is NSNull && nodes.count == 3
        }
        try await cluster.killAtOnce(1...1)
        let client = try cluster.client(2)
        for key in 0..<keys {
            let value = try await client.get(ByteBuffer(string: "k\(key)"), consistency: .quorum)
            #expect(value.map { String(buffer: $0) } == "w\(key)")
        }
        await client.close()
    }

    /// The keys of which one of these nodes holds a replica.
    private static func held(by names: [String], in cluster: TestCluster) async throws -> Set<Int> {
        var held = Set<Int>()
        for key in 0..<keys {
            let inspection = try await henge(cluster, ["inspect", "k\(key)", "--json"]).json()
            let list = inspection["preference_list"] as? [String] ?? []
            if list.contains(where: names.contains) { held.insert(key) }
        }
        return held
    }

    private static func eventuallyDown(
        _ names: [String],
        in cluster: TestCluster
    ) async throws {
        for node in 1...2 {
            try await eventually("n\(node) has noticed") {
                let nodes = try await ring(cluster, node)["nodes"] as? [[String: Any]] ?? []
                return nodes.count { $0["state"] as? String == "down" } == names.count
            }
        }
    }

    private static func ring(_ cluster: TestCluster, _ node: Int) async throws -> [String: Any] {
        try await cluster.henge("ring", "show", "--json", node: node).json()
    }

    private static func henge(
        _ cluster: TestCluster,
        _ words: [String]
    ) async throws -> CommandResult {
        try await Henge.run(words + ["--node", cluster.address(of: 1).description])
    }
}
