package import HengeBase

package import struct NIOCore.ByteBuffer

/// One concurrent version of a key: a value or a tombstone, named by the dot of the write that made it.
package struct Sibling: Hashable, Sendable {
    package enum Payload: Hashable, Sendable {
        case value(ByteBuffer)
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
        case .value(let bytes): return bytes
        case .tombstone: return nil
        }
    }
}

/// Everything one replica knows of one key: the writes it has seen (`context`) and those of them that
/// no other has replaced (`siblings`).
///
/// Replicas that have merged the same set of states hold the same object, whatever the order.
/// Source: Preguiça et al., *Dotted Version Vectors*, arXiv:1011.5808; Almeida et al., *Scalable and
/// Accurate Causality Tracking for Eventually Consistent Stores*, DAIS 2014.
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

    /// Adds a new write that has seen the writes `replacing` claims.
    ///
    /// Siblings that `replacing` covers are replaced; the rest stay beside the new one.
    /// - Parameter sibling: its dot must be new to this object.
    package mutating func write(_ sibling: Sibling, replacing: VersionVector) {
        invariant(!context.covers(sibling.dot), "a dot was minted twice")
        siblings.removeAll { replacing.covers($0.dot) }
        context.join(replacing)
        invariant(!context.covers(sibling.dot), "a context claims a dot not yet minted")
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
    package mutating func merge(_ other: VersionedObject) {
        let mine = siblings
        siblings.removeAll { sibling in
            other.context.covers(sibling.dot) && !other.holds(sibling.dot)
        }
        for sibling in other.siblings
        where !context.covers(sibling.dot) && !mine.contains(where: { $0.dot == sibling.dot }) {
            insert(sibling)
        }
        context.join(other.context)
        checkInvariants()
    }

    /// The sibling that a plain reader gets: the live one of the greatest hybrid timestamp, ties broken by
    /// dot so that all replicas choose alike; nil when every sibling is a tombstone or expired.
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
