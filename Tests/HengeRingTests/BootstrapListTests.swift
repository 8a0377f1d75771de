import HengeBase
import HengeRing
import Testing

@Suite struct BootstrapListTests {
    @Test("reads names, addresses, zones and weights, sorted by name")
    func parse() throws {
        let list = try BootstrapList.parse(
            " n2=Example.org:7402/weight=3/zone=b , n1=127.0.0.1:7401,"
                + "n3=[FE80::1%eth0]:7403/zone=a\n"
        )
        #expect(list.entries.map(\.name) == ["n1", "n2", "n3"])
        #expect(
            list.entries.map(\.address.description) == [
                "127.0.0.1:7401", "example.org:7402", "[fe80::1%eth0]:7403",
            ]
        )
        #expect(list.entries.map(\.zone) == ["", "b", "a"])
        #expect(list.entries.map(\.weight) == [1, 3, 1])
        #expect(list.entries[2].address.host == "fe80::1%eth0")
        #expect(list.entries[2].address.port == 7403)
    }

    @Test(
        "refuses what it can't use, with the facts",
        arguments: [
            ("", .empty), (" \n", .empty),
            ("n1=h:1,,n2=h:2", .emptyEntry(position: 2)), ("n1=h:1,", .emptyEntry(position: 2)),
            ("n1=h:1,n2", .missingAddress(entry: "n2", position: 2)),
            ("=h:1", .invalidName("", position: 1)), ("a b=h:1", .invalidName("a b", position: 1)),
            ("n\u{e9}=h:1", .invalidName("n\u{e9}", position: 1)),
            ("n1=h", .invalidAddress("h", name: "n1")),
            ("n1=:1", .invalidAddress(":1", name: "n1")),
            ("n1=h:0", .invalidAddress("h:0", name: "n1")),
            ("n1=h:65536", .invalidAddress("h:65536", name: "n1")),
            ("n1=h:+1", .invalidAddress("h:+1", name: "n1")),
            ("n1=h:", .invalidAddress("h:", name: "n1")),
            ("n1=::1:7401", .invalidAddress("::1:7401", name: "n1")),
            ("n1=[::1:7401", .invalidAddress("[::1:7401", name: "n1")),
            ("n1=[]:7401", .invalidAddress("[]:7401", name: "n1")),
            ("n1=h:1/zone=", .invalidZone("", name: "n1")),
            ("n1=h:1/zone=a b", .invalidZone("a b", name: "n1")),
            ("n1=h:1/weight=0", .invalidWeight("0", name: "n1")),
            ("n1=h:1/weight=1001", .invalidWeight("1001", name: "n1")),
            ("n1=h:1/weight=+2", .invalidWeight("+2", name: "n1")),
            ("n1=h:1/weight=1.5", .invalidWeight("1.5", name: "n1")),
            ("n1=h:1/rack=a", .unknownOption("rack=a", name: "n1")),
            ("n1=h:1/", .unknownOption("", name: "n1")),
            ("n1=h:1/zone=a/zone=b", .repeatedOption("zone", name: "n1")),
            ("n1=h:1/weight=1/weight=1", .repeatedOption("weight", name: "n1")),
            ("n1=h:1,n1=h:2", .duplicateName("n1")),
            ("n1=h:1,n2=H:01", .duplicateAddress("h:1", "n1", "n2")),
        ] as [(String, BootstrapError)]
    )
    func refuses(text: String, expected: BootstrapError) {
        #expect(throws: expected) { try BootstrapList.parse(text) }
        #expect(expected.description.hasSuffix("."))
    }

    @Test("takes 1000 members and not 1001")
    func memberLimit() throws {
        let entries = (1...1001).map { "n\($0)=h:\($0)" }
        let most = try BootstrapList.parse(entries.dropLast().joined(separator: ","))
        #expect(most.entries.count == 1000)
        #expect(throws: BootstrapError.tooManyMembers(1001)) {
            try BootstrapList.parse(entries.joined(separator: ","))
        }
    }

    @Test("names and hosts have their longest length and no more")
    func lengthLimits() throws {
        let name = String(repeating: "n", count: 64)
        let host = String(repeating: "h", count: 253)
        #expect(try BootstrapList.parse("\(name)=\(host):1").entries.count == 1)
        #expect(throws: BootstrapError.self) { try BootstrapList.parse("\(name)n=h:1") }
        #expect(throws: BootstrapError.self) { try BootstrapList.parse("n=\(host)h:1") }
    }

    @Test("random text is read or refused, never worse")
    func fuzz() {
        var generator = SeededGenerator(seed: 21)
        let pieces = [
            "n1=h:1", "n2=h:2", "/zone=a", "/weight=2", ",", "n1", "=", ":", "1", "/", "[", "]",
            " ", "\u{e9}", "-", "\0",
        ]
        var read = 0
        for _ in 0..<10_000 {
            let text = (0..<generator.below(8)).map { _ in pieces[generator.below(pieces.count)] }
                .joined()
            if let list = try? BootstrapList.parse(text) {
                read += 1
                #expect(list.entries.allSatisfy { HostPort($0.address.description) == $0.address })
            }
        }
        #expect(read > 0)
    }
}
