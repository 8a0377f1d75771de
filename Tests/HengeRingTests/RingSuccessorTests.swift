import HengeBase
import HengeRing
import Testing

@Suite struct RingSuccessorTests {
    @Test(
        "every document that the methods make may follow", arguments: 1...40 as ClosedRange<UInt64>)
    func histories(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var document = try bootstrap((1...5).map { "n\($0)=h:\($0)/zone=z\($0 % 3)" })
        var removed: Set<NodeID> = []
        for _ in 0..<60 {
            let following = try successor(of: document, &generator)
            try following.validate()
            #expect(following.successorFault(of: document) == nil, "seed \(seed)")
            #expect(document.successorFault(of: following) != nil, "seed \(seed)")
            let known = Set(following.allMembers.map(\.id))
            removed.formUnion(Set(document.allMembers.map(\.id)).subtracting(known))
            #expect(removed.isDisjoint(with: known), "seed \(seed)")
            let (before, after) = (servedBy(document), servedBy(following))
            for partition in 0..<64 where before[partition] != after[partition] {
                #expect(
                    following.changedAt[partition] == following.epoch,
                    "seed \(seed), partition \(partition)"
                )
            }
            document = following
        }
        #expect(document.epoch == 61)
    }

    @Test("a document with anything else changed may not", arguments: 1...10 as ClosedRange<UInt64>)
    func mutants(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var document = try bootstrap((1...5).map { "n\($0)=h:\($0)" })
        for round in 0..<40 {
            let following = try successor(of: document, &generator)
            for kind in 0..<9 {
                var mutant = following
                mutate(&mutant, kind, &generator)
                guard mutant != following, (try? mutant.validate()) != nil else { continue }
                // A mutant that the methods could have made as well is no fault.
                guard !couldFollow(mutant, document) else { continue }
                #expect(
                    mutant.successorFault(of: document) != nil,
                    "seed \(seed), round \(round), kind \(kind)"
                )
            }
            document = following
        }
    }

    @Test("each fault has its name")
    func faults() throws {
        let first = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3", "n4=h:4"])
        let less = Array(first.members.dropLast())
        let owners = first.owners.map { $0 == NodeID(4) ? NodeID(1) : $0 }
        let moving = try first.beginning(members: less, owners: owners)
        let steps = try #require(moving.transition?.steps)
        let p = try #require(steps.firstIndex(of: .current))
        func expect(
            _ fault: RingChangeFault,
            from document: RingDocument,
            _ previous: RingDocument,
            _ change: (inout RingDocument) -> Void
        ) {
            var bad = document
            change(&bad)
            #expect(bad.successorFault(of: previous) == fault)
            #expect(fault.description.hasSuffix("."))
        }
        let id = first.clusterID
        expect(.cluster(id ^ 1, expected: id), from: moving, first) { $0.clusterID ^= 1 }
        expect(.epoch(9, expected: 2), from: moving, first) { $0.epoch = 9 }
        expect(.epoch(1, expected: 2), from: first, first) { _ in }
        expect(.replicas(2, expected: 3), from: moving, first) { $0.replicas = 2 }
        expect(.highestID(NodeID(9), expected: NodeID(4)), from: moving, first) {
            $0.highestID = NodeID(9)
        }
        expect(.nothingChanged, from: first, first) { $0.epoch = 2 }
        expect(.changedWithoutTransition, from: first, first) {
            $0.epoch = 2
            $0.owners[0] = $0.owners[1]
        }
        expect(.step(.writeBoth, after: .current, partition: p), from: moving, first) {
            $0.transition?.steps[p] = .writeBoth
        }
        let both = try moving.advancing([p], to: .writeBoth)
        expect(.step(.readNext, after: .current, partition: p), from: both, moving) {
            $0.transition?.steps[p] = .readNext
        }
        expect(.stepEpoch(0, partition: p, expected: 3), from: both, moving) { $0.changedAt[p] = 0 }
        expect(.nothingChanged, from: moving, moving) { $0.epoch = 3 }
        expect(.step(.current, after: .writeBoth, partition: p), from: both, both) {
            $0.epoch = 4
            $0.transition?.steps[p] = .current
        }
        expect(.otherTransition, from: both, moving) {
            let owner = $0.transition?.owners[p]
            $0.transition?.owners[p] = owner == NodeID(2) ? NodeID(3) : NodeID(2)
        }
        expect(.unfinished(partition: p, step: .current), from: first, moving) { $0.epoch = 3 }
        #expect(throws: RingChangeFault.transitionRuns) {
            try moving.beginning(members: less, owners: owners)
        }
        #expect(throws: RingChangeFault.noTransition) { try first.advancing([p], to: .writeBoth) }
        #expect(throws: RingChangeFault.noTransition) { try first.finishing() }
        #expect(throws: RingChangeFault.noTransition) { try first.aborting() }
        #expect(throws: RingChangeFault.unknownPartition(64)) {
            try moving.advancing([64], to: .writeBoth)
        }
        #expect(throws: RingChangeFault.nothingChanged) { try moving.advancing([], to: .writeBoth) }
        #expect(throws: RingChangeFault.nothingChanged) {
            try first.beginning(members: first.members, owners: first.owners)
        }
        var last = first
        last.epoch = .max
        #expect(throws: RingChangeFault.epochsExhausted) {
            try last.beginning(members: less, owners: owners)
        }
        #expect(first.successorFault(of: last) == .epochsExhausted)
    }

    private func successor(
        of document: RingDocument,
        _ generator: inout SeededGenerator
    ) throws -> RingDocument {
        guard let transition = document.transition else {
            while true {
                let change = RandomChange(&generator, from: document)
                if let begun = try? change.begin(&generator) { return begun }
            }
        }
        if !transition.isAborting, generator.chance(1, in: 8) { return try document.aborting() }
        return try RandomChange.advance(&generator, document) ?? document.finishing()
    }

    /// By partition: who is read from, and the sets of nodes in which writes count.
    private func servedBy(_ document: RingDocument) -> [[[NodeID]]] {
        let ring = Ring(document)
        func ids(_ list: PreferenceList) -> [NodeID] { (0..<list.count).map { list[$0] }.sorted() }
        return (0..<64).map { partition in
            let current = ids(ring.preferenceList(partition: partition))
            let next = ids(ring.nextPreferenceList(partition: partition))
            let reads = ids(ring.readPreferenceList(partition: partition))
            return switch ring.step(of: partition) {
            case .current: [reads, current]
            case .writeBoth: [reads, current, next]
            case .readNext: [reads, next, current]
            case .next: [reads, next]
            }
        }
    }

    private func couldFollow(_ mutant: RingDocument, _ previous: RingDocument) -> Bool {
        guard let target = mutant.transition else { return mutant == (try? previous.finishing()) }
        if previous.transition == nil {
            return mutant
                == (try? previous.beginning(
                    members: target.members,
                    owners: target.owners,
                    abandoning: target.abandoned
                ))
        }
        var expected = previous
        expected.epoch += 1
        for partition in 0..<64
        where target.steps[partition] != previous.transition?.steps[partition] {
            guard previous.transition?.steps[partition].following == target.steps[partition] else {
                return false
            }
            expected.transition?.steps[partition] = target.steps[partition]
            expected.changedAt[partition] = expected.epoch
        }
        return mutant == expected
    }

    private func mutate(
        _ document: inout RingDocument,
        _ kind: Int,
        _ generator: inout SeededGenerator
    ) {
        let partition = generator.below(64)
        let member = document.members[generator.below(document.members.count)].id
        switch kind {
        case 0: document.owners[partition] = member
        case 1: document.transition?.owners[partition] = member
        case 2:
            document.transition?.steps[partition] =
                PartitionStep.allCases[generator.below(PartitionStep.allCases.count)]
        case 3: document.changedAt[partition] = UInt64(generator.below(Int(document.epoch) + 1))
        case 4: document.highestID = NodeID(document.highestID.rawValue + 1)
        case 5: document.transition?.isAborting.toggle()
        case 6: document.transition = nil
        case 7: document.epoch += 1
        default: document.replicas = 1 + generator.below(8)
        }
    }
}
