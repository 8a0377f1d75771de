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
                        #expect(slab.remove(gone.index).name == gone.name, "seed \(seed)")
                        #expect(!slab.contains(gone.index, gone.generation), "seed \(seed)")
                        #expect(slab.generation(at: gone.index) == nil, "seed \(seed)")
                    }
                    #expect(slab.count == model.count && tally.alive == model.count)
                    for held in model {
                        #expect(slab.contains(held.index, held.generation), "seed \(seed)")
                        #expect(slab.generation(at: held.index) == held.generation)
                        #expect(slab[held.index].name == held.name, "seed \(seed)")
                        #expect(held.index < slab.indexBound)
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
        #expect(slab[place.index] == [1, 2])
        #expect(!slab.contains(place.index, place.generation &+ 1))
        #expect(!slab.contains(place.index + 1, place.generation))
        #expect(slab.generation(at: place.index + 1) == nil)
    }

    @Test("an index is given out again with another generation")
    func generations() {
        var slab = Slab<Int>(firstGeneration: 7)
        let first = slab.insert(1)
        slab.remove(first.index)
        let second = slab.insert(2)
        #expect(second.index == first.index && second.generation == first.generation &+ 1)
        #expect(!slab.contains(first.index, first.generation))
    }
}
