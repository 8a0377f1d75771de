import HengeBase
import HengeRing
import Testing

@Suite struct RingTransitionTests {
    private let before: RingDocument
    private let target: [Member]
    private let owners: [NodeID]

    init() throws {
        before = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3", "n4=h:4", "n5=h:5"])
        // #5 leaves, #6 comes.
        target =
            before.members.dropLast() + [
                Member(id: NodeID(6), name: "n6", peerAddress: "h:6")
            ]
        owners = before.owners.map { $0 == NodeID(5) ? NodeID(6) : $0 }
    }

    @Test("one node replaces another, step by step")
    func story() throws {
        var document = try before.beginning(members: target, owners: owners)
        #expect(document.epoch == 2 && document.highestID == NodeID(6))
        #expect(document.voters == (1...5).map { NodeID($0) })
        let ring = Ring(document)
        #expect(ring.allMembers.map(\.id) == (1...6).map { NodeID($0) })
        #expect(ring.member(NodeID(6))?.name == "n6" && ring.member(named: "n6") != nil)
        #expect(ring.vnodes(of: NodeID(6)) == 0 && ring.voters == document.voters)

        let moving = ring.document.transition?.steps.indices.filter {
            ring.step(of: $0) == .current
        }
        let partitions = try #require(moving)
        #expect(!partitions.isEmpty && partitions.count < 64)
        for partition in 0..<64 {
            let current = ring.preferenceList(partition: partition)
            let next = ring.nextPreferenceList(partition: partition)
            #expect(current == Ring(before).preferenceList(partition: partition))
            #expect(partitions.contains(partition) == current.contains(NodeID(5)))
            #expect(partitions.contains(partition) == next.contains(NodeID(6)))
            #expect(ring.fence(of: partition) == 0)
        }

        document = try document.advancing(partitions, to: .writeBoth)
        var now = Ring(document)
        #expect(now.step(of: partitions[0]) == .writeBoth && now.fence(of: partitions[0]) == 3)
        #expect(now.readPreferenceList(partition: partitions[0]).contains(NodeID(5)))
        document = try document.advancing([partitions[0]], to: .readNext)
        now = Ring(document)
        #expect(now.fence(of: partitions[0]) == 4 && now.fence(of: partitions[1]) == 3)
        #expect(now.readPreferenceList(partition: partitions[0]).contains(NodeID(6)))
        #expect(throws: RingChangeFault.unfinished(partition: partitions[0], step: .readNext)) {
            try document.finishing()
        }
        document = try document.advancing(Array(partitions.dropFirst()), to: .readNext)
        document = try document.advancing(partitions, to: .next)
        document = try document.finishing()
        now = Ring(document)
        #expect(document.epoch == 7 && document.transition == nil)
        #expect(document.members == target && document.owners == owners)
        #expect(now.fence(of: partitions[0]) == 6 && now.step(of: partitions[0]) == .current)
        #expect(document.voters == [1, 2, 3, 4, 6].map { NodeID($0) })
        #expect(now.nextPreferenceList(partition: 0) == now.preferenceList(partition: 0))
    }

    @Test("the way back reads as before, lets the same nodes vote, and is the way for good")
    func wayBack() throws {
        var document = try before.beginning(members: target, owners: owners)
        let moving = (0..<64).filter { document.transition?.steps[$0] == .current }
        document = try document.advancing(Array(moving.dropFirst(1)), to: .writeBoth)
        document = try document.advancing(Array(moving.dropFirst(2)), to: .readNext)
        document = try document.advancing(Array(moving.dropFirst(3)), to: .next)
        let back = try document.aborting()
        #expect(back.transition?.isAborting == true && back.epoch == document.epoch + 1)
        #expect(back.voters == before.voters)
        let (a, b) = (Ring(document), Ring(back))
        for partition in 0..<64 where moving.contains(partition) {
            #expect(
                a.readPreferenceList(partition: partition)
                    == b.readPreferenceList(partition: partition))
        }
        // One whose records are at its old replicas alone needs the new ones no more.
        #expect(back.changedAt[moving[1]] == back.epoch && b.step(of: moving[1]) == .next)
        #expect(writers(b, moving[1]) == [ids(a.preferenceList(partition: moving[1]))])
        for partition in 0..<64 where partition != moving[1] {
            #expect(sorted(writers(a, partition)) == sorted(writers(b, partition)))
            #expect(back.changedAt[partition] == document.changedAt[partition])
        }
        #expect(b.step(of: moving[0]) == .next && b.step(of: moving[2]) == .writeBoth)
        #expect(moving.dropFirst(3).allSatisfy { b.step(of: $0) == .current })
        #expect((0..<64).allSatisfy { moving.contains($0) || b.step(of: $0) == .next })
        #expect(throws: RingChangeFault.alreadyAborting) { try back.aborting() }
        var forth = back
        forth.epoch += 1
        forth.transition?.isAborting = false
        #expect(forth.successorFault(of: back) == .alreadyAborting)

        var done = back
        var generator = SeededGenerator(seed: 1)
        while let next = try RandomChange.advance(&generator, done) { done = next }
        done = try done.finishing()
        #expect(done.members == before.members && done.owners == before.owners)
        #expect(done.highestID == NodeID(6))
        // #6 never became a member, but its id is spent.
        #expect(throws: RingChangeFault.returnedID(NodeID(6))) {
            try done.beginning(members: target, owners: owners)
        }
    }

    @Test("an owner that only changes places needs no steps")
    func needless() throws {
        let three = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3"])
        let turned = Array(three.owners.dropFirst() + three.owners.prefix(1))
        let moving = try three.beginning(members: three.members, owners: turned)
        #expect(moving.transition?.steps == Array(repeating: .next, count: 64))
        let done = try moving.finishing()
        #expect(done.owners == turned && done.changedAt == three.changedAt)
        var wrong = moving
        wrong.transition?.steps[9] = .writeBoth
        #expect(throws: RingError.needlessStep(.writeBoth, partition: 9)) { try wrong.validate() }
    }

    @Test("who is given up is written down, stays so to the end, and counts both ways")
    func abandoned() throws {
        let leaver = try #require(before.members.first { !target.map(\.id).contains($0.id) }).id
        let begun = try before.beginning(members: target, owners: owners, abandoning: [leaver])
        #expect(begun.leaving.contains(leaver))
        #expect(try RingDocument.decode(begun.encoded()) == begun)
        #expect(begun.successorFault(of: before) == nil)
        let back = try begun.aborting()
        #expect(back.transition?.abandoned == [leaver])
        #expect(back.successorFault(of: begun) == nil)
        var generator = SeededGenerator(seed: 1)
        var next = try #require(try RandomChange.advance(&generator, begun))
        #expect(next.transition?.abandoned == [leaver])
        next.transition?.abandoned = []
        #expect(next.successorFault(of: begun) == .otherTransition)
    }

    @Test("validation finds each fault of a transition")
    func validation() throws {
        let good = try before.beginning(members: target, owners: owners)
        func expect(_ error: RingError, _ change: (inout RingTransition) -> Void) {
            var bad = good
            if var transition = bad.transition {
                change(&transition)
                bad.transition = transition
            }
            #expect(throws: error) { try bad.validate() }
            #expect(error.description.hasSuffix("."))
        }
        let (a, last) = (NodeID(1), NodeID(6))
        expect(.nextOwnerCount(63, partitions: 64)) { $0.owners.removeLast() }
        expect(.stepCount(65, partitions: 64)) { $0.steps.append(.next) }
        expect(.memberCount(0)) { $0.members = [] }
        expect(.abandoned(NodeID(9))) { $0.abandoned = [a, NodeID(9)] }
        expect(.abandoned(a)) { $0.abandoned = [last, a] }
        expect(.abandoned(a)) { $0.abandoned = [a, a] }
        expect(.memberOrder(last, before: NodeID(2))) { $0.members.swapAt(0, 4) }
        expect(.unknownOwner(NodeID(5), partition: 3)) { $0.owners[3] = NodeID(5) }
        expect(.highestID(last, member: NodeID(7))) {
            $0.members.append(Member(id: NodeID(7), name: "n7", peerAddress: "h:7"))
        }
        expect(.changedIdentity(a)) {
            $0.members[0] = Member(id: a, name: "n9", peerAddress: "h:1")
        }
        expect(.changedIdentity(a)) {
            $0.members[0] = Member(id: a, name: "n1", peerAddress: "h:9")
        }
        expect(.duplicateName("n5", NodeID(5), last)) {
            $0.members[4] = Member(id: last, name: "n5", peerAddress: "h:6")
        }
        expect(.duplicateAddress("h:5", NodeID(5), last)) {
            $0.members[4] = Member(id: last, name: "n6", peerAddress: "h:5")
        }
    }

    private func writers(_ ring: Ring, _ partition: Int) -> [[NodeID]] {
        let (current, next) = (
            ids(ring.preferenceList(partition: partition)),
            ids(ring.nextPreferenceList(partition: partition))
        )
        switch ring.step(of: partition) {
        case .current: return [current]
        case .writeBoth, .readNext: return [current, next]
        case .next: return [next]
        }
    }

    private func ids(_ list: PreferenceList) -> [NodeID] {
        (0..<list.count).map { list[$0] }.sorted()
    }

    private func sorted(_ sets: [[NodeID]]) -> [[NodeID]] {
        sets.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
