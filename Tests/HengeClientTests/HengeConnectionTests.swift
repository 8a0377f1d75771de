import HengeClient
import NIOCore
import Testing

@Suite struct HengeConnectionTests {
    private func buffers(_ words: String...) -> [ByteBuffer] {
        words.map { ByteBuffer(string: $0) }
    }

    @Test("a connection greets, names itself, sets its bucket, sends and receives")
    func story() async throws {
        let node = try await ScriptedNode.start { words in
            words[0] == "ECHO" ? .reply("$\(words[1].utf8.count)\r\n\(words[1])\r\n") : .silence
        }
        var options = HengeConnection.Options()
        options.clientName = "tester"
        options.bucket = "photos"
        let connection = try await HengeConnection.connect(to: node.address, options: options)
        #expect(try await connection.send("ECHO", "hello") == .bytes(ByteBuffer(string: "hello")))
        #expect(
            try await node.requests() == [
                ["HELLO", "3", "SETNAME", "tester"], ["HENGE.BUCKET", "photos"], ["ECHO", "hello"],
            ]
        )
        #expect(connection.isOpen)
        await connection.close()
        #expect(!connection.isOpen)
        await #expect(throws: HengeError.self) { try await connection.send("ECHO", "x") }
        await node.stop()
    }

    @Test("every kind of reply, byte by byte")
    func replyKinds() async throws {
        let reply =
            "*7\r\n_\r\n:-1\r\n,1.5\r\n#t\r\n+OK\r\n~1\r\n$1\r\nx\r\n%1\r\n+k\r\n-ERR in\r\n"
        let node = try await ScriptedNode.start { _ in .trickle(reply) }
        let connection = try await HengeConnection.connect(to: node.address)
        #expect(
            try await connection.send("ANY")
                == .array([
                    .null, .integer(-1), .double(1.5), .boolean(true), .text("OK"),
                    .array([.bytes(ByteBuffer(string: "x"))]),
                    .map([
                        HengeReply.Entry(
                            key: .text("k"),
                            value: .error(HengeError(reply: "ERR in"))
                        )
                    ]),
                ])
        )
        await connection.close()
        await node.stop()
    }

    @Test("many tasks at once each get their own reply, and pushes disturb none")
    func pipelining() async throws {
        let node = try await ScriptedNode.start { words in
            .pieces([">1\r\n+news\r\n$\(words[1].utf8.count)\r\n", words[1] + "\r\n"])
        }
        let connection = try await HengeConnection.connect(to: node.address)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<500 {
                group.addTask {
                    let reply = try await connection.send("ECHO", "\(number)")
                    #expect(reply == .bytes(ByteBuffer(string: "\(number)")))
                }
            }
            try await group.waitForAll()
        }
        await connection.close()
        await node.stop()
    }

    @Test("a pipeline reports each error at its place")
    func pipelineErrors() async throws {
        let node = try await ScriptedNode.start { words in
            words[0] == "BAD" ? .reply("-ERR unknown command\r\n") : .reply("+\(words[0])\r\n")
        }
        let connection = try await HengeConnection.connect(to: node.address)
        let replies = try await connection.pipeline([buffers("A"), buffers("BAD"), buffers("B")])
        #expect(
            replies == [
                .success(.text("A")), .failure(HengeError(reply: "ERR unknown command")),
                .success(.text("B")),
            ]
        )
        #expect(try await connection.pipeline([]) == [])
        let error = await #expect(throws: HengeError.self) {
            try await connection.pipeline([buffers("A"), []])
        }
        #expect(error?.code == .invalidArgument)
        await connection.close()
        await node.stop()
    }

    @Test("a connection closed in the middle fails all that is pending: it may have happened")
    func closedInTheMiddle() async throws {
        let node = try await ScriptedNode.start { words in
            words[0] == "LAST" ? .piecesThenClose(["$10\r\nhalf"]) : .silence
        }
        let connection = try await HengeConnection.connect(to: node.address)
        let failures = await withTaskGroup(of: HengeError?.self) { group in
            for _ in 0..<3 { group.addTask { await failure { try await connection.send("WAIT") } } }
            group.addTask { await failure { try await connection.send("LAST") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(failures.count == 4)
        for failure in failures {
            #expect(failure?.code == .connectionFailed)
        }
        // One that was submitted after the close was not sent, and says so.
        #expect(failures.contains { $0?.mayHaveHappened == true })
        let late = await failure { try await connection.send("LATE") }
        #expect(late?.code == .connectionFailed)
        #expect(late?.mayHaveHappened == false)
        await node.stop()
    }

    @Test("nonsense for a reply, or a reply too many, closes the connection")
    func nonsense() async throws {
        for nonsense in ["HTTP/1.1 400 Bad Request\r\n", ":1x\r\n"] {
            let node = try await ScriptedNode.start { _ in .reply(nonsense) }
            let connection = try await HengeConnection.connect(to: node.address)
            let error = await failure { try await connection.send("GET", "k") }
            #expect(error?.code == .protocolViolation)
            #expect(error?.mayHaveHappened == true)
            #expect(!connection.isOpen)
            await node.stop()
        }
        let node = try await ScriptedNode.start { _ in .reply("+OK\r\n+OK\r\n") }
        let connection = try await HengeConnection.connect(to: node.address)
        #expect(try await connection.send("SET") == .text("OK"))
        let error = await failure { while true { _ = try await connection.send("SET") } }
        #expect(error != nil)
        #expect(!connection.isOpen)
        await node.stop()
    }

    @Test("no reply in time: the oldest request timed out, and the connection is closed")
    func timeout() async throws {
        let node = try await ScriptedNode.start { _ in .silence }
        var options = HengeConnection.Options()
        // No greeting: on a busy machine that, too, might take longer than this.
        options.greets = false
        options.requestTimeout = .milliseconds(50)
        let connection = try await HengeConnection.connect(to: node.address, options: options)
        let error = await failure { try await connection.send("GET", "k") }
        #expect(error?.code == .timedOut)
        #expect(error?.mayHaveHappened == true)
        #expect(!connection.isOpen)
        await node.stop()
    }

    @Test("past the bound in flight: overloaded at once, nothing sent")
    func inFlightBound() async throws {
        let node = try await ScriptedNode.start { words in
            words[0] == "PING" ? .reply("+PONG\r\n") : .silence
        }
        var options = HengeConnection.Options()
        options.requestsInFlightMax = 2
        options.bytesInFlightMax = 1_000
        let connection = try await HengeConnection.connect(to: node.address, options: options)
        let three = await failure {
            try await connection.pipeline([buffers("PING"), buffers("PING"), buffers("PING")])
        }
        #expect(three?.code == .overloaded)
        let long = await failure {
            try await connection.send("ECHO", String(repeating: "x", count: 1_000))
        }
        #expect(long?.code == .overloaded)
        #expect(long?.mayHaveHappened == false)
        // The bound is on what is in flight, not on what was ever sent.
        for _ in 0..<100 { #expect(try await connection.send("PING") == .text("PONG")) }
        #expect(try await node.requests().count == 101)
        await connection.close()
        await node.stop()
    }

    @Test("a refused port, a refused bucket: typed errors")
    func refusals() async throws {
        let nobody = try await ScriptedNode.unusedAddress()
        let refused = await failure { try await HengeConnection.connect(to: nobody) }
        #expect(refused?.code == .connectionFailed)
        #expect(refused?.mayHaveHappened == false)
        let node = try await ScriptedNode.start { _ in .reply("-ERR no such bucket\r\n") }
        var options = HengeConnection.Options()
        options.bucket = "forbidden"
        let bucket = await failure {
            try await HengeConnection.connect(to: node.address, options: options)
        }
        #expect(bucket == HengeError(reply: "ERR no such bucket"))
        await node.stop()
    }
}

/// The error that `body` throws, nil if it throws none or one of another type.
func failure(_ body: () async throws -> some Any) async -> HengeError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? HengeError
    }
}
