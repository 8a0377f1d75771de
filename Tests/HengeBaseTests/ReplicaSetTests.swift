import HengeBase
import Testing

@Suite struct ReplicaSetTests {
    @Test("every pair of sets agrees with Swift's Set")
    func againstSet() {
        for a in 0..<256 {
            let (x, xs) = (ReplicaSet(bits: UInt8(a)), members(a))
            #expect(x.count == xs.count && x.isEmpty == xs.isEmpty && x.lowest == xs.min())
            for b in 0..<256 {
                let (y, ys) = (ReplicaSet(bits: UInt8(b)), members(b))
                let agree =
                    set(x.union(y)) == xs.union(ys)
                    && set(x.intersection(y)) == xs.intersection(ys)
                    && set(x.subtracting(y)) == xs.subtracting(ys)
                    && x.isDisjoint(with: y) == xs.isDisjoint(with: ys)
                    && x.isSubset(of: y) == xs.isSubset(of: ys)
                    && (x == y) == (xs == ys)
                #expect(agree, "\(x) and \(y)")
            }
        }
    }

    @Test("inserting and removing in random order agrees with Swift's Set")
    func mutation() {
        var generator = SeededGenerator(seed: 11)
        var (mine, naive) = (ReplicaSet(), Set<Int>())
        for step in 0..<2_000 {
            let slot = generator.below(ReplicaSet.capacity)
            if generator.chance(1, in: 2) {
                mine.insert(slot)
                naive.insert(slot)
            } else {
                mine.remove(slot)
                naive.remove(slot)
            }
            #expect(set(mine) == naive, "step \(step)")
            for slot in -2..<10 { #expect(mine.contains(slot) == naive.contains(slot)) }
        }
    }

    @Test("the first positions, a single one, and the order of a visit")
    func construction() {
        for count in 0...ReplicaSet.capacity {
            #expect(set(ReplicaSet.first(count)) == Set(0..<count))
        }
        for slot in 0..<ReplicaSet.capacity { #expect(set(ReplicaSet.only(slot)) == [slot]) }
        var visited: [Int] = []
        ReplicaSet(bits: 0b1010_0110).forEach { visited.append($0) }
        #expect(visited == [1, 2, 5, 7])
        #expect(ReplicaSet(bits: 0b1010_0110).description == "{1,2,5,7}")
        #expect(ReplicaSet().description == "{}" && ReplicaSet().lowest == nil)
    }

    private func members(_ bits: Int) -> Set<Int> {
        Set((0..<8).filter { bits >> $0 & 1 == 1 })
    }

    private func set(_ replicas: ReplicaSet) -> Set<Int> {
        Set((0..<8).filter { replicas.contains($0) })
    }
}
