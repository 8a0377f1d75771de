import HengeBase
import HengeMessages
import HengeRESP
import HengeRing
import HengeServer
import NIOCore
import Testing

@Suite struct CommandPartsTests {
    @Test("every command is found under its name, in any case, and has a sensible entry")
    func table() {
        let table = CommandTable()
        #expect(Set(table.specs.map(\.name)).count == table.specs.count)
        #expect(Set(table.specs.map(\.command)).count == table.specs.count)
        for spec in table.specs {
            let name = CommandName(ByteBuffer(string: spec.name.uppercased()))
            #expect(name.flatMap { table[$0] }?.command == spec.command, "\(spec.name)")
            #expect(spec.arity != 0)
            #expect(spec.name == spec.name.lowercased())
            let isOnKeys = spec.lane == .keyed || spec.lane == .fanOut
            #expect(isOnKeys == (spec.firstKey == 1), "\(spec.name)")
            #expect((spec.lane == .explained) == (spec.firstKey == 2), "\(spec.name)")
        }
        #expect(table["NOSUCH"] == nil)
    }

    @Test("the positions of keys follow from the entry")
    func keyPositions() throws {
        let table = CommandTable()
        let mset = try #require(table["MSET"])
        #expect(Array(mset.keyPositions(argumentCount: 5)) == [1, 3])
        let del = try #require(table["DEL"])
        #expect(Array(del.keyPositions(argumentCount: 4)) == [1, 2, 3])
        let set = try #require(table["SET"])
        #expect(Array(set.keyPositions(argumentCount: 5)) == [1])
        let ping = try #require(table["PING"])
        #expect(Array(ping.keyPositions(argumentCount: 2)).isEmpty)
    }

    @Test(
        "numbers are read as strictly as Redis reads them",
        arguments: [
            ("0", 0), ("-1", -1), ("9223372036854775807", Int64.max),
            ("-9223372036854775808", Int64.min), ("9223372036854775808", nil), ("01", nil),
            ("-0", nil), ("+1", nil), (" 1", nil), ("1 ", nil), ("", nil), ("-", nil), ("1a", nil),
            ("100000000000000000000", nil),
        ] as [(String, Int64?)]
    )
    func integers(_ text: String, _ expected: Int64?) {
        #expect(RESPCommand.integer(ByteBuffer(string: text)) == expected)
    }

    @Test("times of expiry: relative, absolute, past, and too large")
    func expiry() throws {
        let now = WallTime(milliseconds: 1_000_000)
        #expect(try ExpiryOption.seconds.positive(5, now: now, command: "set") == at(1_005_000))
        #expect(try ExpiryOption.atSeconds.positive(5, now: now, command: "set") == at(5000))
        let past = try ExpiryOption.milliseconds.milliseconds(-2_000_000, now: now, command: "x")
        #expect(past == -1_000_000)
        let error = CommandError("ERR invalid expire time in 'set' command")
        #expect(throws: error) {
            try ExpiryOption.seconds.positive(0, now: now, command: "set")
        }
        #expect(throws: error) {
            try ExpiryOption.seconds.positive(.max / 999, now: now, command: "set")
        }
        #expect(throws: error) {
            try ExpiryOption.milliseconds.positive(.max, now: now, command: "set")
        }
    }

    private func at(_ milliseconds: UInt64) -> WallTime { WallTime(milliseconds: milliseconds) }

    @Test("failures name their numbers, and only writes may still take effect")
    func failures() {
        let timeout = RequestFailure.timedOut(required: 2, received: 1)
        #expect(
            timeout.message
                == "TIMEOUT required=2 received=1 too few answers in time;"
                + " a write may still take effect"
        )
        #expect(!timeout.readMessage.contains("may still"))
        let cases: [(RequestFailure, String)] = [
            (.unavailable(required: 2, alive: 1), "UNAVAILABLE required=2 alive=1 "),
            (.overloaded(inFlight: 9, limit: 8), "OVERLOADED inflight=9 limit=8 "),
            (.conflict(siblings: 101, limit: 100), "CONFLICT siblings=101 limit=100 "),
            (
                .storage(.noSpace, required: 2, received: 1),
                "STORAGE kind=nospace required=2 received=1 "
            ),
            (.tooLarge(bytes: 9, limit: 8), "TOOLARGE object of 9 bytes "),
            (.clockDrift(required: 2, received: 1), "CLOCKDRIFT required=2 received=1 "),
        ]
        for (failure, start) in cases { #expect(failure.message.hasPrefix(start)) }
    }

    @Test("a nested reply in both versions, byte for byte")
    func replyTree() {
        let tree = ReplyTree.map([
            "a": .array([.integer(1), .null, .boolean(true)]), "b": .set([.simple("x")]),
            "c": .double(0.5),
        ])
        var (two, three) = (ByteBuffer(), ByteBuffer())
        tree.write(RESPWriter(.v2), into: &two)
        tree.write(RESPWriter(.v3), into: &three)
        #expect(
            String(buffer: two) == "*6\r\n$1\r\na\r\n*3\r\n:1\r\n$-1\r\n:1\r\n"
                + "$1\r\nb\r\n*1\r\n+x\r\n$1\r\nc\r\n$3\r\n0.5\r\n"
        )
        #expect(
            String(buffer: three) == "%3\r\n$1\r\na\r\n*3\r\n:1\r\n_\r\n#t\r\n"
                + "$1\r\nb\r\n~1\r\n+x\r\n$1\r\nc\r\n,0.5\r\n"
        )
    }

    @Test("keys in flight conflict as a plain list of them says, few or many")
    func keysInFlight() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var keys = KeysInFlight()
        var model: [(token: UInt64, isWrite: Bool)] = []
        var peak = 0
        for round in 0..<4000 {
            let token = UInt64(random.below(40)) << 8
            let isWrite = random.chance(1, in: 3)
            let expected = model.contains { $0.token == token && ($0.isWrite || isWrite) }
            guard keys.conflicts(Token(rawValue: token), isWrite: isWrite) == expected else {
                Issue.record("seed \(seed), round \(round)")
                return
            }
            // Rises to well above the border between the two forms, and falls to nothing.
            if random.chance(round / 1000 % 2 == 0 ? 2 : 1, in: 3) || model.isEmpty {
                keys.insert(Token(rawValue: token), isWrite: isWrite)
                model.append((token, isWrite))
            } else {
                let gone = model.remove(at: random.below(model.count))
                keys.remove(Token(rawValue: gone.token), isWrite: gone.isWrite)
            }
            peak = max(peak, model.count)
            #expect(keys.count == model.count)
        }
        #expect(peak > 2 * KeysInFlight.fewMax, "seed \(seed)")
    }

    @Test("the window opens with small answers and closes at large ones")
    func requestWindow() {
        var window = RequestWindow()
        for _ in 0..<300 { window.learn(replyBytes: 100) }
        #expect(window.limit == RequestWindow.limitMax)
        window.learn(replyBytes: 1 << 20)
        #expect(window.limit == 4)
        for _ in 0..<10 { window.learn(replyBytes: 0) }
        #expect(window.limit == 14)
        window.learn(replyBytes: 64 << 20)
        #expect(window.limit == 4)
    }

    @Test("counters are shown under their names in snake case")
    func names() {
        #expect(StatusReport.snakeCase("readRepairs") == "read_repairs")
        #expect(StatusReport.snakeCase("failuresIO") == "failures_io")
        #expect(StatusReport.snakeCase("reads") == "reads")
    }
}
