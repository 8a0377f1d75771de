import HengeBase
import HengeRing
import Testing

@Suite struct RingStageTests {
    private let ring: RingDocument
    private let candidates = [
        RingCandidate(name: "n4", peerAddress: "h:4", zone: "a", weight: 2),
        RingCandidate(name: "n5", peerAddress: "h:5"),
        RingCandidate(name: "thief", peerAddress: "h:2"),
    ]

    init() throws {
        ring = try bootstrap(["n1=h:1", "n2=h:2/weight=3/zone=b", "n3=h:3"])
    }

    private func target(
        _ operations: RingOperation...,
        down: [UInt16] = []
    ) throws(RingStageFault) -> [String] {
        try RingStage(operations)
            .target(of: ring, candidates: candidates) { !down.contains($0.rawValue) }
            .members.map { "\($0.name)\($0.id) \($0.peerAddress) w\($0.weight) z\($0.zone)" }
    }

    @Test("each operation has its target")
    func operations() throws {
        let (n1, n2, n3) = ("n1#1 h:1 w1 z", "n2#2 h:2 w3 zb", "n3#3 h:3 w1 z")
        #expect(try target() == [n1, n2, n3])
        #expect(try target(.add("n4", weight: nil, zone: nil)) == [n1, n2, n3, "n4#4 h:4 w2 za"])
        #expect(
            try target(.add("n5", weight: 7, zone: "c"), .add("n4", weight: nil, zone: ""))
                == [n1, n2, n3, "n5#4 h:5 w7 zc", "n4#5 h:4 w2 z"])
        #expect(try target(.remove("n2")) == [n1, n3])
        // The place and weight of the old one, the zone of the new one.
        #expect(try target(.replace("n2", with: "n4")) == [n1, n3, "n4#4 h:4 w3 za"])
        #expect(try target(.forceRemove("n3"), down: [3]) == [n1, n2])
        #expect(try target(.weight("n1", 9)) == ["n1#1 h:1 w9 z", n2, n3])
        #expect(try target(.zone("n2", ""), .weight("n2", 1)) == [n1, "n2#2 h:2 w1 z", n3])
        #expect(
            try target(.replace("n1", with: "n5"), .weight("n5", 4)) == [n2, n3, "n5#4 h:5 w4 z"])
    }

    @Test("what can't be meant is refused, with what is wrong")
    func faults() {
        let add = RingOperation.add("n4", weight: nil, zone: nil)
        expect(.unknownNode("n9"), .remove("n9"))
        expect(.unknownNode("n4"), .weight("n4", 2))
        expect(.noCandidate("n9"), .add("n9", weight: nil, zone: nil))
        expect(.alreadyMember("n2"), .add("n2", weight: nil, zone: nil))
        expect(.alreadyMember("n3"), .replace("n2", with: "n3"))
        let taken = RingStageFault.addressTaken("h:2", candidate: "thief", by: "n2")
        expect(taken, .add("thief", weight: nil, zone: nil))
        // Not even the one that it replaces may have it: both are members for a while.
        expect(taken, .replace("n2", with: "thief"))
        expect(.isUp("n1"), .forceRemove("n1"))
        expect(.weight(0, node: "n1"), .weight("n1", 0))
        expect(.weight(1001, node: "n4"), .add("n4", weight: 1001, zone: nil))
        expect(.zone("a b", node: "n1"), .zone("n1", "a b"))
        expect(.lastNode("n3"), .remove("n1"), .remove("n2"), .remove("n3"))
        expect(.repeated(.remove("n1")), .remove("n1"), .remove("n1"))
        expect(
            .contradiction(.weight("n1", 3), earlier: .weight("n1", 2)),
            .weight("n1", 2), .weight("n1", 3))
        expect(.contradiction(.remove("n4"), earlier: add), add, .remove("n4"))
        expect(
            .contradiction(.zone("n1", "b"), earlier: .remove("n1")),
            .remove("n1"), .zone("n1", "b"))
        expect(
            .contradiction(.remove("n1"), earlier: .weight("n1", 2)),
            .weight("n1", 2), .remove("n1"))
        expect(
            .contradiction(.replace("n1", with: "n4"), earlier: add),
            add, .replace("n1", with: "n4"))
        expect(
            .contradiction(.remove("n1"), earlier: .replace("n1", with: "n4")),
            .replace("n1", with: "n4"), .remove("n1"))
    }

    private func expect(_ fault: RingStageFault, _ operations: RingOperation...) {
        #expect(throws: fault) {
            try RingStage(operations).target(of: ring, candidates: candidates) { _ in true }
        }
    }

    @Test("what is refused leaves the stage as it was")
    func append() throws {
        var stage = RingStage()
        try stage.append(.remove("n1"), to: ring, candidates: candidates) { _ in true }
        #expect(throws: RingStageFault.isUp("n2")) {
            try stage.append(.forceRemove("n2"), to: ring, candidates: candidates) { _ in true }
        }
        #expect(stage.operations == [.remove("n1")])
    }

    @Test("ids rise above every one that was ever given, and end")
    func ids() throws {
        var document = ring
        document.highestID = NodeID(70)
        let stage = RingStage([.add("n4", weight: nil, zone: nil)])
        let target = try stage.target(of: document, candidates: candidates) { _ in true }
        #expect(target.members.last?.id == NodeID(71))
        document.highestID = NodeID(.max)
        #expect(throws: RingStageFault.idsExhausted) {
            try stage.target(of: document, candidates: candidates) { _ in true }
        }
    }

    @Test("while a change runs nothing can be staged")
    func transition() throws {
        let owners = ring.owners.map { $0 == NodeID(3) ? NodeID(1) : $0 }
        let running = try ring.beginning(members: Array(ring.members.prefix(2)), owners: owners)
        #expect(throws: RingStageFault.transitionRuns) {
            try RingStage([.weight("n1", 2)]).target(of: running, candidates: []) { _ in true }
        }
    }

    @Test("operations read as on the command line")
    func words() {
        #expect(
            RingOperation.add("a", weight: 2, zone: "z").description
                == "add a --weight 2 --zone z")
        #expect(RingOperation.replace("a", with: "b").description == "replace a b")
        #expect(RingOperation.zone("a", "").description == "zone a ''")
    }
}
