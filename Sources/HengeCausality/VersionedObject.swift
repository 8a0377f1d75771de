package import HengeBase

package import struct NIOCore.ByteBuffer

/// One concurrent version of a key: a value or a tombstone, named by the dot of the write that made
/// it.
package struct Sibling: Hashable, Sendable {
    package enum Payload: Hashable, Sendable {
        /// With what its writer said about it (HTTP's content type and the like), opaque here and
        /// never empty; nil where nothing was said, as of all writes of RESP.
        case value(ByteBuffer, metadata: ByteBuffer? = nil)
        case tombstone
    }

    package let dot: Dot
    package let timestamp: HybridTimestamp
    /// From when on readers take this sibling for a tombstone; nil for never.
    package let expiry: WallTime?
    package let payload: Payload

    package init(dot: Dot, timestamp: HybridTimestamp, expiry: WallTime?, payload: Payload) {
        self.dot = dot
        self.timestamp = timestamp
        self.expiry = expiry
        self.payload = payload
    }

    /// The value for a reader at `wall`; nil for a tombstone and once expired.
    package func value(at wall: WallTime) -> ByteBuffer? {
        if let expiry, expiry <= wall { return nil }
        switch payload {
        case .value(let bytes, _): return bytes
        case .tombstone: return nil
        }
    }

    /// What the value's writer said about it.
    package var metadata: ByteBuffer? {
        if case .value(_, let metadata) = payload { metadata } else { nil }
    }
}

/// Everything one replica knows of one key: the writes it has seen (`context`) and those of them
/// that no other has replaced (`siblings`).
///
/// Replicas that have merged the same set of states hold the same object, whatever the order.
/// Source: Preguiça et al., *Dotted Version Vectors*, arXiv:1011.5808; Almeida et al., *Scalable
/// and Accurate Causality Tracking for Eventually Consistent Stores*, DAIS 2014.
package struct VersionedObject: Hashable, Sendable {
    package private(set) var context: VersionVector
    /// In order of dot; the context covers each.
    package private(set) var siblings: [Sibling]

    /// The object of a key that was never written.
    package init() {
        context = VersionVector()
        siblings = []
    }

    /// - Parameter siblings: in strictly rising order of dot, each covered by `context`.
    package init(context: VersionVector, siblings: [Sibling]) {
        self.context = context
        self.siblings = siblings
        checkInvariants()
    }

    /// Whether a write may be named `dot`: neither this object nor the context it read claims that
    /// name.
    ///
    /// A replica asks before it writes. Its own counters are never claimed before it issues them,
    /// but a client can forge a context that does; the replica then refuses that context, or, when
    /// the claim is already in its object, goes on under a new actor.
    package func isNew(_ dot: Dot, replacing: VersionVector) -> Bool {
        !context.covers(dot) && !replacing.covers(dot)
    }

    /// Adds a new write that has seen the writes `replacing` claims.
    ///
    /// Siblings that `replacing` covers are replaced; the rest stay beside the new one.
    /// - Parameter sibling: its dot must be new, as ``isNew(_:replacing:)`` tells.
    package mutating func write(_ sibling: Sibling, replacing: VersionVector) {
        invariant(isNew(sibling.dot, replacing: replacing), "a dot was minted twice")
        siblings.removeAll { replacing.covers($0.dot) }
        context.join(replacing)
        context.record(sibling.dot)
        insert(sibling)
        checkInvariants()
    }

    /// How many siblings there would be after a write that has seen what `replacing` claims.
    package func siblingCount(afterWriteReplacing replacing: VersionVector) -> Int {
        siblings.count { !replacing.covers($0.dot) } + 1
    }

    /// Takes in all that another replica knows: associative, commutative and idempotent.
    ///
    /// A sibling stays if both sides have it or if the other side's context does not cover its dot.
    /// `other` must be all that its replica knows: its context claims everything below each entry,
    /// so a part of it would cover siblings that it leaves out.
    package mutating func merge(_ other: VersionedObject) {
        siblings.removeAll { other.context.covers($0.dot) && !other.holds($0.dot) }
        // What this context covers is here already, or was replaced.
        for sibling in other.siblings where !context.covers(sibling.dot) { insert(sibling) }
        context.join(other.context)
        checkInvariants()
    }

    /// The sibling that a plain reader gets: the live one of the greatest hybrid timestamp, ties
    /// broken by dot so that all replicas choose alike; nil when every sibling is a tombstone or
    /// expired.
    package func newestLive(at wall: WallTime) -> Sibling? {
        siblings.lazy.filter { $0.value(at: wall) != nil }
            .max { ($0.timestamp, $0.dot) < ($1.timestamp, $1.dot) }
    }

    package func liveSiblings(at wall: WallTime) -> [Sibling] {
        siblings.filter { $0.value(at: wall) != nil }
    }

    private func holds(_ dot: Dot) -> Bool {
        siblings.contains { $0.dot == dot }
    }

    private mutating func insert(_ sibling: Sibling) {
        let index = siblings.firstIndex { $0.dot > sibling.dot } ?? siblings.endIndex
        siblings.insert(sibling, at: index)
    }

    private func checkInvariants() {
        for sibling in siblings {
            invariant(context.covers(sibling.dot), "the context must cover each sibling")
        }
        for (a, b) in zip(siblings, siblings.dropFirst()) {
            invariant(a.dot < b.dot, "siblings out of order")
        }
    }
}
