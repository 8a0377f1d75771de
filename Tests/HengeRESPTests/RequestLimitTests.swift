import HengeBase
import HengeRESP
import NIOCore
import Testing

/// Past a limit: a clear error, the connection kept where the framing allows, memory bounded.
@Suite struct RequestLimitTests {
    private let limits = RESPLimits(
        argumentsMax: 100,
        argumentBytesMax: 10,
        requestBytesMax: 100,
        inlineBytesMax: 50,
        skippedBytesMax: 1_000
    )

    @Test("a too large argument is skipped, reported at its place, and the next request served")
    func argumentTooLarge() {
        let large = [UInt8](repeating: 0x0D, count: 500)
        let input =
            encoded([bytes("GET"), bytes("a")])
            + encoded([bytes("SET"), bytes("a"), large, bytes("EX"), bytes("1")])
            + encoded([bytes("GET"), bytes("b")])
        let expected: [Parsed] = [
            command("GET", "a"), .error(.argumentTooLarge(size: 500, limit: 10)),
            command("GET", "b"),
        ]
        for piece in [1, 3, 64, Int.max] {
            var peak = 0
            let run = parse(input, pieces: { _ in piece }, limits: limits) { peak = max(peak, $0) }
            #expect(run.results == expected, "pieces of \(piece)")
            // At most an unfinished length line of the request that is being skipped.
            #expect(peak <= 64)
        }
    }

    @Test("a request too large as a whole is skipped, reported with its whole size")
    func requestTooLarge() {
        let request = encoded([[UInt8]](repeating: bytes("0123456789"), count: 30))
        let input = request + encoded([bytes("PING")])
        let expected: [Parsed] = [
            .error(.requestTooLarge(size: request.count, limit: 100)), command("PING"),
        ]
        for piece in [1, 13, Int.max] {
            var peak = 0
            let run = parse(input, pieces: { _ in piece }, limits: limits) { peak = max(peak, $0) }
            #expect(run.results == expected, "pieces of \(piece)")
            #expect(peak <= 100 + 32)
        }
    }

    @Test("limits are inclusive")
    func inclusive() {
        let fits = encoded([bytes("0123456789")])
        #expect(parse(fits, limits: limits).results == [command("0123456789")])
        let seven = [[UInt8]](repeating: bytes("1234567"), count: 7)
        let over = Array(seven.dropLast(2)) + [bytes("123456789"), bytes("1234567890")]
        #expect(encoded(over).count == 101)
        #expect(
            parse(encoded(over), limits: limits).results
                == [.error(.requestTooLarge(size: 101, limit: 100))]
        )
        let exact = Array(seven.dropLast(2)) + [bytes("12345678"), bytes("1234567890")]
        #expect(encoded(exact).count == 100)
        #expect(parse(encoded(exact), limits: limits).results == [.command(exact)])
    }

    @Test("past the bound for skipping the connection closes, before the bytes come")
    func unskippable() {
        #expect(
            parse("*2\r\n$1001\r\n", limits: limits)
                == [.error(.unskippable(size: 1_014, limit: 1_000))]
        )
        let many = encoded([[UInt8]](repeating: bytes("0123456789"), count: 90))
        let results = parse(many, limits: limits).results
        #expect(results == [.error(.unskippable(size: 1_008, limit: 1_000))])
        #expect(
            parse("*101\r\n", limits: limits) == [
                .error(.tooManyArguments(count: 101, limit: 100))
            ]
        )
    }

    @Test("framing lost inside a skipped request still closes")
    func lostWhileSkipping() {
        let input = "*2\r\n$11\r\n01234567890xx"
        #expect(parse(input, limits: limits) == [.error(.unterminatedBulk)])
    }

    @Test("a million arguments in 1 KiB pieces: work in proportion to the bytes")
    func millionArguments() {
        let count = 1_000_000
        var input = bytes("*\(count)\r\n")
        input.reserveCapacity(8 * count)
        for _ in 0..<count { input += [0x24, 0x31, 0x0D, 0x0A, 0x78, 0x0D, 0x0A] }
        var parser = RESPRequestParser()
        var inbox = ReceiveBuffer()
        var commands = 0
        var rest = input[...]
        while !rest.isEmpty {
            inbox.append(ByteBuffer(bytes: rest.prefix(1_024)))
            rest = rest.dropFirst(1_024)
            while let command = try? parser.next(&inbox.bytes) {
                commands += 1
                #expect(command.count == count)
                #expect(command[0] == ByteBuffer(string: "x"))
                #expect(command[count - 1] == ByteBuffer(string: "x"))
            }
            inbox.settle()
        }
        #expect(commands == 1)
        #expect(parser.examinedBytes < 2 * input.count)
    }

    @Test("a bulk string of 16 MiB in 4 KiB pieces: its body is never looked at")
    func largeBulk() {
        let size = 16 << 20
        let piece = ByteBuffer(repeating: 0x0D, count: 4_096)
        var parser = RESPRequestParser()
        var inbox = ReceiveBuffer()
        inbox.append(ByteBuffer(string: "*2\r\n$4\r\nECHO\r\n$\(size)\r\n"))
        for _ in 0..<size / 4_096 {
            #expect((try? parser.next(&inbox.bytes)) == .some(nil))
            inbox.settle()
            inbox.append(piece)
        }
        #expect((try? parser.next(&inbox.bytes)) == .some(nil))
        inbox.settle()
        inbox.append(ByteBuffer(string: "\r\n"))
        let command = (try? parser.next(&inbox.bytes)) ?? nil
        #expect(command?.length(1) == size)
        #expect(parser.examinedBytes < 100)
        inbox.settle()
        #expect(inbox.bytes.capacity == 0)
    }

    @Test("the default limits skip 100 MiB and keep the connection, holding a few KiB")
    func skipsOnTheFly() {
        let size = 100 << 20
        let piece = ByteBuffer(repeating: 0x61, count: 65_536)
        var parser = RESPRequestParser()
        var inbox = ReceiveBuffer()
        inbox.append(ByteBuffer(string: "*2\r\n$4\r\nECHO\r\n$\(size)\r\n"))
        for _ in 0..<size / 65_536 {
            #expect((try? parser.next(&inbox.bytes)) == .some(nil))
            inbox.settle()
            #expect(inbox.bytes.capacity == 0)
            inbox.append(piece)
        }
        #expect((try? parser.next(&inbox.bytes)) == .some(nil))
        inbox.append(ByteBuffer(string: "\r\nPING\r\n"))
        #expect(throws: RESPProtocolError.argumentTooLarge(size: size, limit: 16_842_752)) {
            try parser.next(&inbox.bytes)
        }
        #expect(((try? parser.next(&inbox.bytes)) ?? nil)?.name == "PING")
    }
}
