/// The random 64-bit name of one partition replica on one node in one incarnation.
///
/// A replica takes a new one whenever it can't be sure of every counter it has used, so that a dot
/// is never minted twice.
@usableFromInline
package struct ActorID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

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
