import HengeClient
import HengeCommand
import NIOConcurrencyHelpers
import Testing

@Suite struct LoadRunTests {
    private static func plan(
        _ server: ScriptedServer,
        mix: OperationMix,
        limit: LoadPhase.Limit,
        rate: Double? = nil,
        preparation: [[String]] = [],
        afterWrite: [String] = []
    ) -> LoadPlan {
        LoadPlan(
            addresses: [server.address],
            connections: 5,
            threads: 2,
            valueBytes: 10,
            preparation: preparation,
            afterWrite: afterWrite,
            seed: 1,
            populate: nil,
            warmup: nil,
            measured: LoadPhase(
                name: "test",
                mix: mix,
                distribution: .uniform,
                keys: 100,
                limit: limit,
                rate: rate,
                pipeline: 3
            )
        )
    }

    @Test func sendsAsManyOperationsAsAsked() async throws {
        let server = try await ScriptedServer.start { words in
            .bytes(words[0] == "GET" ? "$3\r\nabc\r\n" : "+OK\r\n")
        }
        let plan = Self.plan(server, mix: .data(reads: 1, writes: 1), limit: .operations(1001))
        let result = try await LoadRun(plan: plan).run()
        #expect(result.operations == 1001 && result.errors.count == 0 && result.misses == 0)
        #expect(server.requests.count == 1001)
        let reads = server.requests.filter { $0[0] == "GET" }.count
        #expect(result.latencies.reads.totalCount == UInt64(reads))
        #expect(result.latencies.writes.totalCount == UInt64(1001 - reads))
        try await server.stop()
    }

    @Test func preparesEachConnectionFirst() async throws {
        let server = try await ScriptedServer.start { _ in .bytes("+OK\r\n") }
        let words = ["CONSISTENCY", "ALL"]
        let plan = Self.plan(server, mix: .ping, limit: .operations(50), preparation: [words])
        let result = try await LoadRun(plan: plan).run()
        #expect(result.operations == 50)
        #expect(Array(server.requests.prefix(5)) == Array(repeating: words, count: 5))
        #expect(server.requests.dropFirst(5).allSatisfy { $0 == ["PING"] })
        try await server.stop()
    }

