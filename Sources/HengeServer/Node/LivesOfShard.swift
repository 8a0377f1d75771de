import HengeBase
import HengeMembership
import HengeRing

import struct NIOCore.ByteBuffer

/// The lives of other members that a shard other than the first has met, for its own database; see
/// ``LifeLedger``.
struct LivesOfShard: Sendable {
    private var saved: ByteBuffer?
    private var ledger: LifeLedger?
    private var members: [NodeID] = []

    /// - Parameter saved: what ``met(_:of:in:)`` gave last, if anything was met before.
    init(saved: ByteBuffer?) {
        self.saved = saved
    }

    /// Returns what to save, if there is news.
    mutating func met(_ life: UInt64, of id: NodeID, in ring: Ring) -> ByteBuffer? {
        let ids = ring.allMembers.map(\.id)
        let index = MemberIndex(ids)
        var ledger = self.ledger ?? LifeLedger(members: index, saved: saved)
        if ids != members { ledger.move(to: index) }
        members = ids
        defer { self.ledger = ledger }
        guard let member = index[id], ledger.met(life, of: member) else { return nil }
        saved = ledger.encoded()
        return saved
    }

    /// What all shards of a node have met, each in its own database.
    ///
    /// - Parameter saved: by shard.
    static func joined(_ saved: [ByteBuffer?], in ring: Ring) -> ByteBuffer? {
        guard saved.count > 1 else { return saved.first ?? nil }
        let index = MemberIndex(ring.allMembers.map(\.id))
        var all = LifeLedger(members: index, saved: saved[0])
        for other in saved.dropFirst() { all.merge(LifeLedger(members: index, saved: other)) }
        return all.encoded()
    }
}
