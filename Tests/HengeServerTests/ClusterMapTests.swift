import HengeBase
import HengeRing
import HengeServer
import Testing

@Suite struct ClusterMapTests {
    private func ring(_ nodes: Int, replicas: Int = 3) throws -> Ring {
        let list = (1...nodes).map { "n\($0)=10.0.0.\($0):7401" }.joined(separator: ",")
        return Ring(
            try RingDocument.bootstrap(.parse(list), replicas: replicas, partitions: 128)
        )
    }

    private func up(_ id: NodeID) -> PeerStatus {
        PeerStatus(isUp: true, respAddress: "127.0.0.1:\(6400 + id.rawValue)", httpAddress: "")
    }

    @Test("every slot is served once, by the most preferred node, and neighbours are joined")
    func coversAllSlots() throws {
        let ring = try ring(5)
        let own = ring.document.members[0].id
        let map = ClusterMap(ring: ring, own: own, status: up)
        var slot = 0
        for range in map.ranges {
            #expect(range.slots.lowerBound == slot)
            slot = range.slots.upperBound + 1
            let expected = ring.preferenceList(
                partition: range.slots.lowerBound / (HashSlot.count / ring.partitions)
            )
            #expect(range.nodes.map { map.nodes[$0].id } == (0..<3).map { expected[$0] })
        }
        #expect(slot == HashSlot.count && map.slotsServed == HashSlot.count)
        for (a, b) in zip(map.ranges, map.ranges.dropFirst()) { #expect(a.nodes != b.nodes) }
        let mastered = map.nodes.indices.flatMap { map.slots(masteredBy: $0) }
        #expect(mastered.reduce(0) { $0 + $1.count } == HashSlot.count)
        #expect(map.shards.flatMap(\.slots).reduce(0) { $0 + $1.count } == HashSlot.count)
    }

    @Test("one node serves everything in one range")
    func oneNode() throws {
        let ring = try ring(1)
        let map = ClusterMap(ring: ring, own: ring.document.members[0].id, status: up)
        #expect(map.ranges.map(\.slots) == [0...16383])
    }

    @Test("a node that is down serves nothing, and one never seen is not named")
    func downAndUnknown() throws {
        let ring = try ring(4)
        let ids = ring.document.members.map(\.id)
        let map = ClusterMap(ring: ring, own: ids[0]) { id in
            switch id {
            case ids[1]: PeerStatus(isUp: false, respAddress: "127.0.0.1:1", httpAddress: "")
            case ids[2]: PeerStatus(isUp: false, respAddress: "", httpAddress: "")
            default: up(id)
            }
        }
        #expect(map.nodes.map(\.id) == [ids[0], ids[1], ids[3]])
        #expect(map.slotsServed == HashSlot.count)
        #expect(map.ranges.allSatisfy { range in range.nodes.allSatisfy { map.nodes[$0].isUp } })
        #expect(map.nodesText.contains("master,fail"))
        #expect(map.infoText.contains("cluster_state:ok"))
    }

    @Test("while the ring changes, those serve a slot that reads use, and all members are named")
    func transition() throws {
        let before = try ring(3).document
        let joiner = Member(
            id: NodeID(before.highestID.rawValue + 1),
            name: "n4",
            peerAddress: "10.0.0.4:7401"
        )
        // The new node takes what the first one has.
        let first = before.members[0].id
        let owners = before.owners.map { $0 == first ? joiner.id : $0 }
        var document = try before.beginning(
            members: Array(before.members.dropFirst()) + [joiner],
            owners: owners
        )
        let moved = (0..<owners.count).filter { document.transition?.steps[$0] == .current }
        document = try document.advancing(moved, to: .writeBoth)
        document = try document.advancing([moved[0]], to: .readNext)
        let ring = Ring(document)
        let map = ClusterMap(ring: ring, own: first, status: up)
        #expect(map.nodes.map(\.name) == ["n1", "n2", "n3", "n4"] && map.memberCount == 4)
        #expect(map.slotsServed == HashSlot.count)
        for range in map.ranges {
            let names = Set(range.nodes.map { map.nodes[$0].name })
            let isMoved = ring.slots(partition: moved[0]).contains(range.slots.lowerBound)
            #expect(names == (isMoved ? ["n2", "n3", "n4"] : ["n1", "n2", "n3"]))
        }
    }

    @Test("a wildcard address is shown as the one where its peers reach the node")
    func wildcard() throws {
        let ring = try ring(1)
        let map = ClusterMap(ring: ring, own: ring.document.members[0].id) { _ in
            PeerStatus(isUp: true, respAddress: "0.0.0.0:6401", httpAddress: "")
        }
        #expect(map.nodes.map(\.host) == ["10.0.0.1"])
    }

    @Test("node ids have 40 digits and differ by node and cluster")
    func publicIDs() {
        var ids: Set<String> = []
        for cluster in [1, 2] as [UInt64] {
            for node in 0..<100 as Range<UInt16> {
                ids.insert(ClusterMap.publicID(of: NodeID(node), clusterID: cluster))
            }
        }
        #expect(ids.count == 200 && ids.allSatisfy { $0.utf8.count == 40 })
    }
}
