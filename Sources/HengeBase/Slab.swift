/// Things in flight, found by index and recognised by generation, in storage that is reused.
///
/// An index is given out again after its thing was removed, with another generation, so that an
/// answer that comes too late finds nothing.
///
/// The elements lie in memory of its own and not in an array of optionals: reading one field of
/// such an element copied the whole of it (6.3), with each of its references counted, which cost a
/// request more than most of its work.
///
/// `@usableFromInline`, since the compiler (6.3) specialises the members of a `package` type in
/// other modules only then, and an unspecialised generic costs a request more than all its work.
@usableFromInline
package struct Slab<Element>: ~Copyable {
    /// Initialised at each index that `isHeld` marks, and there alone.
    @usableFromInline var elements: UnsafeMutablePointer<Element>
    @usableFromInline var capacity = 0
    /// By index, of the element there or of the next one.
    @usableFromInline var generations: [UInt32] = []
    @usableFromInline var isHeld: [Bool] = []
    @usableFromInline var free: [Int] = []
    @usableFromInline let firstGeneration: UInt32

    /// - Parameter firstGeneration: the generation of each index's first element. A table whose ids
    ///   leave the process starts at a random one, so that an answer to an earlier incarnation
    ///   finds nothing.
    package init(firstGeneration: UInt32 = 1) {
        self.firstGeneration = firstGeneration
        elements = UnsafeMutablePointer.allocate(capacity: 0)
    }

    deinit {
        for index in isHeld.indices where isHeld[index] {
            (elements + index).deinitialize(count: 1)
        }
        elements.deallocate()
    }

    /// How many elements it holds.
    @inlinable package var count: Int { isHeld.count - free.count }

    /// Every index is below this bound.
    @inlinable package var indexBound: Int { isHeld.count }

    @inlinable package mutating func insert(
        _ element: consuming Element
    ) -> (index: Int, generation: UInt32) {
        if let index = free.popLast() {
            (elements + index).initialize(to: element)
            isHeld[index] = true
            return (index, generations[index])
        }
        let index = isHeld.count
        if index == capacity { grow() }
        (elements + index).initialize(to: element)
        isHeld.append(true)
        generations.append(firstGeneration)
        return (index, firstGeneration)
    }

    /// Called when no index is free, so all elements are there.
    @usableFromInline mutating func grow() {
        capacity = max(8, capacity * 2)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        larger.moveInitialize(from: elements, count: isHeld.count)
        elements.deallocate()
        elements = larger
    }

    /// Whether an element of this generation is there.
    @inlinable package func contains(_ index: Int, _ generation: UInt32) -> Bool {
        index < isHeld.count && generations[index] == generation && isHeld[index]
    }

    /// The generation of the element at `index`; nil where there is none.
    @inlinable package func generation(at index: Int) -> UInt32? {
        index < isHeld.count && isHeld[index] ? generations[index] : nil
    }

    /// The element at an index that holds one; traps at any other.
    @inlinable package subscript(index: Int) -> Element {
        _read {
            precondition(isHeld[index], "nothing is at the index")
            yield elements[index]
        }
        _modify {
            precondition(isHeld[index], "nothing is at the index")
            yield &elements[index]
        }
    }

    @inlinable @discardableResult
    package mutating func remove(_ index: Int) -> Element {
        precondition(isHeld[index], "nothing is at the index")
        isHeld[index] = false
        generations[index] &+= 1
        free.append(index)
        return (elements + index).move()
    }
}
