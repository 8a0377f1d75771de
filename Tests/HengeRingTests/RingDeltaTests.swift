import HengeBase
import HengeRing
import Testing

@Suite struct RingDeltaTests {
    @Test("a delta leads from each document of a history to the next")
    func histories() throws {
        var kinds = Set<String>()
        var (abandoned, recovered) = (0, 0)
        for seed in UInt64(1)...40 {
            var generator = SeededGenerator(seed: seed)
            var document = try bootstrap()
            for _ in 0..<60 {
                document = try follow(document, seed, &generator, &kinds)
                if document.transition?.abandoned.isEmpty == false { abandoned += 1 }
                guard generator.chance(1, in: 15) else { continue }
                let gone = document.allMembers.map(\.id).filter { _ in generator.chance(1, in: 3) }
                guard let next = try? document.recovering(without: gone) else { continue }
                // An unsafe recovery is none of its kinds.
                #expect(next.delta(from: document) == nil, "seed \(seed)")
                document = next
                recovered += 1
            }
        }
        #expect(kinds == ["begin", "advance", "finish", "abort"])
        #expect(abandoned > 10 && recovered > 10)
    }

    private func follow(
        _ document: RingDocument,
        _ seed: UInt64,
        _ generator: inout SeededGenerator,
        _ kinds: inout Set<String>
    ) throws -> RingDocument {
        let next = try successor(of: document, &generator)
        let delta = try #require(next.delta(from: document), "seed \(seed)")
        #expect(try document.applying(delta) == next, "seed \(seed)")
        #expect(try RingDelta.decode(delta.encoded()) == delta, "seed \(seed)")
        #expect(document.delta(from: next) == nil, "seed \(seed)")
        // To no other document, not even to itself.
        #expect(throws: RingDeltaFault.otherDocument) { try next.applying(delta) }
        kinds.insert(String("\(delta.change)".prefix { $0.isLetter }))
        return next
    }

    @Test("a document that differs in anything is not what the delta is for")
    func otherDocument() throws {
        let first = try bootstrap()
        let next = try first.beginning(
            members: Array(first.members.dropLast()),
            owners: first.owners.map {
                $0 == NodeID(5) ? NodeID(1) : $0
            })
        let delta = try #require(next.delta(from: first))
        var other = first
        other.changedAt[7] = 1
        #expect(throws: RingDeltaFault.otherDocument) { try other.applying(delta) }
        other = first
        other.clusterID ^= 1
        #expect(throws: RingDeltaFault.otherDocument) { try other.applying(delta) }
        let change = RingDelta(epoch: 2, checksum: delta.checksum, change: .finish)
        #expect(throws: RingDeltaFault.change(.noTransition)) { try first.applying(change) }
        let far = RingDelta(
            epoch: 2, checksum: 0,
            change: .begin(
                gone: [], abandoned: [], put: [],
                moves: [
                    RingDelta.Move(partition: 64, owner: NodeID(1))
                ]))
        #expect(throws: RingDeltaFault.change(.unknownPartition(64))) { try first.applying(far) }
    }

    @Test("one vnode that moves takes some dozens of bytes, of whatever ring")
    func size() throws {
        let document = try bootstrap(partitions: 16_384)
        var owners = document.owners
        owners[9] = owners[9] == NodeID(1) ? NodeID(2) : NodeID(1)
        let next = try document.beginning(members: document.members, owners: owners)
        let delta = try #require(next.delta(from: document))
        #expect(delta.encoded().count == 25 + 4 && next.encoded().count > 32_768)
    }

    @Test("whatever is done to its bytes, a delta is refused, or is applied, or is not")
    func damage() throws {
        var applied = 0
        for seed in UInt64(1)...30 {
            var generator = SeededGenerator(seed: seed)
            var document = try bootstrap()
            for _ in 0..<generator.below(12) { document = try successor(of: document, &generator) }
            let bytes = try #require(successor(of: document, &generator).delta(from: document))
                .encoded()
            for length in bytes.indices {
                #expect(throws: RingDecodeError.self) {
                    try RingDelta.decode(Array(bytes[..<length]))
                }
            }
            for _ in 0..<300 {
                var changed = bytes
                changed[generator.below(changed.count)] = UInt8(generator.below(256))
                guard let delta = try? RingDelta.decode(changed) else { continue }
                #expect(delta.encoded() == changed, "seed \(seed)")
                guard let next = try? document.applying(delta) else { continue }
                #expect(next.successorFault(of: document) == nil, "seed \(seed)")
                applied += 1
            }
        }
        // The byte that was put there is now and then the one that stood there.
        #expect(applied > 5)
    }

    private func bootstrap(partitions: Int = 64) throws -> RingDocument {
        let list = try BootstrapList.parse("n1=h:1,n2=h:2/zone=b,n3=h:3/weight=2,n4=h:4,n5=h:5")
        return try RingDocument.bootstrap(list, replicas: 3, partitions: partitions)
    }

    private func successor(
        of document: RingDocument,
        _ generator: inout SeededGenerator
    ) throws -> RingDocument {
        guard let transition = document.transition else {
            while true {
                let change = RandomChange(&generator, from: document)
                if let begun = try? change.begin(&generator) { return begun }
            }
        }
        if generator.chance(1, in: 8), !transition.isAborting { return try document.aborting() }
        return try RandomChange.advance(&generator, document) ?? document.finishing()
    }
}