    @Test func aRefusedPreparationEndsTheRun() async throws {
        let server = try await ScriptedServer.start { _ in .bytes("-ERR unknown command\r\n") }
        let plan = Self.plan(server, mix: .ping, limit: .operations(50), preparation: [["X"]])
        await #expect(throws: LoadError.refused("ERR unknown command")) {
            try await LoadRun(plan: plan).run()
        }
        try await server.stop()
    }

    @Test func anUnreachableServerEndsTheRun() async throws {
        let server = try await ScriptedServer.start { _ in .close }
        try await server.stop()
        let plan = Self.plan(server, mix: .ping, limit: .operations(50))
        do {
            _ = try await LoadRun(plan: plan).run()
            Issue.record("nothing listens there")
        } catch let error as LoadError {
            guard case .unreachable = error else { throw error }
        }
    }

    @Test func errorsAreCountedAndMissesAre() async throws {
        let server = try await ScriptedServer.start { words in
            .bytes(words[0] == "GET" ? "$-1\r\n" : "-UNAVAILABLE required=2 alive=1\r\n")
        }
        let plan = Self.plan(server, mix: .data(reads: 1, writes: 1), limit: .operations(500))
        let result = try await LoadRun(plan: plan).run()
        let reads = server.requests.filter { $0[0] == "GET" }.count
        #expect(result.operations == reads && result.misses == reads)
        #expect(result.errors.count == 500 - reads)
        #expect(result.errors.entries.map(\.text) == ["UNAVAILABLE required=2 alive=1"])
        try await server.stop()
    }

    @Test func aWriteAndItsWaitAreOneOperation() async throws {
        let server = try await ScriptedServer.start { words in
            .bytes(words[0] == "WAIT" ? ":2\r\n" : "+OK\r\n")
        }
        let wait = ["WAIT", "2", "100"]
        let plan = Self.plan(server, mix: .set, limit: .operations(100), afterWrite: wait)
        let result = try await LoadRun(plan: plan).run()
        #expect(result.operations == 100 && result.errors.count == 0)
        #expect(server.requests.count == 200)
        #expect(server.requests.filter { $0 == wait }.count == 100)
        try await server.stop()
    }

    @Test func aWaitForTooFewReplicasIsAnError() async throws {
        let count = NIOLockedValueBox(0)
        let server = try await ScriptedServer.start { words in
            guard words[0] == "WAIT" else { return .bytes("+OK\r\n") }
            let turn = count.withLockedValue { count in
                count += 1
                return count
            }
            return .bytes(turn <= 30 ? ":1\r\n" : ":2\r\n")
        }
        let wait = ["WAIT", "2", "100"]
        let plan = Self.plan(server, mix: .set, limit: .operations(100), afterWrite: wait)
        let result = try await LoadRun(plan: plan).run()
        #expect(result.operations == 70)
        #expect(
            result.errors.entries == [
                .init(code: "WAIT", count: 30, text: "WAIT reported 1 replicas of 2")
            ])
        try await server.stop()
    }

    @Test func populatingWritesEveryKeyOnce() async throws {
        let server = try await ScriptedServer.start { _ in .bytes("+OK\r\n") }
        var plan = Self.plan(server, mix: .ping, limit: .operations(10))
        var populate = plan.measured
        populate.mix = .set
        populate.distribution = .sequential
        populate.keys = 101
        populate.limit = .operations(101)
        plan.populate = populate
        let result = try await LoadRun(plan: plan).run()
        #expect(result.operations == 10)
        let keys = server.requests.filter { $0[0] == "SET" }.map { $0[1] }.sorted()
        let digits = (0...100).map {
            "key:" + String(repeating: "0", count: 12 - "\($0)".count) + "\($0)"
        }
        #expect(keys == digits.sorted())
        try await server.stop()
    }

    @Test func populatingThatFailsEndsTheRun() async throws {
        let server = try await ScriptedServer.start { _ in .bytes("-OVERLOADED try later\r\n") }
        var plan = Self.plan(server, mix: .ping, limit: .operations(10))
        plan.populate = Self.plan(server, mix: .set, limit: .operations(7)).measured
        await #expect(throws: LoadError.populate(failed: 7, "OVERLOADED try later")) {
            try await LoadRun(plan: plan).run()
        }
        try await server.stop()
    }

    @Test func aLostConnectionIsAnErrorAndTheOthersGoOn() async throws {
        let hasClosed = NIOLockedValueBox(false)
        let server = try await ScriptedServer.start { _ in
            let closes = hasClosed.withLockedValue { done in
                defer { done = true }
                return !done
            }
            return closes ? .close : .bytes("+PONG\r\n")
        }
        let plan = Self.plan(server, mix: .ping, limit: .operations(600))
        let result = try await LoadRun(plan: plan).run()
        #expect(result.errors.entries.map(\.code) == ["DISCONNECTED"])
        // The connection had three in flight at most.
        #expect((1...3).contains(result.errors.count))
        #expect(result.operations == 600 - result.errors.count)
        #expect(result.loss == nil)
        try await server.stop()
    }

    @Test func withoutAnyConnectionTheRunEnds() async throws {
        let server = try await ScriptedServer.start { _ in .close }
        let plan = Self.plan(server, mix: .ping, limit: .seconds(60))
        await #expect(throws: LoadError.lost("the server closed the connection")) {
            try await LoadRun(plan: plan).run()
        }
        try await server.stop()
    }

    @Test func aRunCutShortSaysWhy() async throws {
        let count = NIOLockedValueBox(0)
        let server = try await ScriptedServer.start { _ in
            let turn = count.withLockedValue { count in
                count += 1
                return count
            }
            return turn > 100 ? .close : .bytes("+PONG\r\n")
        }
        let plan = Self.plan(server, mix: .ping, limit: .seconds(60))
        let result = try await LoadRun(plan: plan).run()
        #expect((1...100).contains(result.operations))
        #expect(result.loss == "the server closed the connection")
        #expect(result.seconds < 30)
        try await server.stop()
    }

    @Test func aRateIsKeptWhateverTheServerDoes() async throws {
        let server = try await ScriptedServer.start { _ in .bytes("+PONG\r\n") }
        let plan = Self.plan(server, mix: .ping, limit: .seconds(0.3), rate: 1000)
        let result = try await LoadRun(plan: plan).run()
        // Each of the two loops sends its first at once and one every 2 ms.
        #expect(result.operations + result.unsent == 302)
        #expect(server.requests.count == result.operations)
        #expect(result.latencies.all.totalCount == 302)
        try await server.stop()
    }

    @Test func anAnswerThatMakesNoSenseEndsTheRun() async throws {
        let server = try await ScriptedServer.start { _ in
            .bytes("HTTP/1.1 400 Bad Request\r\n\r\n")
        }
        let plan = Self.plan(server, mix: .ping, limit: .seconds(60))
        do {
            _ = try await LoadRun(plan: plan).run()
            Issue.record("that was no Redis")
        } catch let error as LoadError {
            #expect(error.description.contains("does a Redis-compatible server listen there?"))
        }
        try await server.stop()
    }
}
