import HengeBase
import HengeCommand
import HengeRESP
import NIOCore
import Testing

@Suite struct OperationTests {
    @Test(arguments: [
        ("ping", OperationMix.ping), ("SET", .set), ("get", .get),
        ("80:20", .data(reads: 80, writes: 20)), ("1:0", .data(reads: 1, writes: 0)),
        ("0:3", .data(reads: 0, writes: 3)),
    ])
    func readsMixes(text: String, mix: OperationMix) {
        #expect(OperationMix(parsing: text) == mix)
    }

    @Test(arguments: [
        "", "0:0", "80", "80:", ":20", "80:20:1", "-1:2", "+1:2", "a:b", "80 : 20", "1:1000001",
        "99999999999999999999:1", "pings",
    ])
    func refusesOtherMixes(text: String) {
        #expect(OperationMix(parsing: text) == nil)
    }

    @Test func aMixHasItsShareOfReads() {
        var sequence = Self.sequence(.data(reads: 80, writes: 20))
        let writes = (0..<100_000).reduce(0) { sum, _ in sum + (sequence.next().isWrite ? 1 : 0) }
        // Five standard deviations.
        #expect(abs(writes - 20_000) < 633)
    }

    @Test func aMixOfOneKindHasNoOther() {
        var pings = Self.sequence(.ping)
        var sets = Self.sequence(.set)
        var gets = Self.sequence(.get)
        for _ in 0..<1000 {
            #expect(pings.next() == .ping)
            #expect(sets.next().isWrite)
            #expect(!gets.next().isWrite)
        }
    }

    @Test func theSameSeedGivesTheSameOperations() {
        var first = Self.sequence(.data(reads: 1, writes: 1))
        var second = Self.sequence(.data(reads: 1, writes: 1))
        var other = Self.sequence(.data(reads: 1, writes: 1), seed: 2)
        let operations = (0..<100).map { _ in first.next() }
        #expect(operations == (0..<100).map { _ in second.next() })
        #expect(operations != (0..<100).map { _ in other.next() })
    }

    private static func sequence(_ mix: OperationMix, seed: UInt64 = 1) -> OperationSequence {
        OperationSequence(
            mix,
            keys: KeyChooser(.zipfian, count: 1000),
            generator: SeededGenerator(seed: seed)
        )
    }

    // MARK: Requests

    @Test(arguments: [0, 1, 9, 100, 1024])
    func requestsAreThoseOfTheirOperations(valueBytes: Int) throws {
        let writer = RequestWriter(
            valueBytes: valueBytes, afterWrite: ["WAIT", "1", "100"], seed: 5)
        let operations: [Operation] = [
            .ping, .get(key: 0), .get(key: 123_456_789_012), .set(key: 42, variant: 7),
            .set(key: 42, variant: 7), .set(key: 999_999_999_999, variant: .max),
        ]
        let requests = try Self.requests(operations, writer)
        #expect(requests.count == 9)
        #expect(requests[0] == ["PING"])
        #expect(requests[1] == ["GET", "key:000000000000"])
        #expect(requests[2] == ["GET", "key:123456789012"])
        #expect(requests[3].prefix(2) == ["SET", "key:000000000042"])
        #expect(requests[3][2].utf8.count == valueBytes)
        #expect(requests[4] == ["WAIT", "1", "100"])
        #expect(requests[5] == requests[3])
        #expect(requests[7].prefix(2) == ["SET", "key:999999999999"])
        #expect(requests[7][2].utf8.count == valueBytes)
        #expect(valueBytes < 9 || requests[7][2] != requests[3][2])
    }

    private static func requests(
        _ operations: [Operation],
        _ writer: RequestWriter
    ) throws -> [[String]] {
        var bytes = ByteBuffer()
        for operation in operations {
            _ = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: writer.bytesMax) { target in
                var end = 0
                writer.write(operation, into: target, at: &end)
                #expect(end <= writer.bytesMax)
                return end
            }
        }
        // A request is an array of bulk strings, so the reply parser reads it, too.
        var parser = RESPValueParser()
        var requests: [[String]] = []
        while let value = try parser.next(&bytes) {
            guard case .array(let words) = value else { throw NotARequest() }
            requests.append(
                try words.map { word in
                    guard case .bulk(let bytes) = word else { throw NotARequest() }
                    return String(buffer: bytes)
                }
            )
        }
        #expect(bytes.readableBytes == 0)
        return requests
    }

    private struct NotARequest: Error {}
}
