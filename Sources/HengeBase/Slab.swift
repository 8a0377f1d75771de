/// Things in flight, found by index and recognised by generation, in storage that is reused.
///
/// An index is given out again after its thing was removed, with another generation, so that an
/// answer that comes too late finds nothing.
///
/// `@usableFromInline`, since the compiler (6.3) specialises the members of a `package` type in
/// other modules only then, and an unspecialised generic costs a request more than all its work.
@usableFromInline
package struct Slab<Element>: ~Copyable {
    @usableFromInline struct Slot {
        @usableFromInline var generation: UInt32
        @usableFromInline var element: Element?

        @usableFromInline init(generation: UInt32, element: Element?) {
            self.generation = generation
            self.element = element
        }
    }

    @usableFromInline var slots: [Slot] = []
    @usableFromInline var free: [Int] = []
    @usableFromInline let firstGeneration: UInt32

    /// - Parameter firstGeneration: the generation of each index's first element. A table whose ids
    ///   leave the process starts at a random one, so that an answer to an earlier incarnation
    ///   finds nothing.
    package init(firstGeneration: UInt32 = 1) {
        self.firstGeneration = firstGeneration
    }

    /// How many elements it holds.
    @inlinable package var count: Int { slots.count - free.count }

    /// Every index is below this bound.
    @inlinable package var indexBound: Int { slots.count }

    @inlinable package mutating func insert(
        _ element: consuming Element
    ) -> (index: Int, generation: UInt32) {
        if let index = free.popLast() {
            slots[index].element = element
            return (index, slots[index].generation)
        }
        slots.append(Slot(generation: firstGeneration, element: element))
        return (slots.count - 1, firstGeneration)
    }

    /// Whether an element of this generation is there.
    @inlinable package func contains(_ index: Int, _ generation: UInt32) -> Bool {
        index < slots.count && slots[index].generation == generation
            && slots[index].element != nil
    }

    /// The generation of the element at `index`; nil where there is none.
    @inlinable package func generation(at index: Int) -> UInt32? {
        guard index < slots.count, slots[index].element != nil else { return nil }
        return slots[index].generation
    }

    /// The element at an index that holds one; traps at any other.
    ///
    /// The force unwraps are the one form that lets an element be read and changed in place:
    /// binding it to a name would copy it, and each reference in it would be counted.
    @inlinable package subscript(index: Int) -> Element {
        _read {
            // swift-format-ignore: NeverForceUnwrap
            yield slots[index].element!
        }
        _modify {
            // swift-format-ignore: NeverForceUnwrap
            yield &slots[index].element!
        }
    }

    @inlinable @discardableResult
    package mutating func remove(_ index: Int) -> Element {
        guard let element = slots[index].element.take() else {
            preconditionFailure("nothing is at index \(index)")
        }
        slots[index].generation &+= 1
        free.append(index)
        return element
    }
}
