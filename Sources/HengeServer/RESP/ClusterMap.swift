package import HengeBase
package import HengeRing

/// The ring as clients of Redis Cluster see it: ranges of hash slots, each with the nodes to ask.
///
/// Every replica of a key serves it alike, so the "master" of a range is simply the most preferred
/// one that is up, and the others that are up are its "replicas". While the ring changes those are
/// the nodes that reads use. Only nodes whose client address is known appear.
package struct ClusterMap {
    package struct Node: Hashable {
        package let id: NodeID
        package let name: String
        /// 40 hexadecimal digits, as Redis Cluster's.
        package let publicID: String
        package let host: String
        package let port: Int
        package let peerPort: Int
        package let isUp: Bool
        package let isOwn: Bool
    }

    package struct Range: Hashable {
        package var slots: ClosedRange<Int>
        /// Positions in ``ClusterMap/nodes``, the master first.
        package let nodes: [Int]
    }

    package let epoch: UInt64
    /// Those with a known address, in order of id.
    package private(set) var nodes: [Node] = []
    /// In order, neighbours of equal nodes joined. Slots without any node that is up are left out.
    package private(set) var ranges: [Range] = []
    /// Members, known or not, of the current ring and of the one that is being moved to.
    package let memberCount: Int

    package init(ring: Ring, own: NodeID, status: (NodeID) -> PeerStatus) {
        epoch = ring.document.epoch
        memberCount = ring.allMembers.count
        var positions: [NodeID: Int] = [:]
        for member in ring.allMembers {
            let status = status(member.id)
            guard let node = Self.node(member, status, ring.document.clusterID, own: own) else {
                continue
            }
            positions[member.id] = nodes.count
            nodes.append(node)
        }
        for partition in 0..<ring.partitions {
            var serving: [Int] = []
            ring.readPreferenceList(partition: partition).forEach { id in
                if let position = positions[id], nodes[position].isUp { serving.append(position) }
            }
            append(ring.slots(partition: partition), serving)
        }
    }

    private mutating func append(_ slots: ClosedRange<Int>, _ serving: [Int]) {
        guard !serving.isEmpty else { return }
        if let last = ranges.last, last.nodes == serving,
            last.slots.upperBound + 1 == slots.lowerBound
        {
            ranges[ranges.count - 1].slots = last.slots.lowerBound...slots.upperBound
        } else {
            ranges.append(Range(slots: slots, nodes: serving))
        }
    }

    private static func node(
        _ member: Member,
        _ status: PeerStatus,
        _ clusterID: UInt64,
        own: NodeID
    ) -> Node? {
        guard let address = HostPort(status.respAddress) else { return nil }
        let peer = HostPort(member.peerAddress)
        // A wildcard is no address to connect to; where its peers reach it, its clients do, too.
        let isWildcard = address.host == "0.0.0.0" || address.host == "::"
        return Node(
            id: member.id,
            name: member.name,
            publicID: publicID(of: member.id, clusterID: clusterID),
            host: isWildcard ? peer?.host ?? address.host : address.host,
            port: Int(address.port),
            peerPort: peer.map { Int($0.port) } ?? 0,
            isUp: status.isUp,
            isOwn: member.id == own
        )
    }

    /// The same on every node, and another for every node of every cluster.
    package static func publicID(of node: NodeID, clusterID: UInt64) -> String {
        var mixer = SeededGenerator(seed: clusterID ^ UInt64(node.rawValue))
        let tail = hexadecimal(UInt64(node.rawValue)).suffix(8)
        return hexadecimal(mixer.next(), clusterID) + tail
    }

    /// Slots that a node that is up serves.
    package var slotsServed: Int { ranges.reduce(0) { $0 + $1.slots.count } }

    /// The slots whose master is the node at `position`.
    package func slots(masteredBy position: Int) -> [ClosedRange<Int>] {
        joined(ranges.filter { $0.nodes[0] == position }.map(\.slots))
    }

    /// Each list of nodes once, with all its slots, in the order of their first slots.
    package var shards: [(nodes: [Int], slots: [ClosedRange<Int>])] {
        var indexes: [[Int]: Int] = [:]
        var shards: [(nodes: [Int], slots: [ClosedRange<Int>])] = []
        for range in ranges {
            if let index = indexes[range.nodes] {
                shards[index].slots.append(range.slots)
            } else {
                indexes[range.nodes] = shards.count
                shards.append((range.nodes, [range.slots]))
            }
        }
        return shards
    }

    private func joined(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
        var result: [ClosedRange<Int>] = []
        for range in ranges {
            if let last = result.last, last.upperBound + 1 == range.lowerBound {
                result[result.count - 1] = last.lowerBound...range.upperBound
            } else {
                result.append(range)
            }
        }
        return result
    }
}
