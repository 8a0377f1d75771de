import HengeBase
import HengeRing
import Testing

/// Who is to hold a partition in the middle of a change, and who takes whose place.
@Suite struct HomesTests {
    @Test("the homes of a partition are the current nodes, then both, then the next")
    func homes() throws {
        let before = try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3", "n4=h:4"])
        let target =
            before.members.dropLast() + [Member(id: NodeID(5), name: "n5", peerAddress: "h:5")]
        let owners = before.owners.map { $0 == NodeID(4) ? NodeID(5) : $0 }
        var document = try before.beginning(members: Array(target), owners: owners)
        let partition = try #require(document.transition?.steps.firstIndex(of: .current))
        let token = Ring(before).tokenRange(partition: partition).lowerBound
        let current = Ring(before).preferenceList(partition: partition)
        #expect(Ring(before).homes(partition: partition) == current)
        #expect(Ring(document).homes(partition: partition) == current)
        let next = Ring(document).nextPreferenceList(partition: partition)
        for step in [PartitionStep.writeBoth, .readNext] {
            document = try document.advancing([partition], to: step)
            let homes = Ring(document).homes(of: token)
            #expect(homes == current.union(next) && homes.count == current.count + 1)
        }
        document = try document.advancing([partition], to: .next)
        #expect(Ring(document).homes(of: token) == next)
    }

    @Test("joining nodes take the places of leaving ones in the order of the lists")
    func pairs() {
        #expect(pairs([1, 2, 3], [1, 4, 3]) == [4: 2])
        #expect(pairs([1, 2, 3], [5, 1, 4]) == [5: 2, 4: 3])
        #expect(pairs([1, 2, 3], [4, 5, 6]) == [4: 1, 5: 2, 6: 3])
        #expect(pairs([1, 2, 3], [3, 2, 1]) == [:])
        // One more joins than leaves; and fewer are to hold it than before.
        #expect(pairs([1, 2], [1, 3, 4]) == [3: 2])
        #expect(pairs([1, 2, 3], [1, 4]) == [:])
    }

    private func pairs(_ current: [UInt16], _ next: [UInt16]) -> [UInt16: UInt16] {
        let (list, other) = (
            PreferenceList(current.map { NodeID($0) }), PreferenceList(next.map { NodeID($0) })
        )
        var pairs: [UInt16: UInt16] = [:]
        for id in UInt16(1)...9 {
            pairs[id] = list.replaced(by: NodeID(id), in: other)?.rawValue
        }
        return pairs
    }
}
