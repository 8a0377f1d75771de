import HengeBase
import HengeRing
import Testing

@Suite struct StandInTests {
    @Test("stand-ins are all other nodes, each once, in the order of the walk from the partition")
    func walk() throws {
        let list = (1...7).map { "n\($0)=127.0.0.1:\(7400 + $0)" }.joined(separator: ",")
        let bootstrap = try BootstrapList.parse(list)
        let ring = Ring(try RingDocument.bootstrap(bootstrap, replicas: 3, partitions: 64))
        for partition in 0..<ring.partitions {
            let homes = ring.preferenceList(partition: partition)
            var expected: [NodeID] = []
            for offset in 0..<ring.partitions {
                let owner = ring.document.owners[(partition + offset) % ring.partitions]
                if !homes.contains(owner), !expected.contains(owner) { expected.append(owner) }
            }
            #expect(expected.count == 4)
            #expect(ring.standIns(partition: partition) == expected)
            #expect(ring.standIns(partition: partition, limit: 2) == Array(expected.prefix(2)))
            let odd = ring.standIns(partition: partition) { $0.rawValue % 2 == 1 }
            #expect(odd == expected.filter { $0.rawValue % 2 == 1 })
        }
    }

    @Test("a node that is about to leave stands in for nobody")
    func leaving() throws {
        let list = (1...5).map { "n\($0)=127.0.0.1:\(7400 + $0)" }.joined(separator: ",")
        let document = try RingDocument.bootstrap(
            try BootstrapList.parse(list), replicas: 3, partitions: 64)
        let leaver = NodeID(4)
        let begun = try document.beginning(
            members: document.members.filter { $0.id != leaver },
            owners: document.owners.map { $0 == leaver ? NodeID(5) : $0 }
        )
        let (before, after) = (Ring(document), Ring(begun))
        #expect(before.leaving == [] && after.leaving == [leaver])
        for partition in 0..<before.partitions {
            let all = before.standIns(partition: partition)
            #expect(after.standIns(partition: partition) == all.filter { $0 != leaver })
        }
        // On the way back it stays, and those who were to come in its place don't.
        #expect(Ring(try begun.aborting()).leaving == [])
        let joining = Member(id: NodeID(6), name: "n6", peerAddress: "127.0.0.1:7406")
        let growing = try document.beginning(
            members: document.members + [joining],
            owners: document.owners.enumerated().map { $0 % 9 == 0 ? joining.id : $1 }
        )
        #expect(Ring(growing).leaving == [])
        #expect(Ring(try growing.aborting()).leaving == [joining.id])
    }

    @Test("where every node is a home replica nobody can stand in")
    func none() throws {
        let list = (1...3).map { "n\($0)=127.0.0.1:\(7400 + $0)" }.joined(separator: ",")
        let bootstrap = try BootstrapList.parse(list)
        let ring = Ring(try RingDocument.bootstrap(bootstrap, replicas: 3, partitions: 64))
        #expect(ring.standIns(partition: 0).isEmpty)
    }
}
