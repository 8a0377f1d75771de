import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Testing

/// What is kept for a node that leaves the ring, on five nodes with three replicas: home replicas
/// A, B, C, of which C leaves, and the others D, E in the order in which they stand in.
@Suite struct HeirTests {
    private struct World {
        let cluster: Cluster
        let k = key("k")
        let a: Int
        let c: Int
        let d: Int
        let e: Int
        /// The begin of the change that puts another node in C's place.
        let begun: RingDocument

        /// - Parameter isFirst: whether D takes C's place, rather than E.
        init(isFirst: Bool = false) throws {
            cluster = try Cluster(nodes: 5)
            let ring = cluster.ring
            let list = ring.preferenceList(of: k.token)
            let standIns = ring.standIns(partition: ring.partition(of: k.token))
            a = Int(list[0].rawValue)
            c = Int(list[2].rawValue)
            d = Int(standIns[0].rawValue)
            e = Int(standIns[1].rawValue)
            let leaver = list[2]
            let heir = standIns[isFirst ? 0 : 1]
            begun = try ring.document.beginning(
                members: ring.document.members.filter { $0.id != leaver },
                owners: ring.document.owners.map { $0 == leaver ? heir : $0 }
            )
        }

        var held: StoredKey { k.standingIn(for: NodeID(UInt16(c))) }

        /// The steps up to this one.
        func document(at step: PartitionStep) throws -> RingDocument {
            var document = begun
            for next in PartitionStep.allCases where next > .current && next <= step {
                let moving = document.owners.indices.filter { index in
                    document.transition.map { $0.steps[index] < next } ?? false
                }
                document = try document.advancing(moving, to: next)
            }
            return document
        }

        /// D holds the record in C's place, and C is down.
        func hold() {
            cluster.take(down: c)
            #expect(cluster.set(k, "v", at: a, .all, sloppy: true) == "OK")
            #expect(cluster.stored(held, on: d) == "v")
        }

        func keepHouse() {
            cluster.housekeep()
            cluster.settle()
        }
    }

    @Test("what is held for a node that has left goes to the one in its place")
    func left() throws {
        let world = try World()
        world.hold()
        world.cluster.adopt(try world.document(at: .next).finishing())
        #expect(world.cluster.ring.homes(of: world.k.token).contains(NodeID(UInt16(world.e))))
        #expect(world.cluster.stored(world.k, on: world.e) == nil)
        world.keepHouse()
        #expect(world.cluster.stored(world.k, on: world.e) == "v")
        #expect(world.cluster.stored(world.held, on: world.d) == nil)
        for node in 1...5 { #expect(world.cluster.node(node).shard.hintBacklogs.isEmpty) }
        #expect(!world.cluster.node(world.d).disk.keys.contains { $0.standInFor != nil })
        #expect(world.cluster.isQuiet)
    }

    @Test("it is kept until all heirs have it, and given up by none that can't write it")
    func heirDown() throws {
        let world = try World()
        world.hold()
        world.cluster.take(down: world.e)
        world.cluster.adopt(try world.document(at: .next).finishing())
        world.cluster.fails = { _, request in
            guard case .persist(let key, _, _, _) = request else { return nil }
            return key.standInFor == nil ? nil : .io
        }
        world.keepHouse()
        #expect(world.cluster.stored(world.held, on: world.d) == "v")
        world.cluster.fails = { _, _ in nil }
        world.cluster.settle()
        let heirs = world.k.standingIn(for: NodeID(UInt16(world.e)))
        #expect(world.cluster.stored(world.held, on: world.d) == nil)
        #expect(world.cluster.stored(heirs, on: world.d) == "v")
        world.cluster.bring(up: world.e)
        world.cluster.step(NodeID(UInt16(world.e)), .ring(world.cluster.ring))
        world.cluster.settle()
        #expect(world.cluster.stored(world.k, on: world.e) == "v")
        #expect(world.cluster.stored(heirs, on: world.d) == nil && world.cluster.isQuiet)
    }

    @Test("the one that holds it takes the place itself")
    func ownHeir() throws {
        let world = try World(isFirst: true)
        world.hold()
        world.cluster.adopt(try world.document(at: .next).finishing())
        world.keepHouse()
        #expect(world.cluster.stored(world.k, on: world.d) == "v")
        #expect(world.cluster.stored(world.held, on: world.d) == nil)
        for node in 1...5 { #expect(world.cluster.node(node).shard.hintBacklogs.isEmpty) }
    }

    @Test("one that is about to leave gets it, and so does the one that takes over from it")
    func leaving() throws {
        let world = try World()
        world.hold()
        world.cluster.adopt(try world.document(at: .writeBoth))
        world.cluster.bring(up: world.c)
        world.cluster.step(NodeID(UInt16(world.c)), .ring(world.cluster.ring))
        world.cluster.tellEpochs()
        world.cluster.settle()
        for node in [world.c, world.e] { #expect(world.cluster.stored(world.k, on: node) == "v") }
        #expect(world.cluster.stored(world.held, on: world.d) == nil && world.cluster.isQuiet)
    }

    @Test("one that is about to leave takes nothing of those that don't know it yet")
    func unaware() throws {
        let world = try World()
        world.hold()
        let document = try world.document(at: .writeBoth)
        for node in [world.c, world.e] { world.cluster.adopt(document, at: node) }
        world.cluster.bring(up: world.c)
        world.cluster.run()
        #expect(world.cluster.sent.contains("\(world.c)→\(world.d) handed over overloaded"))
        #expect(world.cluster.stored(world.k, on: world.c) == nil)
        #expect(world.cluster.stored(world.held, on: world.d) == "v")
        world.cluster.adopt(document)
        world.cluster.settle()
        for node in [world.c, world.e] { #expect(world.cluster.stored(world.k, on: node) == "v") }
    }

    @Test("a hint for a node that has left goes, and its heir is compared with")
    func ownRecord() throws {
        let world = try World()
        world.cluster.take(down: world.c)
        #expect(world.cluster.set(world.k, "v", at: world.a) == "OK")
        #expect(world.cluster.hints(on: world.a, for: world.c).count == 1)
        world.cluster.adopt(try world.document(at: .next).finishing())
        world.keepHouse()
        #expect(world.cluster.hints(on: world.a, for: world.c).isEmpty)
        #expect(world.cluster.node(world.a).shard.counters.hintsGone == 1)
        for _ in 0..<40 {
            world.cluster.pass(milliseconds: 1_000)
            world.cluster.housekeep()
        }
        world.cluster.settle()
        #expect(world.cluster.stored(world.k, on: world.e) == "v")
    }
}
