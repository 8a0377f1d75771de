import HengeClient
import Testing

@Suite struct HengeValueTests {
    @Test("addresses parse and print")
    func addresses() throws {
        let cases: [(String, String, Int)] = [
            ("127.0.0.1:6401", "127.0.0.1", 6401), ("localhost:1", "localhost", 1),
            ("[::1]:65535", "::1", 65_535),
        ]
        for (text, host, port) in cases {
            let address = try HengeAddress(parsing: text)
            #expect(address == HengeAddress(host: host, port: port))
            #expect(address.description == text)
        }
        for text in [
            "", ":", "host", "host:", ":1", "host:0", "host:65536", "host:-1", "host:x", "::1:1",
            "[]:1", "[::1]", "[::1:1", "::1]:1",
        ] {
            let error = #expect(throws: HengeError.self) { try HengeAddress(parsing: text) }
            #expect(error?.code == .invalidArgument, "\(text)")
        }
    }

    @Test("levels parse, print and bound their count")
    func consistency() {
        #expect(HengeConsistency(parsing: "quorum") == .quorum)
        #expect(HengeConsistency(parsing: "3") == .count(3))
        #expect(HengeConsistency(parsing: "most") == nil)
        #expect(HengeConsistency.count(0) == nil)
        #expect(HengeConsistency.count(9) == nil)
        #expect(HengeConsistency.count(300) == nil)
        #expect(HengeConsistency.all.sloppy.description == "ALL SLOPPY")
        #expect(HengeConsistency.one.sloppy != .one)
    }
}
