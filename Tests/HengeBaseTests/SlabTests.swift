import HengeBase
import Testing

@Suite struct SlabTests {
    /// Counts how many of its kind are alive.
    private final class Counted {
        final class Tally { var alive = 0 }

        let name: Int
        private let tally: Tally

        init(_ name: Int, _ tally: Tally) {
            self.name = name
            self.tally = tally
            tally.alive += 1
        }

        deinit { tally.alive -= 1 }
    }

    @Test("holds what was inserted, as a dictionary would, whatever comes and goes")
    func model() {
        for seed in UInt64(1)...20 {
            var random = SeededGenerator(seed: seed)
            let tally = Counted.Tally()
            do {
                var slab = Slab<Counted>(firstGeneration: UInt32.max - 1)
                var model: [(index: Int, generation: UInt32, name: Int)] = []
                for name in 0..<500 {
                    if model.isEmpty || random.next() % 5 < 3 {
                        let place = slab.insert(Counted(name, tally))
                        model.append((place.index, place.generation, name))
                    } else {
                        let gone = model.remove(at: Int(random.next() % UInt64(model.count)))
                        let removed = slab.remove(gone.index)
                        let isThere = slab.contains(gone.index, gone.generation)
                        let generation = slab.generation(at: gone.index)
                        #expect(removed.name == gone.name, "seed \(seed)")
                        #expect(!isThere && generation == nil, "seed \(seed)")
                    }
                    let (count, bound) = (slab.count, slab.indexBound)
                    #expect(count == model.count && tally.alive == count, "seed \(seed)")
                    for held in model {
                        let isThere = slab.contains(held.index, held.generation)
                        let generation = slab.generation(at: held.index)
                        let found = slab[held.index].name
                        #expect(isThere && generation == held.generation, "seed \(seed)")
                        #expect(found == held.name && held.index < bound, "seed \(seed)")
                    }
                }
            }
            #expect(tally.alive == 0, "a table that ends ends its elements; seed \(seed)")
        }
    }

    @Test("changes an element in place")
    func inPlace() {
        var slab = Slab<[Int]>()
        let place = slab.insert([1])
        slab[place.index].append(2)
        let changed = slab[place.index]
        let isOther = slab.contains(place.index, place.generation &+ 1)
        let isBeyond = slab.contains(place.index + 1, place.generation)
        let beyond = slab.generation(at: place.index + 1)
        #expect(changed == [1, 2])
        #expect(!isOther && !isBeyond && beyond == nil)
    }

    @Test("an index is given out again with another generation")
    func generations() {
        var slab = Slab<Int>(firstGeneration: 7)
        let first = slab.insert(1)
        slab.remove(first.index)
        let second = slab.insert(2)
        #expect(second.index == first.index && second.generation == first.generation &+ 1)
        let isThere = slab.contains(first.index, first.generation)
        #expect(!isThere)
    }
}
