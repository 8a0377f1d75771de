import HengeBase
import Testing

@Suite struct ReplicaSetTests {
    @Test("every pair of sets of 8 positions, and random ones of 16, agree with Swift's Set")
    func againstSet() {
        for a in 0..<256 {
            for b in 0..<256 { compare(a, b) }
        }
        var generator = SeededGenerator(seed: 17)
        for _ in 0..<50_000 { compare(generator.below(1 << 16), generator.below(1 << 16)) }
    }

    private func compare(_ a: Int, _ b: Int) {
        let (x, xs) = (ReplicaSet(bits: UInt16(a)), members(a))
        let (y, ys) = (ReplicaSet(bits: UInt16(b)), members(b))
        let agree =
            x.count == xs.count && x.isEmpty == xs.isEmpty && x.lowest == xs.min()
            && set(x.union(y)) == xs.union(ys)
            && set(x.intersection(y)) == xs.intersection(ys)
            && set(x.subtracting(y)) == xs.subtracting(ys)
            && x.isDisjoint(with: y) == xs.isDisjoint(with: ys)
            && x.isSubset(of: y) == xs.isSubset(of: ys)
            && (x == y) == (xs == ys)
        if !agree { Issue.record("\(x) and \(y)") }
    }

    @Test("one ring fills half of the positions, two fill all, and a set of them is two bytes")
    func limits() {
        #expect(ReplicaSet.replicasMax == 8 && ReplicaSet.capacity == 16)
        #expect(MemoryLayout<ReplicaSet>.size == 2)
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
            for slot in -2..<18 { #expect(mine.contains(slot) == naive.contains(slot)) }
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
        Set((0..<16).filter { bits >> $0 & 1 == 1 })
    }

    private func set(_ replicas: ReplicaSet) -> Set<Int> {
        Set((0..<16).filter { replicas.contains($0) })
    }
}
