package import HengeBase

/// What an unsafe recovery would cost, as far as the ring tells.
package struct RecoveryLoss: Sendable {
    /// The document that begins the new life.
    package let document: RingDocument
    /// By id.
    package let lost: [Member]
    /// Those that are left, by id.
    package let survivors: [Member]
    /// Partitions of which no node that holds them is left: all that was in them is gone.
    package private(set) var emptied = 0
    /// Others of which so many are lost that a write at QUORUM may have been on those alone.
    package private(set) var inDoubt = 0
    /// Others that have lost replicas, but fewer: only what was written below QUORUM may be gone.
    package private(set) var thinned = 0

    /// - Parameter gone: members of the ring, or of the one that it moves to.
    package init(
        _ ring: Ring,
        without gone: [NodeID],
        after attempts: [RecoveryMark] = []
    ) throws(RingChangeFault) {
        document = try ring.document.recovering(without: gone, after: attempts)
        lost = ring.allMembers.filter { gone.contains($0.id) }
        survivors = ring.allMembers.filter { !gone.contains($0.id) }
        for partition in 0..<ring.partitions {
            let roles = ring.roles(partition: partition)
            var (held, isLost) = (0, 0)
            for slot in 0..<roles.homes.count where roles.readers.contains(slot) {
                held += 1
                if gone.contains(roles.homes[slot]) { isLost += 1 }
            }
            if isLost == held {
                emptied += 1
            } else if isLost >= roles.readQuorum {
                inDoubt += 1
            } else if isLost > 0 {
                thinned += 1
            }
        }
    }
}
