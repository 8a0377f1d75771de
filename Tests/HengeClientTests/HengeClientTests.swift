import HengeClient
import NIOCore
import Testing

@Suite struct HengeClientTests {
    private let key = ByteBuffer(string: "k")
    private let value = ByteBuffer(string: "v")

    @Test(
        "get, put, read with context, delete: the commands of the protocol, options at their place"
    )
    func story() async throws {
        let node = try await ScriptedNode.start { words in
            switch words[0] {
            case "GET": .reply("$1\r\nv\r\n")
            case "HENGE.GET":
                .trickle(
                    "*2\r\n$2\r\nc1\r\n*2\r\n*3\r\n$1\r\na\r\n:5\r\n_\r\n"
                        + "*3\r\n$1\r\nb\r\n:6\r\n:9\r\n"
                )
            case "HENGE.SET": .reply("$2\r\nc2\r\n")
            default: .reply("$2\r\nc3\r\n")
            }
        }
        let client = try HengeClient(addresses: [node.address])
        #expect(try await client.get(key, consistency: .one) == value)
        let object = try await client.getAll(key, consistency: .quorum.sloppy)
        #expect(
            object
                == HengeObject(
                    context: HengeContext("c1"),
                    siblings: [
                        HengeSibling(value: ByteBuffer(string: "a"), writtenAtMilliseconds: 5),
                        HengeSibling(
                            value: ByteBuffer(string: "b"),
                            writtenAtMilliseconds: 6,
                            expiresAtMilliseconds: 9
                        ),
                    ]
                )
        )
        let written = try await client.put(
            value,
            for: key,
            context: object?.context,
            expiry: .seconds(2),
            consistency: .all
        )
        #expect(written == HengeContext("c2"))
        #expect(try await client.delete(key, context: written) == HengeContext("c3"))
        try await client.put(value, for: key)
        #expect(
            try await node.requests() == [
                ["HELLO", "3"],
                ["GET", "k", "CONSISTENCY", "ONE"],
                ["HENGE.GET", "k", "CONSISTENCY", "QUORUM", "SLOPPY"],
                ["HENGE.SET", "k", "v", "CONTEXT", "c1", "PX", "2000", "CONSISTENCY", "ALL"],
                ["HENGE.DEL", "k", "CONTEXT", "c2"],
                ["HENGE.SET", "k", "v"],
            ]
        )
        await client.close()
        let closed = await failure { try await client.get(key) }
        #expect(closed?.code == .connectionFailed)
        await node.stop()
    }

    @Test("nothing stored, and a deleted object")
    func absent() async throws {
        let node = try await ScriptedNode.start { words in
            if words[1] == "gone" { return .reply("*2\r\n$1\r\nc\r\n*0\r\n") }
            return .reply(words[0] == "GET" ? "_\r\n" : "*-1\r\n")
        }
        let client = try HengeClient(addresses: [node.address])
        #expect(try await client.get(key) == nil)
        #expect(try await client.getAll(key) == nil)
        #expect(
            try await client.getAll(ByteBuffer(string: "gone"))
                == HengeObject(context: HengeContext("c"), siblings: [])
        )
        await client.close()
        await node.stop()
    }

    @Test("a bucket has a connection of its own")
    func buckets() async throws {
        let node = try await ScriptedNode.start { _ in .reply("_\r\n") }
        let client = try HengeClient(addresses: [node.address])
        let photos = client.bucket("photos")
        #expect(try await client.get(key) == nil)
        #expect(try await photos.get(key) == nil)
        #expect(
            try await node.requests() == [
                ["HELLO", "3"], ["GET", "k"], ["HELLO", "3"], ["HENGE.BUCKET", "photos"],
                ["GET", "k"],
            ]
        )
        await client.close()
        await photos.close()
        await node.stop()
    }

    @Test("error replies keep the connection and carry their numbers")
    func errorReplies() async throws {
        let node = try await ScriptedNode.start { words in .reply("-\(words[1])\r\n") }
        let client = try HengeClient(addresses: [node.address])
        let cases: [(String, HengeError.Code, Bool)] = [
            ("UNAVAILABLE required=2 alive=1 try later", .unavailable, false),
            ("TIMEOUT required=2 received=1 may still take effect", .timedOut, true),
            ("OVERLOADED queue is full", .overloaded, false),
            ("TOOLARGE value of 9 bytes", .tooLarge, false),
            ("CONFLICT siblings=100", .conflict, false),
            ("STALECONTEXT read again", .staleContext, false),
            ("STORAGE no space", .storage, true),
            ("ERR unknown command", .server, false),
            ("WRONGTYPE a=b c= =3 d=7x", .server, false),
        ]
        for (reply, code, mayHaveHappened) in cases {
            let error = await failure {
                try await client.put(value, for: ByteBuffer(string: reply))
            }
            #expect(error?.code == code, "\(reply)")
            #expect(error?.message == reply)
            #expect(error?.mayHaveHappened == mayHaveHappened, "\(reply)")
        }
        let unavailable = HengeError(reply: cases[0].0)
        #expect(unavailable.required == 2)
        #expect(unavailable.alive == 1)
        #expect(unavailable.received == nil)
        #expect(HengeError(reply: cases[1].0).received == 1)
        #expect(HengeError(reply: cases[4].0).number("siblings") == 100)
        #expect(HengeError(reply: "").code == .server)
        let greetings = try await node.requests().filter { $0[0] == "HELLO" }
        #expect(greetings.count == 1)
        await client.close()
        await node.stop()
    }

    @Test("an address that is down: the second serves, and is remembered")
    func failover() async throws {
        let nobody = try await ScriptedNode.unusedAddress()
        let node = try await ScriptedNode.start { _ in .reply("$1\r\nv\r\n") }
        let client = try HengeClient(addresses: [nobody, node.address])
        #expect(try await client.get(key) == value)
        #expect(try await client.put(value, for: key) == HengeContext("v"))
        #expect(try await node.requests().count == 3)
        await client.close()
        await node.stop()
        let nowhere = try HengeClient(addresses: [nobody, nobody])
        let error = await failure { try await nowhere.put(value, for: key) }
        #expect(error?.code == .connectionFailed)
        #expect(error?.mayHaveHappened == false)
    }

    @Test(
        "a node that dies with a request: a read goes elsewhere, a write says that it may be done"
    )
    func diesInTheMiddle() async throws {
        let dying = try await ScriptedNode.start { _ in .piecesThenClose(["$3\r\nv"]) }
        let node = try await ScriptedNode.start { _ in .reply("$1\r\nv\r\n") }
        let client = try HengeClient(addresses: [dying.address, node.address])
        #expect(try await client.get(key) == value)
        let other = try HengeClient(addresses: [dying.address, node.address])
        let error = await failure { try await other.put(value, for: key) }
        #expect(error?.code == .connectionFailed)
        #expect(error?.mayHaveHappened == true)
        // The write was not repeated; the next one goes to the node that lives.
        #expect(try await node.requests() == [["HELLO", "3"], ["GET", "k"]])
        #expect(try await other.put(value, for: key) == HengeContext("v"))
        await client.close()
        await other.close()
        await dying.stop()
        await node.stop()
    }

    @Test("many requests at the start make one connection")
    func singleFlight() async throws {
        let node = try await ScriptedNode.start { _ in .reply("$1\r\nv\r\n") }
        let client = try HengeClient(addresses: [node.address])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    let got = try await client.get(key)
                    #expect(got == value)
                }
            }
            try await group.waitForAll()
        }
        let requests = try await node.requests()
        #expect(requests.filter { $0[0] == "HELLO" }.count == 1)
        #expect(requests.count == 101)
        await client.close()
        await node.stop()
    }

    @Test("replies of another form are violations, not traps")
    func unexpectedForms() async throws {
        let forms = [
            ":1\r\n", "*0\r\n", "*1\r\n_\r\n", "*2\r\n_\r\n_\r\n", "*2\r\n+c\r\n*1\r\n:1\r\n",
        ]
        for form in forms + ["*2\r\n+c\r\n*1\r\n*1\r\n:1\r\n", "%0\r\n", "#t\r\n"] {
            let node = try await ScriptedNode.start { _ in .reply(form) }
            let client = try HengeClient(addresses: [node.address])
            for error in [
                await failure { try await client.get(key) },
                await failure { try await client.getAll(key) },
                await failure { try await client.put(value, for: key) },
            ] {
                #expect(error?.code == .protocolViolation, "\(form)")
            }
            await client.close()
            await node.stop()
        }
    }

    @Test("arguments that make no sense are refused before anything is sent")
    func invalidArguments() async throws {
        #expect(throws: HengeError.self) { try HengeClient(addresses: []) }
        let client = try HengeClient(addresses: [HengeAddress(host: "127.0.0.1", port: 1)])
        for expiry in [Duration.zero, .microseconds(999), .seconds(-1)] {
            let error = await failure { try await client.put(value, for: key, expiry: expiry) }
            #expect(error?.code == .invalidArgument)
        }
    }
}
