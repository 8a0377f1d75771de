/// Things in flight, found by index and recognised by generation, in storage that is reused.
///
/// An index is given out again after its thing was removed, with another generation, so that an answer
/// that comes too late finds nothing.
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

    package init() {}

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
        slots.append(Slot(generation: 1, element: element))
        return (slots.count - 1, 1)
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

    /// The element at an index that holds one.
    @inlinable package subscript(index: Int) -> Element {
        _read {
            guard let element = slots[index].element else {
                preconditionFailure("nothing is at index \(index)")
            }
            yield element
        }
        _modify {
            // The force unwrap traps on an index that holds nothing, as the contract says, and is the
            // one form that lets the element be changed in place.
            // swift-format-ignore: NeverForceUnwrap
            yield &slots[index].element!
        }
    }

    @inlinable @discardableResult
    package mutating func remove(_ index: Int) -> Element {
        guard let element = slots[index].element else {
            preconditionFailure("nothing is at index \(index)")
        }
        slots[index].element = nil
        slots[index].generation &+= 1
        free.append(index)
        return element
    }
}
