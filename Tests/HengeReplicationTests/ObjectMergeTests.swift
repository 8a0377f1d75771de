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

@Suite struct CoveredMergeTests {
    @Test("a stale copy of a purged record is not taken in again")
    func purged() throws {
        let stale = try #require(Version.catalogue[1].object)
        var watermark = VersionVector()
        #expect(merge(nil, stale, watermark) == .init(object: stale, dropped: 0))
        watermark.record(dot(1, 2))
        #expect(merge(nil, stale, watermark) == .init(object: nil, dropped: 1))
        #expect(merge(stale, stale, watermark) == .init(object: stale, dropped: 0))
    }

    @Test("an empty record takes the siblings that its context covers, and no others")
    func withoutSiblings() throws {
        let both = try #require(Version.catalogue[4].object)
        let first = try #require(Version.catalogue[2].object)
        let empty = first.withoutSiblings
        #expect(empty.siblingCount == 0 && empty.context == first.context)
        #expect(empty.withoutSiblings == empty)
        #expect(ObjectMerge.merge(first, empty).siblingCount == 0)
        #expect(ObjectMerge.merge(both, empty).siblingCount == 1)
    }

    @Test("agrees with the merge of whole histories of which the obsolete part is left out")
    func oracle() {
        for seed in 1...400 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var models = Array(repeating: Version.absent, count: 3)
            var counters: [UInt64] = [0, 0, 0]
            for _ in 0..<20 {
                let replica = generator.below(3)
                counters[replica] += 1
                let new = dot(UInt64(replica + 1), counters[replica])
                let replaced = generator.chance(1, in: 3) ? [] : models[replica].seen
                models[replica] = models[replica].writing(new, replacing: replaced)
                let other = generator.below(3)
                if generator.chance(1, in: 2) {
                    models[replica] = models[replica].merged(with: models[other])
                }
                check(models[other], models[replica], &generator, "seed \(seed)")
            }
        }
    }

    @Test("what a version says is replaced is replaced by the merge, and most of it is")
    func versions() throws {
        var replaced = 0
        var merged = 0
        for versions in sequences(of: Version.catalogue + Self.later, count: 2) {
            guard let local = versions[0].object, let incoming = versions[1].object,
                let header = EncodedVersion.headerBytes(of: local.bytes)
            else { continue }
            let version = try EncodedVersion(header)
            for watermark in Self.watermarks {
                let result = merge(local, incoming, watermark)
                let isReplaced = ObjectMerge.replaces(version, by: incoming, covered: watermark)
                if result.object == incoming, local != incoming { merged += 1 }
                guard isReplaced else { continue }
                replaced += 1
                #expect(result == .init(object: incoming, dropped: 0), "\(versions)")
            }
        }
        #expect(replaced > merged / 2, "\(replaced) of \(merged)")
    }

    /// Versions that have seen all of the catalogue's.
    private static let later: [Version] = {
        let both = Version.catalogue[4].merged(with: Version.catalogue[5])
        return [both, both.writing(dot(2, 2), replacing: both.seen)]
    }()

    private static let watermarks: [VersionVector] = {
        var covering = VersionVector()
        covering.record(dot(1, 1))
        var more = covering
        more.record(dot(2, 1))
        return [VersionVector(), covering, more]
    }()

    private func check(
        _ local: Version,
        _ incoming: Version,
        _ generator: inout SeededGenerator,
        _ comment: Comment
    ) {
        guard let object = incoming.object else { return }
        var watermark = VersionVector()
        for actor in 1...3 as ClosedRange<UInt64> where generator.chance(2, in: 3) {
            watermark.record(dot(actor, 1 + UInt64(generator.below(12))))
        }
        let local = generator.chance(1, in: 4) ? .absent : local
        var rest = incoming
        rest.standing = incoming.standing.filter {
            !watermark.covers($0) || local.standing.contains($0)
        }
        let isNothing = local == .absent && rest.standing.isEmpty
        let expected = ObjectMerge.Merged(
            object: isNothing ? nil : local.merged(with: rest).object,
            dropped: incoming.standing.count - rest.standing.count
        )
        #expect(merge(local.object, object, watermark) == expected, comment)
        let plain = ObjectMerge.Merged(object: local.merged(with: incoming).object, dropped: 0)
        #expect(merge(local.object, object, VersionVector()) == plain, comment)
    }

    private func merge(
        _ local: EncodedObject?,
        _ incoming: EncodedObject,
        _ watermark: VersionVector
    ) -> ObjectMerge.Merged {
        ObjectMerge.merge(local, incoming, covered: watermark)
    }
}

@Suite struct SlotOrderTests {
    @Test("keeps every order of as many slots as a preference list may have")
    func orders() {
        for count in 0...ReplicaSet.capacity {
            var generator = SeededGenerator(seed: UInt64(count))
            for _ in 0..<50 {
                var slots = Array(0..<ReplicaSet.capacity)
                slots.shuffle(using: &generator)
                slots.removeLast(ReplicaSet.capacity - count)
                let order = SlotOrder(slots)
                #expect(order.count == count)
                #expect((0..<order.count).map { order[$0] } == slots)
            }
        }
    }
}
