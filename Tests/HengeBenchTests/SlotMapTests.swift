import HengeClient
import HengeCommand
import NIOCore
import Testing

@Suite struct SlotMapTests {
    private static let asked = HengeAddress(host: "10.0.0.9", port: 6401)

    private static func range(_ first: Int, _ last: Int, _ port: Int) -> HengeReply {
        .array([
            .integer(Int64(first)), .integer(Int64(last)),
            .array([
                .bytes(ByteBuffer(string: "127.0.0.1")), .integer(Int64(port)), .text("id"),
                .array([]),
            ]),
            .array([.text("127.0.0.1"), .integer(9999), .text("replica"), .array([])]),
        ])
    }

    @Test func everySlotGoesToItsMaster() throws {
        let reply = HengeReply.array([
            Self.range(0, 99, 7001), Self.range(200, 16383, 7002), Self.range(100, 199, 7001),
        ])
        let map = try SlotMap(reply, from: Self.asked)
        #expect(map.nodes.map(\.port) == [7001, 7002])
        #expect([0, 99, 100, 199].allSatisfy { map.owner(of: $0) == 0 })
        #expect([200, 12_182, 16_383].allSatisfy { map.owner(of: $0) == 1 })
    }

    @Test("a node that knows no address of its own is the one that was asked")
    func unknownHosts() throws {
        for host in [HengeReply.null, .text(""), .text("?")] {
            let range = HengeReply.array([
                .integer(0), .integer(16383), .array([host, .integer(7001)]),
            ])
            let map = try SlotMap(.array([range]), from: Self.asked)
            #expect(map.nodes == [HengeAddress(host: "10.0.0.9", port: 7001)])
        }
    }

    @Test func aMapWithHolesIsNone() {
        let reply = HengeReply.array([Self.range(0, 99, 7001), Self.range(150, 16383, 7002)])
        #expect(throws: SlotMap.Fault.unserved(50)) { try SlotMap(reply, from: Self.asked) }
        #expect(throws: SlotMap.Fault.unserved(16384)) {
            try SlotMap(.array([]), from: Self.asked)
        }
    }

    @Test(
        "what makes no sense does not trap",
        arguments: [
            HengeReply.null, .array([.integer(1)]), .array([.array([.integer(0), .integer(1)])]),
            .array([range(0, 16_384, 7001)]), .array([range(-1, 5, 7001)]),
            .array([range(5, 4, 7001)]), .array([range(0, 16_383, 0)]),
            .array([range(0, 16_383, 65_536)]),
            .array([.array([.integer(0), .integer(1), .array([.text("h")])])]),
        ]
    )
    func nonsense(reply: HengeReply) {
        #expect(throws: SlotMap.Fault.malformed) { try SlotMap(reply, from: Self.asked) }
    }

    /// The slots are those that `CLUSTER KEYSLOT` of Redis 7.0.15 says.
    @Test(
        arguments: [
            (0, 13_053), (42, 7_803), (123_456_789_012, 16_360), (999_999_999_999, 9_017),
        ] as [(Int, UInt16)])
    func keysHaveTheSlotsOfRedis(key: Int, slot: UInt16) {
        #expect(RequestWriter(valueBytes: 1, seed: 1).slot(of: key) == slot)
    }

    // MARK: Clients

    private static func plan(
        _ servers: [ScriptedServer],
        splitAt slot: Int,
        mix: OperationMix,
        limit: LoadPhase.Limit = .operations(500)
    ) throws -> LoadPlan {
        let ranges = [(0, slot - 1), (slot, 16383)]
        let reply = HengeReply.array(
            zip(ranges, servers).map { range, server in
                Self.range(range.0, range.1, server.address.port)
            }
        )
        return LoadPlan(
            addresses: [servers[0].address],
            slots: try SlotMap(reply, from: asked),
            connections: 4,
            threads: 2,
            valueBytes: 10,
            preparation: [["READY"]],
            afterWrite: [],
            seed: 1,
            populate: nil,
            warmup: nil,
            measured: LoadPhase(
                name: "test",
                mix: mix,
                distribution: .uniform,
                keys: 100,
                limit: limit,
                rate: nil,
                pipeline: 3
            )
        )
    }

    @Test func clientsAskEachKeysOwnNode() async throws {
        let servers = [
            try await ScriptedServer.start { _ in .bytes("+OK\r\n") },
            try await ScriptedServer.start { _ in .bytes("+OK\r\n") },
        ]
        let plan = try Self.plan(servers, splitAt: 4000, mix: .data(reads: 1, writes: 1))
        let result = try await LoadRun(plan: plan).run()
        #expect(result.operations == 500 && result.errors.count == 0)
        let writer = RequestWriter(valueBytes: 1, seed: 1)
        for (index, server) in servers.enumerated() {
            let requests = server.requests
            #expect(requests.prefix(4).allSatisfy { $0 == ["READY"] })
            let keys = requests.dropFirst(4).compactMap { Int($0[1].dropFirst(4)) }
            #expect(keys.count == requests.count - 4 && !keys.isEmpty)
            #expect(keys.allSatisfy { (writer.slot(of: $0) < 4000) == (index == 0) })
        }
        #expect(servers.reduce(0) { $0 + $1.requests.count } == 508)
        for server in servers { try await server.stop() }
    }

    @Test func pingsGoToAllNodes() async throws {
        let servers = [
            try await ScriptedServer.start { _ in .bytes("+OK\r\n") },
            try await ScriptedServer.start { _ in .bytes("+OK\r\n") },
        ]
        let plan = try Self.plan(servers, splitAt: 1, mix: .ping)
        #expect(try await LoadRun(plan: plan).run().operations == 500)
        #expect(servers.allSatisfy { abs($0.requests.count - 254) < 20 })
        for server in servers { try await server.stop() }
    }

    @Test("without one of its nodes a client is lost, with all that it waited for")
    func lostNodes() async throws {
        let servers = [
            try await ScriptedServer.start { words in
                words[0] == "READY" ? .bytes("+OK\r\n") : .close
            },
            try await ScriptedServer.start { _ in .bytes("+OK\r\n") },
        ]
        let plan = try Self.plan(servers, splitAt: 2000, mix: .set, limit: .seconds(60))
        let result = try await LoadRun(plan: plan).run()
        #expect(result.loss == "the server closed the connection")
        #expect(result.errors.entries.map(\.code) == ["DISCONNECTED"])
        // Four clients with up to three in flight each.
        #expect((4...12).contains(result.errors.count))
        #expect(result.seconds < 30)
        for server in servers { try await server.stop() }
    }
}
