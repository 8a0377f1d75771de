import HengeBase
import HengeRing
import Testing

@Suite struct RingDocumentTests {
    @Test("the same list in any order makes the same first document")
    func orderIndependence() throws {
        var entries = (1...12).map { "n\($0)=10.0.0.\($0):7401/zone=z\($0 % 3)/weight=\($0)" }
        let first = try bootstrap(entries)
        #expect(first.epoch == 1 && first.members.map(\.id.rawValue) == Array(1...12))
        #expect(first.members.map(\.name) == first.members.map(\.name).sorted())
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<10 {
            entries.shuffle(using: &generator)
            #expect(try bootstrap(entries) == first)
        }
    }

    @Test("different lists, N or Q make different clusters")
    func clusterIDs() throws {
        let documents = [
            try bootstrap(["n1=h:1", "n2=h:2"]),
            try bootstrap(["n1=h:1", "n2=h:3"]),
            try bootstrap(["n1=h:1", "m2=h:2"]),
            try bootstrap(["n1=h:1", "n2=h:2/weight=2"]),
            try bootstrap(["n1=h:1", "n2=h:2/zone=a"]),
            try bootstrap(["n1=h:1", "n2=h:2"], replicas: 2),
            try bootstrap(["n1=h:1", "n2=h:2"], partitions: 128),
        ]
        #expect(Set(documents.map(\.clusterID)).count == documents.count)
    }

    /// Nodes of different versions must agree on the first ring, so this may change only with a new
    /// cluster format.
    @Test("the first document is the same in every version")
    func golden() throws {
        let document = try bootstrap(
            ["n1=127.0.0.1:7401", "n2=127.0.0.1:7402", "n3=127.0.0.1:7403"],
            partitions: 64
        )
        #expect(document.clusterID == 17_288_883_002_910_335_518)
        #expect(
            formatOne(document).withUnsafeBytes { XXH3.hash64($0) } == 7_518_983_666_576_274_961)
    }

    @Test("a first document with zones and weights is the same in every version")
    func goldenZones() throws {
        let document = try bootstrap(
            (1...7).map { "n\($0)=h:\($0)/zone=z\($0 % 4)/weight=\(1 + $0 % 3)" },
            partitions: 256
        )
        #expect(
            formatOne(document).withUnsafeBytes { XXH3.hash64($0) } == 10_753_596_218_379_477_529
        )
    }

    @Test("refuses impossible settings")
    func settings() {
        for replicas in [0, 9, -1, .max] {
            #expect(throws: RingError.replicas(replicas)) {
                try bootstrap(["n1=h:1"], replicas: replicas)
            }
        }
        for partitions in [0, 1, 32, 65, 100, 32768, -64, .min] {
            #expect(throws: RingError.partitions(partitions)) {
                try bootstrap(["n1=h:1"], partitions: partitions)
            }
        }
    }

    @Test("validation finds each fault")
    func validation() throws {
        let good = try bootstrap(["n1=h:1/zone=a", "n2=h:2", "n3=h:3"])
        try good.validate()
        let (a, b) = (NodeID(1), NodeID(2))
        func expect(_ error: RingError, _ change: (inout RingDocument) -> Void) {
            var bad = good
            change(&bad)
            #expect(throws: error) { try bad.validate() }
            #expect(error.description.hasSuffix("."))
        }
        expect(.highestID(a, member: NodeID(3))) { $0.highestID = a }
        expect(.stepEpochCount(63, partitions: 64)) { $0.changedAt.removeLast() }
        expect(.stepEpoch(2, partition: 7, epoch: 1)) { $0.changedAt[7] = 2 }
        expect(.memberCount(0)) { $0.members = [] }
        expect(.replicas(0)) { $0.replicas = 0 }
        expect(.partitions(63)) { $0.owners.removeLast() }
        expect(.memberOrder(b, before: a)) { $0.members.swapAt(0, 1) }
        expect(.memberOrder(a, before: a)) { $0.members[1] = $0.members[0] }
        expect(.unknownOwner(NodeID(9), partition: 5)) { $0.owners[5] = NodeID(9) }
        expect(.memberName(a, "n 1")) { $0.members[0] = member(a, name: "n 1") }
        expect(.memberAddress(a, "h")) { $0.members[0] = member(a, address: "h") }
        expect(.memberZone(a, "z z")) { $0.members[0] = member(a, zone: "z z") }
        expect(.memberWeight(a, 0)) { $0.members[0] = member(a, weight: 0) }
        expect(.duplicateName("n2", a, b)) { $0.members[0] = member(a, name: "n2") }
        expect(.duplicateAddress("h:2", a, b)) { $0.members[0] = member(a, address: "h:2") }
    }

    private func member(
        _ id: NodeID,
        name: String = "n1",
        address: String = "h:1",
        zone: String = "",
        weight: Int = 1
    ) -> Member {
        Member(id: id, name: name, peerAddress: address, zone: zone, weight: weight)
    }
}

/// A first document with N = 3 and Q = 64 unless told otherwise.
func bootstrap(
    _ entries: [String],
    replicas: Int = 3,
    partitions: Int = 64
) throws -> RingDocument {
    try RingDocument.bootstrap(
        BootstrapList.parse(entries.joined(separator: ",")),
        replicas: replicas,
        partitions: partitions
    )
}
