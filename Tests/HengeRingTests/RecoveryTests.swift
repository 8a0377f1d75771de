import HengeBase
import HengeRing
import Testing

/// Going on without members that are gone for good.
@Suite struct RecoveryTests {
    private let five: RingDocument

    init() throws {
        five = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3", "n4=h:4", "n5=h:5"])
    }

    private func ids(_ numbers: Int...) -> [NodeID] { numbers.map { NodeID(UInt16($0)) } }

    private func nodes(_ list: PreferenceList) -> [NodeID] { (0..<list.count).map { list[$0] } }

    @Test("three of five are gone: lists get shorter, and where nobody is left they begin anew")
    func story() throws {
        let document = try five.recovering(without: ids(3, 4, 5))
        #expect(document.epoch == 1 << 32 && document.recoveries.count == 1)
        #expect(document.members.map(\.id) == ids(1, 2) && document.lost.map(\.id) == ids(3, 4, 5))
        #expect(document.owners == five.owners && document.transition == nil)
        let (before, after) = (Ring(five), Ring(document))
        #expect(after.voters == ids(1, 2) && after.member(NodeID(3)) == nil)
        var emptied = 0
        for partition in 0..<64 {
            let left = nodes(before.preferenceList(partition: partition)).filter {
                ids(1, 2).contains($0)
            }
            let list = nodes(after.preferenceList(partition: partition))
            #expect(left.isEmpty ? list.sorted() == ids(1, 2) : list == left)
            #expect(after.roles(partition: partition).currentQuorum == min(2, list.count))
            #expect(after.fence(of: partition) == 1 << 32)
            #expect(after.standIns(partition: partition).allSatisfy { ids(1, 2).contains($0) })
            if left.isEmpty { emptied += 1 }
        }
        #expect(emptied > 0)
        let loss = try RecoveryLoss(before, without: ids(3, 4, 5))
        #expect(loss.emptied == emptied && loss.document == document)
        #expect(loss.lost.map(\.name) == ["n3", "n4", "n5"])
        #expect(loss.survivors.map(\.name) == ["n1", "n2"])
        #expect(try RingDocument.decode(document.encoded()) == document)
        #expect(document.recoveryFault(of: five) == nil)
    }

    @Test("what is left of a quorum is as much as what it can be told from")
    func quorums() throws {
        let list = (1...7).map { "n\($0)=h:\($0)" }
        let seven = try bootstrap(list, replicas: 5)
        let ring = Ring(try seven.recovering(without: ids(1, 2)))
        for partition in 0..<64 {
            let count = ring.preferenceList(partition: partition).count
            // A write that three of five acknowledged is on one of any three that are left.
            #expect((3...5).contains(count) && ring.quorum(partition: partition) == 3)
        }
    }

    @Test("the loss is told apart by how many replicas a partition has left")
    func loss() throws {
        let ring = Ring(five)
        for gone in [ids(1), ids(1, 2), ids(2, 3, 4), ids(1, 2, 3, 4)] {
            let loss = try RecoveryLoss(ring, without: gone)
            var counts = [0, 0, 0, 0]
            for partition in 0..<64 {
                counts[
                    nodes(ring.preferenceList(partition: partition)).count(where: gone.contains)] +=
                    1
            }
            #expect([loss.thinned, loss.inDoubt, loss.emptied] == Array(counts[1...]), "\(gone)")
        }
    }

