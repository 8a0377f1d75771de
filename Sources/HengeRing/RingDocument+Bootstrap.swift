import HengeBase

extension RingDocument {
    /// The document of a cluster's first start: epoch 1, ids from 1 in order of the names.
    ///
    /// Every node works it out from its own copy of the list, so it depends on nothing but the
    /// list's meaning, N and Q. The cluster id is a hash of these three: nodes that were told
    /// different things refuse each other at the handshake.
    package static func bootstrap(
        _ list: BootstrapList,
        replicas: Int,
        partitions: Int
    ) throws(RingError) -> RingDocument {
        try validate(replicas: replicas, partitions: partitions)
        let members = list.entries.enumerated().map { index, entry in
            Member(
                id: NodeID(UInt16(index + 1)),
                name: entry.name,
                peerAddress: entry.address.description,
                zone: entry.zone,
                weight: entry.weight
            )
        }
        let placement = Placement.initial(
            members: members,
            partitions: partitions,
            replicas: replicas
        )
        let document = RingDocument(
            clusterID: clusterID(members, replicas: replicas, partitions: partitions),
            epoch: 1,
            replicas: replicas,
            members: members,
            owners: placement.owners
        )
        try document.validate()
        return document
    }

    private static func clusterID(
        _ members: [Member],
        replicas: Int,
        partitions: Int
    ) -> UInt64 {
        var canonical = "replicas=\(replicas) partitions=\(partitions)"
        for member in members {
            canonical +=
                "\n\(member.name)=\(member.peerAddress)/zone=\(member.zone)/weight=\(member.weight)"
        }
        return Array(canonical.utf8).withUnsafeBytes { XXH3.hash64($0) }
    }
}
