/// A batch of effects, owned by a driver and lent to state machines as `inout`.
///
/// The storage is reused, so a step allocates nothing once the buffer has grown.
///
/// `@usableFromInline`, since the compiler (6.3) specialises the members of a `package` type in
/// other modules only then, and an unspecialised generic costs a request more than all its work.
@usableFromInline
package struct EffectBuffer<Effect>: ~Copyable {
    @usableFromInline var storage: [Effect] = []

    /// - Parameter capacity: effects to hold before the first growth.
    @inlinable package init(capacity: Int = 16) {
        storage.reserveCapacity(capacity)
    }

    @inlinable package var isEmpty: Bool { storage.isEmpty }
    @inlinable package var count: Int { storage.count }

    @inlinable package mutating func emit(_ effect: consuming Effect) {
        storage.append(effect)
    }

    /// The effect emitted as number `index` since the last removal.
    @inlinable package subscript(index: Int) -> Effect { storage[index] }

    /// Forgets every effect, keeping the capacity.
    @inlinable package mutating func removeAll() {
        storage.removeAll(keepingCapacity: true)
    }

    /// Hands every effect over in the order of its emission, then forgets them, keeping the
    /// capacity.
    ///
    /// `body` must not emit into this same buffer.
    @inlinable package mutating func drain(_ body: (Effect) throws -> Void) rethrows {
        defer { storage.removeAll(keepingCapacity: true) }
        for effect in storage { try body(effect) }
    }
}
