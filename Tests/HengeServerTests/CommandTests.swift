import Testing

/// Every command over a socket, against one node.
@Suite(.serialized) struct CommandTests {
    private typealias Step = (command: String, reply: String)

    private func run(_ steps: [Step], on client: TestClient) async throws {
        for step in steps {
            let reply = try await client(step.command)
            let isLater = step.command.hasPrefix("TTL") && isLittleLess(reply, than: step.reply)
            #expect(reply == step.reply || isLater, "\(step.command): \(reply)")
        }
    }

    /// On a slow machine seconds may pass between the setting of an expiry and a look at it.
    private func isLittleLess(_ reply: String, than expected: String) -> Bool {
        guard let reply = Int(reply.dropFirst()), let expected = Int(expected.dropFirst()) else {
            return false
        }
        return expected > 10 && (expected - 5..<expected).contains(reply)
    }

    @Test("strings and keys, in RESP2 and RESP3")
    func data() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            for version in [2, 3] {
                let client = try await cluster.client()
                _ = try await client("HELLO \(version)")
                _ = try await client("HENGE.BUCKET v\(version)")
                try await run(Self.strings + Self.setOptions + Self.several, on: client)
                try await run(Self.expiry, on: client)
                try await client.close()
            }
        }
    }

    private static let strings: [Step] = [
        ("GET a", "nil"), ("SET a 1", "+OK"), ("get a", "\"1\""), ("STRLEN a", ":1"),
        ("TYPE a", "+string"), ("TYPE none", "+none"), ("STRLEN none", ":0"),
        ("SETNX a 2", ":0"), ("SETNX b 2", ":1"), ("GETSET a 3", "\"1\""),
        ("GETSET fresh 1", "nil"), ("GET a CONSISTENCY ONE", "\"3\""),
        ("SET a 4 CONSISTENCY ALL", "+OK"), ("GETDEL a", "\"4\""), ("GETDEL a", "nil"),
        ("GET a", "nil"), ("DEL a b fresh", ":2"),
    ]

    private static let setOptions: [Step] = [
        ("SET s 1 XX", "nil"), ("SET s 1 NX", "+OK"), ("SET s 2 NX", "nil"),
        ("SET s 2 XX", "+OK"), ("SET s 3 GET", "\"2\""), ("SET s 4 NX GET", "\"3\""),
        ("GET s", "\"3\""), ("SET t 1 XX GET", "nil"), ("EXISTS t", ":0"),
        ("SET s 5 EX 100", "+OK"), ("TTL s", ":100"), ("SET s 6 KEEPTTL", "+OK"),
        ("TTL s", ":100"), ("SET s 7", "+OK"), ("TTL s", ":-1"),
        ("SET s 8 PX 100000 XX CONSISTENCY QUORUM", "+OK"), ("TTL s", ":100"),
        ("SET s 9 EXAT 99999999999", "+OK"), ("EXPIRETIME s", ":99999999999"),
        ("PEXPIRETIME s", ":99999999999000"), ("SET s 9 PXAT 99999999999123", "+OK"),
        ("PEXPIRETIME s", ":99999999999123"), ("SET s 1 PXAT 1", "+OK"), ("GET s", "nil"),
        ("SETEX s 100 v", "+OK"), ("TTL s", ":100"), ("PSETEX s 100000 w", "+OK"),
        ("GET s", "\"w\""), ("DEL s", ":1"),
    ]

    private static let several: [Step] = [
        ("MSET a 1 b 2 c 3", "+OK"), ("MGET a none c", "[\"1\", nil, \"3\"]"),
        ("MGET a", "[\"1\"]"), ("EXISTS a", ":1"), ("EXISTS a a none b", ":3"),
        ("TOUCH a none", ":1"), ("MSET d 1 d 2 d 3", "+OK"), ("GET d", "\"3\""),
        ("DEL a a none", ":1"), ("UNLINK b", ":1"), ("MGET a b c", "[nil, nil, \"3\"]"),
        ("MSET x 1 y 2 CONSISTENCY ALL", "+OK"), ("MGET x y CONSISTENCY ONE", "[\"1\", \"2\"]"),
        ("EXISTS x y CONSISTENCY QUORUM", ":2"), ("DEL x y CONSISTENCY ALL", ":2"),
        ("MSET consistency 5", "+OK"), ("MGET consistency", "[\"5\"]"),
        ("DEL c d consistency", ":3"),
    ]

    private static let expiry: [Step] = [
        ("SET e 1", "+OK"), ("TTL e", ":-1"), ("PTTL none", ":-2"), ("TTL none", ":-2"),
        ("EXPIRETIME e", ":-1"), ("EXPIRE none 10", ":0"), ("EXPIRE e 100", ":1"),
        ("TTL e", ":100"), ("EXPIRE e 50 GT", ":0"), ("EXPIRE e 200 GT", ":1"),
        ("EXPIRE e 300 LT", ":0"), ("EXPIRE e 150 LT", ":1"), ("TTL e", ":150"),
        ("EXPIRE e 10 NX", ":0"), ("PERSIST e", ":1"), ("PERSIST e", ":0"),
        ("EXPIRE e 10 XX", ":0"), ("EXPIRE e 10 GT", ":0"), ("PEXPIRE e 100000 NX", ":1"),
        ("PEXPIREAT e 99999999999123", ":1"), ("PEXPIRETIME e", ":99999999999123"),
        ("EXPIREAT e 99999999999", ":1"), ("EXPIRETIME e", ":99999999999"),
        ("GETEX e", "\"1\""), ("GETEX e EX 100", "\"1\""), ("TTL e", ":100"),
        ("GETEX e PERSIST", "\"1\""), ("TTL e", ":-1"), ("GETEX e PERSIST", "\"1\""),
        ("GETEX none EX 10", "nil"), ("EXPIRE e -1", ":1"), ("GET e", "nil"),
        ("SET e 1", "+OK"), ("GETEX e PXAT 1", "\"1\""), ("EXISTS e", ":0"),
        ("SET e 1 PX 1", "+OK"),
    ]

    @Test("errors are worded as in Redis 7")
    func errors() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1) {
            $0.valueBytesMax = 2048
        } _: { cluster in
            let client = try await cluster.client()
            try await run(Self.wrongUsage + Self.wrongValues, on: client)
            let value = String(repeating: "v", count: 2049)
            #expect(
                try await client("SET k \(value)")
                    == "-TOOLARGE value of 2049 bytes exceeds the limit of 2048 bytes"
            )
            #expect(try await client("MSET j 1 k \(value)").hasPrefix("-TOOLARGE value"))
            #expect(try await client("GET j") == "nil")
            let key = String(repeating: "k", count: 65537)
            #expect(
                try await client("GET \(key)")
                    == "-TOOLARGE key of 65537 bytes exceeds the limit of 65536 bytes"
            )
            #expect(try await client("EXISTS a \(key)").hasPrefix("-TOOLARGE key"))
            #expect(try await client("SET \(key.dropLast()) 1") == "+OK")
            #expect(try await client("PING") == "+PONG")
        }
    }

    private static let wrongUsage: [Step] = [
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        ("get a b", "-ERR wrong number of arguments for 'get' command"),
        ("MSET a", "-ERR wrong number of arguments for 'mset' command"),
        ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
        ("PING a b", "-ERR wrong number of arguments for 'ping' command"),
        ("CLIENT SETNAME", "-ERR wrong number of arguments for 'client|setname' command"),
        ("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: "),
        ("nosuch a bc", "-ERR unknown command 'nosuch', with args beginning with: 'a' 'bc' "),
        ("CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP."),
        ("CLUSTER FOO", "-ERR unknown subcommand 'FOO'. Try CLUSTER HELP."),
        ("CONFIG SET a b", "-ERR unknown subcommand 'SET'. Try CONFIG HELP."),
        ("SET a 1 FOO", "-ERR syntax error"), ("SET a 1 NX XX", "-ERR syntax error"),
        ("SET a 1 EX", "-ERR syntax error"), ("SET a 1 EX 1 PX 1", "-ERR syntax error"),
        ("SET a 1 EX 1 KEEPTTL", "-ERR syntax error"), ("SET a 1 CONSISTENCY", "-ERR syntax error"),
        ("GETEX a EX", "-ERR syntax error"), ("GETEX a FOO 1", "-ERR syntax error"),
        ("SCAN 0 COUNT", "-ERR syntax error"), ("SCAN 0 COUNT 0", "-ERR syntax error"),
        ("EXPIRE a 1 FOO", "-ERR Unsupported option FOO"),
        (
            "EXPIRE a 1 NX XX",
            "-ERR NX and XX, GT or LT options at the same time are not compatible"
        ),
        (
            "EXPIRE a 1 GT LT",
            "-ERR GT and LT options at the same time are not compatible"
        ),
    ]

    private static let wrongValues: [Step] = [
        ("SET a 1 EX x", "-ERR value is not an integer or out of range"),
        ("SET a 1 EX 0", "-ERR invalid expire time in 'set' command"),
        ("SETEX a 0 v", "-ERR invalid expire time in 'setex' command"),
        ("SETEX a 9223372036854775807 v", "-ERR invalid expire time in 'setex' command"),
        ("PSETEX a -1 v", "-ERR invalid expire time in 'psetex' command"),
        ("EXPIRE a x", "-ERR value is not an integer or out of range"),
        ("EXPIRE a 9223372036854775807", "-ERR invalid expire time in 'expire' command"),
        ("SCAN x", "-ERR invalid cursor"), ("SELECT 1", "-ERR DB index is out of range"),
        ("SELECT x", "-ERR value is not an integer or out of range"),
        ("HELLO 4", "-NOPROTO unsupported protocol version"),
        ("HELLO x", "-ERR Protocol version is not an integer or out of range"),
        ("HELLO 3 FOO", "-ERR Syntax error in HELLO option 'FOO'"),
        (
            "AUTH secret",
            "-ERR AUTH <password> called without any password configured for the default user."
                + " Are you sure your configuration is correct?"
        ),
        ("AUTH bob x", "-WRONGPASS invalid username-password pair or user is disabled."),
        ("AUTH default x", "+OK"),
        (
            "GET a CONSISTENCY SOME",
            "-ERR invalid consistency level 'SOME'; use ONE, QUORUM, ALL or a number from 1 to 8"
        ),
        (
            "SET a 1 CONSISTENCY SLOPPY",
            "-ERR invalid consistency level 'SLOPPY'; use ONE, QUORUM, ALL or a number from 1 to 8"
        ),
        ("SET a 1 CONSISTENCY ONE SLOPPY SLOPPY", "-ERR syntax error"),
        ("GET a SLOPPY", "-ERR wrong number of arguments for 'get' command"),
        ("CONSISTENCY READ ONE SLOPPY WRITE ONE", "-ERR syntax error"),
        ("HENGE.HINTS PAUSE n1", "-ERR syntax error"),
        ("HENGE.HINTS DROP nobody", "-ERR no node is called 'nobody'"),
        ("FLUSHALL", "-ERR FLUSHALL is disabled; start the node with --allow-flush"),
        ("FLUSHDB", "-ERR FLUSHDB is disabled; start the node with --allow-flush"),
        ("FLUSHALL NOW", "-ERR syntax error"),
        ("GET a CONSISTENCY 2", "-UNAVAILABLE required=2 alive=1 too few replicas are up"),
        (
            "SET a 1 CONSISTENCY 2",
            "-UNAVAILABLE required=2 alive=1 too few replicas are up; nothing was written"
        ),
        ("HENGE.SET a 1 CONTEXT x!", "-ERR invalid context"),
    ]

    @Test("siblings, contexts and conflicts")
    func causal() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let client = try await cluster.client()
            #expect(try await client("HENGE.GET k") == "nil")
            let first = try await client.value("HENGE.SET k one").text
            let second = try await client.value("HENGE.SET k two CONSISTENCY ALL").text
            #expect(first != second && !second.isEmpty)
            let both = try await client.value("HENGE.GET k CONSISTENCY ALL").elements
            #expect(both[0].text == second)
            let siblings = both[1].elements.map(\.elements)
            #expect(Set(siblings.map { $0[0].text }) == ["one", "two"])
            #expect(siblings.allSatisfy { ($0[1].int ?? 0) > 1_600_000_000_000 })
            #expect(siblings.allSatisfy { $0[2] == .null })
            // A plain read shows the newest and counts what it did not show.
            #expect(try await client("GET k") == "\"two\"")
            let status = try await client.value("HENGE.STATUS")
            #expect(status["conflicts_seen"]?.int == 1)
            let merged = try await client.value("HENGE.SET k both CONTEXT \(second) PX 100000").text
            let one = try await client.value("HENGE.GET k").elements
            #expect(one[1].elements.map { $0.elements[0].text } == ["both"])
            #expect((one[1].elements[0].elements[2].int ?? 0) > 1_600_000_000_000)
            let stale = try await client("HENGE.SET other x CONTEXT \(merged)")
            #expect(stale.hasPrefix("-STALECONTEXT "))
            let deleted = try await client.value("HENGE.DEL k CONTEXT \(merged)").text
            #expect(try await client("HENGE.GET k") == "[\"\(deleted)\", []]")
            #expect(try await client("GET k") == "nil")
        }
    }

    @Test("scanning, counting, flushing, and what a bucket holds")
    func coverage() async throws {
        try await TestCluster.with(nodes: 1) {
            $0.allowsFlush = true
        } _: { cluster in
            let client = try await cluster.client()
            #expect(try await client("RANDOMKEY") == "nil")
            #expect(try await client("SCAN 0") == "[\"0\", []]")
            for index in 0..<300 { client.send(["SET", "key:\(index)", "v"]) }
            for _ in 0..<300 { #expect(try await client.reply() == "+OK") }
            #expect(try await client("DBSIZE") == ":300")
            #expect(try await scan("COUNT 50", client).count == 300)
            #expect(try await scan("MATCH key:1? COUNT 50", client).count == 10)
            #expect(try await scan("TYPE string", client).count == 300)
            #expect(try await scan("TYPE hash", client).isEmpty)
            #expect(try await client("RANDOMKEY").hasPrefix("\"key:"))
            let slot = try await client("CLUSTER KEYSLOT key:7").dropFirst()
            #expect(try await client("CLUSTER COUNTKEYSINSLOT \(slot)") == ":1")
            _ = try await client("HENGE.BUCKET other")
            #expect(try await client("GET key:7") == "nil")
            #expect(try await client("SCAN 0") == "[\"0\", []]")
            _ = try await client("SET mine 1")
            #expect(try await client("FLUSHDB ASYNC") == "+OK")
            #expect(try await client("GET mine") == "nil")
            _ = try await client("HENGE.BUCKET default")
            #expect(try await client("EXISTS key:7") == ":1")
            #expect(try await client("FLUSHALL") == "+OK")
            #expect(try await client("DBSIZE") == ":0")
        }
    }

    private func scan(_ options: String, _ client: TestClient) async throws -> Set<String> {
        var keys: Set<String> = []
        var cursor = "0"
        repeat {
            let page = try await client.value("SCAN \(cursor) \(options)").elements
            try #require(page.count == 2)
            cursor = page[0].text
            for key in page[1].elements { keys.insert(key.text) }
        } while cursor != "0"
        return keys
    }
}
