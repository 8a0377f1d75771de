import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import Testing

@Suite struct ObjectMergeTests {
    @Test("a replica that has seen more wins; two that each saw something else both stay")
    func story() {
        let versions = Version.catalogue
        #expect(ObjectMerge.merge(versions[1].object, versions[2].object) == versions[2].object)
        #expect(ObjectMerge.merge(versions[2].object, versions[3].object)?.siblingCount == 2)
    }

    @Test("every pair and triple of versions agrees with the merge of whole histories")
    func exhaustive() {
        for versions in sequences(of: Version.catalogue, count: 3) {
            let (a, b, c) = (versions[0], versions[1], versions[2])
            let ab = ObjectMerge.merge(a.object, b.object)
            #expect(ab == a.merged(with: b).object, "\(a) and \(b)")
            let abc = ObjectMerge.merge(ab, c.object)
            #expect(abc == a.merged(with: b).merged(with: c).object, "\(a), \(b), \(c)")
            let bc = ObjectMerge.merge(b.object, c.object)
            #expect(abc == ObjectMerge.merge(a.object, bc), "\(a), \(b), \(c)")
        }
    }

    @Test("DVV 3: random histories of replicas that write, lose nothing and merge in any order")
    func paperHistories() {
        for seed in 1...150 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var models = Array(repeating: Version.absent, count: 3)
            var objects: [EncodedObject?] = [nil, nil, nil]
            var counters: [UInt64] = [0, 0, 0]
            for _ in 0..<25 {
                let replica = generator.below(3)
                if generator.chance(1, in: 2) {
                    counters[replica] += 1
                    let dot = dot(UInt64(replica + 1), counters[replica])
                    let isBlind = generator.chance(1, in: 3)
                    let replaced = isBlind ? [] : models[replica].seen
                    models[replica] = models[replica].writing(dot, replacing: replaced)
                    objects[replica] = ObjectMerge.merge(objects[replica], models[replica].object)
                } else {
                    let other = generator.below(3)
                    models[replica] = models[replica].merged(with: models[other])
                    objects[replica] = ObjectMerge.merge(objects[replica], objects[other])
                }
                #expect(objects[replica] == models[replica].object, "seed \(seed)")
            }
        }
    }

    @Test("absent × absent, absent × present: nothing is made up")
    func table() {
        let object = Version.catalogue[1].object
        #expect(ObjectMerge.merge(nil, nil) == nil)
        #expect(ObjectMerge.merge(object, nil) == object)
        #expect(ObjectMerge.merge(nil, object) == object)
        #expect(ObjectMerge.merge(object, object) == object)
    }
}

@Suite struct SlotOrderTests {
    @Test("keeps every order of up to eight slots")
    func orders() {
        for count in 0...8 {
            var generator = SeededGenerator(seed: UInt64(count))
            for _ in 0..<50 {
                var slots = Array(0..<8)
                for index in slots.indices { slots.swapAt(index, generator.below(8)) }
                slots.removeLast(8 - count)
                let order = SlotOrder(slots)
                #expect(order.count == count)
                #expect((0..<order.count).map { order[$0] } == slots)
            }
        }
    }
}
