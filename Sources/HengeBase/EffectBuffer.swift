/// A batch of effects, owned by a driver and lent to state machines as `inout`.
///
/// The storage is reused, so a step allocates nothing once the buffer has grown.
///
/// The effects lie in memory of its own and not in an array, of which one can only be copied, with
/// each of its references counted: here a driver takes them out.
///
/// `@usableFromInline`, since the compiler (6.3) specialises the members of a `package` type in
/// other modules only then, and an unspecialised generic costs a request more than all its work.
@usableFromInline
package struct EffectBuffer<Effect>: ~Copyable {
    /// Initialised from `first` up to `end`, and there alone.
    @usableFromInline var elements: UnsafeMutablePointer<Effect>
    @usableFromInline var capacity: Int
    @usableFromInline var first = 0
    @usableFromInline var end = 0

    /// - Parameter capacity: effects to hold before the first growth.
    @inlinable package init(capacity: Int = 16) {
        self.capacity = max(1, capacity)
        elements = UnsafeMutablePointer.allocate(capacity: max(1, capacity))
    }

    deinit {
        (elements + first).deinitialize(count: end - first)
        elements.deallocate()
    }

    @inlinable package var isEmpty: Bool { first == end }
    @inlinable package var count: Int { end - first }

    @inlinable package mutating func emit(_ effect: consuming Effect) {
        if end == capacity { makeRoom() }
        (elements + end).initialize(to: effect)
        end += 1
    }

    @usableFromInline mutating func makeRoom() {
        let held = count
        let larger = UnsafeMutablePointer<Effect>.allocate(capacity: 2 * capacity)
        larger.moveInitialize(from: elements + first, count: held)
        elements.deallocate()
        elements = larger
        capacity *= 2
        (first, end) = (0, held)
    }

    /// The effect emitted as number `index` of those that are held.
    @inlinable package subscript(index: Int) -> Effect {
        _read {
            precondition(index >= 0 && index < count, "no such effect")
            yield elements[first + index]
        }
    }

    /// Takes the first effect out; nil when there is none. More may be emitted in between.
    @inlinable package mutating func takeFirst() -> Effect? {
        guard first < end else {
            (first, end) = (0, 0)
            return nil
        }
        let effect = (elements + first).move()
        first += 1
        return effect
    }

    /// Forgets every effect, keeping the capacity.
    @inlinable package mutating func removeAll() {
        (elements + first).deinitialize(count: end - first)
        (first, end) = (0, 0)
    }

    /// Hands every effect over in the order of its emission, then forgets them, keeping the
    /// capacity.
    ///
    /// `body` must not emit into this same buffer.
    @inlinable package mutating func drain(_ body: (Effect) throws -> Void) rethrows {
        defer { removeAll() }
        while let effect = takeFirst() { try body(effect) }
    }
}
