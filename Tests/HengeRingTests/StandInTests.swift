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

    @Test("where every node is a home replica nobody can stand in")
    func none() throws {
        let list = (1...3).map { "n\($0)=127.0.0.1:\(7400 + $0)" }.joined(separator: ",")
        let bootstrap = try BootstrapList.parse(list)
        let ring = Ring(try RingDocument.bootstrap(bootstrap, replicas: 3, partitions: 64))
        #expect(ring.standIns(partition: 0).isEmpty)
    }
}
