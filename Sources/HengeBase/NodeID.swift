/// A node's permanent number in its cluster: dense, assigned by the ring document, never reused.
@usableFromInline
package struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt16

    @inlinable package init(_ rawValue: UInt16) {
        self.rawValue = rawValue
    }

    @inlinable package static func < (a: NodeID, b: NodeID) -> Bool { a.rawValue < b.rawValue }

    @usableFromInline package var description: String { "#\(rawValue)" }
}

/// Names one request in flight on the node that issued it, so that a reply finds it again.
///
/// The low half is a slot of the issuer's request table and the high half that slot's generation,
/// so a reply that comes after its slot was reused is recognised and ignored.
@usableFromInline
package struct RequestID: Hashable, Sendable {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    @inlinable package init(slot: UInt32, generation: UInt32) {
        rawValue = UInt64(generation) << 32 | UInt64(slot)
    }

    @inlinable package var slot: Int { Int(truncatingIfNeeded: rawValue & 0xFFFF_FFFF) }
    @inlinable package var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
}