    @Test("what can't be recovered")
    func refusals() throws {
        #expect(throws: RingChangeFault.unknownMember(NodeID(9))) {
            try five.recovering(without: ids(1, 9))
        }
        #expect(throws: RingChangeFault.nothingChanged) { try five.recovering(without: []) }
        #expect(throws: RingChangeFault.nobodyLeft) {
            try five.recovering(without: ids(1, 2, 3, 4, 5))
        }
        let good = try five.recovering(without: ids(4, 5))
        for change: (inout RingDocument) -> Void in [
            { $0.epoch += 1 }, { $0.recoveries[0] += 1 }, { $0.recoveries.append(7) },
            { $0.owners[0] = $0.owners[0] == NodeID(1) ? NodeID(2) : NodeID(1) },
            { $0.changedAt[5] = 0 }, { $0.members.removeLast() },
        ] {
            var bad = good
            change(&bad)
            #expect(bad.recoveryFault(of: five) != nil)
        }
        #expect(good.successorFault(of: five) != nil)
        var alone = good
        alone.recoveries = []
        #expect(throws: RingError.lostWithoutRecovery) { try alone.validate() }
        var both = good
        both.members = five.members
        #expect(throws: RingError.lostMember(NodeID(4))) { try both.validate() }
    }

    @Test("two halves that give each other up are not related; what follows one of them is")
    func halves() throws {
        let first = try five.recovering(without: ids(4, 5))
        let second = try five.recovering(without: ids(1, 2, 3))
        #expect(first.epoch == second.epoch && !first.isRelated(to: second))
        #expect(!second.isRelated(to: first))
        #expect(first.isRelated(to: five) && five.isRelated(to: second))
        let again = try first.recovering(without: ids(3))
        #expect(again.epoch == 2 << 32 && again.isRelated(to: first))
        #expect(!again.isRelated(to: second))
        let replacing = try five.recovering(
            without: ids(3, 4, 5), after: [try #require(first.recoveryMark)])
        #expect(replacing.epoch == 2 << 32 && replacing.isRelated(to: first))
        #expect(replacing.recoveryFault(of: five) == nil)
    }

    @Test("the next change gives away what is in the names of those that are lost")
    func removal() throws {
        let document = try five.recovering(without: ids(3, 4, 5))
        var nodes: [String: NodeFacts] = [:]
        for name in ["n1", "n2", "n6"] {
            nodes[name] = NodeFacts(diskFree: 1 << 40, diskTotal: 1 << 41)
        }
        let facts = RingFacts(
            nodes: nodes,
            partitions: Array(repeating: PartitionFacts(keys: 3, bytes: 100), count: 64),
            bytesPerSecond: 1_000
        )
        func plan(_ operations: RingOperation...) throws -> RingPlan {
            try RingPlan.make(
                document,
                stage: RingStage(operations),
                candidates: [RingCandidate(name: "n6", peerAddress: "h:6")],
                facts: facts,
                isUp: { ids(1, 2).contains($0) }
            )
        }
        let removal = try plan(.forceRemove("n3"))
        #expect(removal.refusals == [.fewerNodes(2, replicas: 3)])
        #expect(removal.proposal.transition?.members.map(\.id) == ids(1, 2))
        let replacement = try plan(.replace("n3", with: "n6"))
        #expect(replacement.refusals.isEmpty)
        #expect(replacement.proposal.transition?.members.map(\.id) == ids(1, 2, 6))
        #expect(replacement.proposal.successorFault(of: document) == nil)
        var dice = SeededGenerator(seed: 1)
        var last = replacement.proposal
        while let next = try RandomChange.advance(&dice, last) {
            #expect(next.successorFault(of: last) == nil)
            last = next
        }
        last = try last.finishing()
        #expect(last.lost.isEmpty && last.recoveries.count == 1)
        #expect(try RingDocument.decode(last.encoded()) == last)
        #expect(throws: RingStageFault.alreadyMember("n3")) {
            try RingStage([.add("n3", weight: nil, zone: nil)]).target(
                of: document,
                candidates: [RingCandidate(name: "n3", peerAddress: "h:33")],
                isUp: { _ in true }
            )
        }
    }

    @Test("in the middle of any change, a reader that is left stays one, and the change ends")
    func anyChange() throws {
        for seed in UInt64(0)..<400 {
            var dice = SeededGenerator(seed: seed)
            var document = try bootstrap(
                (1...(3 + dice.below(5))).map { "n\($0)=h:\($0)/zone=z\($0 % 3)" },
                replicas: 1 + dice.below(4)
            )
            let change = RandomChange(&dice, from: document)
            guard let begun = try? change.begin(&dice) else { continue }
            document = begun
            for _ in 0..<dice.below(8) {
                document = try RandomChange.advance(&dice, document) ?? document
            }
            if dice.chance(1, in: 4) { document = try document.aborting() }
            let gone = document.allMembers.map(\.id).filter { _ in dice.chance(1, in: 2) }
            guard let after = try? document.recovering(without: gone) else { continue }
            #expect(after.recoveryFault(of: document) == nil, "seed \(seed)")
            #expect(try RingDocument.decode(after.encoded()) == after, "seed \(seed)")
            try checkReaders(document, after, gone, seed)
            try checkEnd(after, &dice, seed)
        }
    }

    private func checkReaders(
        _ before: RingDocument,
        _ after: RingDocument,
        _ gone: [NodeID],
        _ seed: UInt64
    ) throws {
        let (old, new) = (Ring(before), Ring(after))
        for partition in 0..<old.partitions {
            let roles = new.roles(partition: partition)
            let homes = nodes(roles.homes)
            #expect(!homes.isEmpty && homes.allSatisfy { !gone.contains($0) }, "seed \(seed)")
            #expect(roles.readQuorum >= 1 && roles.readQuorum <= roles.readers.count)
            let held = nodes(old.readPreferenceList(partition: partition))
            let left = held.filter { !gone.contains($0) }
            guard !left.isEmpty, after.transition != nil || before.transition == nil else {
                continue
            }
            let readers = (0..<homes.count).filter(roles.readers.contains).map { homes[$0] }
            // In the step in which both rings have everything, those of the other ring may be it.
            let isEither = old.step(of: partition) == .readNext
            let others = nodes(old.preferenceList(partition: partition))
            #expect(
                readers.contains { left.contains($0) || isEither && others.contains($0) },
                "seed \(seed), partition \(partition)"
            )
        }
    }

    private func checkEnd(
        _ after: RingDocument,
        _ dice: inout SeededGenerator,
        _ seed: UInt64
    ) throws {
        var last = after
        while let next = try RandomChange.advance(&dice, last) {
            #expect(next.successorFault(of: last) == nil, "seed \(seed)")
            last = next
        }
        if last.transition != nil {
            let next = try last.finishing()
            #expect(next.successorFault(of: last) == nil, "seed \(seed)")
            last = next
        }
        try last.validate()
        let members = last.members
        let placed = Placement.change(
            owners: last.owners,
            from: last.membersAndLost,
            to: members,
            replicas: last.replicas
        )
        guard let next = try? last.beginning(members: members, owners: placed.owners) else {
            #expect(last.lost.isEmpty, "seed \(seed)")
            return
        }
        last = next
        while let further = try RandomChange.advance(&dice, last) { last = further }
        #expect(try last.finishing().lost.isEmpty, "seed \(seed)")
    }
}
