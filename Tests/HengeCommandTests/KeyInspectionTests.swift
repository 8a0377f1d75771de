import HengeCausality
import HengeClient
import HengeCommand
import Testing

@Suite struct KeyInspectionTests {
    private func inspection(_ replicas: HengeReply...) throws -> KeyInspection {
        try KeyInspection(.inspection(replicas))
    }

    @Test("replicas with equal digests have equal marks, others have others")
    func marks() throws {
        let seen = try inspection(
            .replica("n2", "present", digest: "aaaa000011112222"),
            .replica("n1", "present", digest: "bbbb000011112222"),
            .replica("n3", "present", digest: "aaaa000011112222")
        )
        let lines = seen.lines(color: false)
        #expect(lines.contains("preference  n2 → n1 → n3"))
        #expect(lines.filter { $0.hasSuffix("● aaaa000011112222") }.count == 2)
        #expect(lines.filter { $0.hasSuffix("▲ bbbb000011112222") }.count == 1)
        #expect(lines.last?.contains("2 different versions") == true)
    }

    @Test("the verdict tells whether the replicas agree, lack the key or could not be asked")
    func verdicts() throws {
        let same = HengeReply.replica("n1", "present", digest: "d")
        let absent = HengeReply.replica("n2", "absent", digest: nil)
        let away = HengeReply.replica("n3", "unreachable", digest: nil)
        #expect(try inspection(same, same, same).verdict.text == "all replicas agree")
        #expect(
            try inspection(same, absent).verdict.text.contains("1 of 2 replicas lack the key")
        )
        #expect(
            try inspection(same, same, away).verdict.text
                == "the replicas that answered agree; 1 of 3 could not be asked"
        )
        #expect(
            try inspection(absent, absent).verdict.text
                == "no replica that answered holds the key"
        )
    }

    @Test("a version is four digits of each actor and its counter")
    func versions() throws {
        let vector = VersionVector(sorted: [
            Dot(actor: ActorID(rawValue: 0xABCD_0000_0000_0001), counter: 3),
            Dot(actor: ActorID(rawValue: 0xEF01_0000_0000_0001), counter: 12),
        ])
        var seen = try inspection(.replica("n1", "present", digest: "d"))
        seen.replicas[0].context = CausalContext.encode(vector, key: 7)
        #expect(seen.replicas[0].version == "abcd:3 ef01:12")
        seen.replicas[0].context = "not a context at all, and quite long"
        #expect(seen.replicas[0].version == "not a context at all, an…")
        seen.replicas[0].context = nil
        #expect(seen.replicas[0].version == "")
    }
}
