import HengeBase
import HengeSimulator
import Testing

@Suite struct EventQueueTests {
    @Test("events come in order of time, equal times in order of scheduling")
    func order() {
        for seed: UInt64 in 1...50 {
            var dice = SeededGenerator(seed: seed)
            var queue = EventQueue<Int>()
            var naive: [(time: UInt64, number: Int)] = []
            var popped: [Int] = []
            var expected: [Int] = []
            for number in 0..<300 {
                let time = UInt64(dice.below(20))
                queue.schedule(number, at: Instant(nanoseconds: time))
                naive.append((time, number))
                guard dice.chance(1, in: 3), let next = naive.min(by: { $0 < $1 }) else { continue }
                naive.removeAll { $0.number == next.number }
                expected.append(next.number)
                if let (time, event) = queue.popNext() {
                    popped.append(event)
                    #expect(time.nanoseconds == next.time, "seed \(seed)")
                }
            }
            #expect(popped == expected, "seed \(seed)")
            #expect(queue.count == naive.count, "seed \(seed)")
            expected = naive.sorted { $0 < $1 }.map(\.number)
            popped = []
            while let (_, event) = queue.popNext() { popped.append(event) }
            #expect(popped == expected, "seed \(seed)")
            #expect(queue.nextTime == nil)
        }
    }
}

@Suite struct WriteSetTests {
    @Test("a set of writes does what a set of numbers does")
    func oracle() {
        for seed: UInt64 in 1...50 {
            var dice = SeededGenerator(seed: seed)
            var sets = [WriteSet(), WriteSet()]
            var naive = [Set<Int>(), Set<Int>()]
            for _ in 0..<200 {
                let side = dice.below(2)
                let number = dice.below(200)
                switch dice.below(6) {
                case 0:
                    sets[side].remove(number)
                    naive[side].remove(number)
                case 1:
                    sets[side].formUnion(sets[1 - side])
                    naive[side].formUnion(naive[1 - side])
                case 2:
                    sets[side] = sets[side].subtracting(sets[1 - side])
                    naive[side] = naive[side].subtracting(naive[1 - side])
                default:
                    sets[side].insert(number)
                    naive[side].insert(number)
                }
                #expect(sets[side].members == naive[side].sorted(), "seed \(seed)")
                #expect(sets[side].isEmpty == naive[side].isEmpty, "seed \(seed)")
                #expect(sets[side].contains(number) == naive[side].contains(number), "seed \(seed)")
                let isSubset = sets[0].isSubset(of: sets[1])
                #expect(isSubset == naive[0].isSubset(of: naive[1]), "seed \(seed)")
                #expect((sets[0] == sets[1]) == (naive[0] == naive[1]), "seed \(seed)")
            }
        }
    }
}
