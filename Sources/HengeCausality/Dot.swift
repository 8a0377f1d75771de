package import HengeBase

/// The name of one partition replica on one node in one incarnation: the node's id in the upper 16
/// bits, then 48 random ones.
///
/// The node tells who alone may say which of the actor's writes there are, once it is out of use.
/// A replica takes a new one whenever it can't be sure of every counter it has used, so that a dot
/// is never minted twice.
@usableFromInline
package struct ActorID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// - Parameter random: of these the lower 48 bits count.
    package init(node: NodeID, random: UInt64) {
        rawValue = UInt64(node.rawValue) << 48 | random & 0xFFFF_FFFF_FFFF
    }

    /// Whose replica it is.
    package var node: NodeID { NodeID(UInt16(truncatingIfNeeded: rawValue >> 48)) }

    @inlinable package static func < (a: ActorID, b: ActorID) -> Bool { a.rawValue < b.rawValue }

    @usableFromInline package var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// The name of one write: the actor that coordinated it and that actor's counter, from 1.
///
/// Source: Preguiça et al., *Dotted Version Vectors*, arXiv:1011.5808.
@usableFromInline
package struct Dot: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let actor: ActorID
    @usableFromInline package let counter: UInt64

    @inlinable package init(actor: ActorID, counter: UInt64) {
        self.actor = actor
        self.counter = counter
    }

    @inlinable package static func < (a: Dot, b: Dot) -> Bool {
        a.actor == b.actor ? a.counter < b.counter : a.actor < b.actor
    }

    @usableFromInline package var description: String { "\(actor):\(counter)" }
}
