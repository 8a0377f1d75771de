import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Testing

/// What a node holds for others when it leaves the ring, on five nodes with three replicas: home
/// replicas A, B, C of the key, of which C is down, D that holds the record in its place and
/// leaves, and E that takes D's positions.
@Suite struct DrainingTests {
    private struct World {
        let cluster: Cluster
        let k = key("k")
        let a: Int
        let b: Int
        let c: Int
        let d: Int
        let e: Int
        /// The begin of the change that D leaves by.
        let begun: RingDocument

        init() throws {
            cluster = try Cluster(nodes: 5)
            let ring = cluster.ring
            let list = ring.preferenceList(of: k.token)
            let standIns = ring.standIns(partition: ring.partition(of: k.token))
            a = Int(list[0].rawValue)
            b = Int(list[1].rawValue)
            c = Int(list[2].rawValue)
            d = Int(standIns[0].rawValue)
            e = Int(standIns[1].rawValue)
            begun = try ring.document.beginning(
                members: ring.document.members.filter { $0.id != standIns[0] },
                owners: ring.document.owners.map { $0 == standIns[0] ? standIns[1] : $0 }
            )
        }

        var held: StoredKey { k.standingIn(for: NodeID(UInt16(c))) }

        func moved() throws -> RingDocument {
            var document = begun
            for next in [PartitionStep.writeBoth, .readNext, .next] {
                let moving = document.owners.indices.filter { index in
                    document.transition.map { $0.steps[index] < next } ?? false
                }
                document = try document.advancing(moving, to: next)
            }
            return document
        }

        /// D alone has the record, in C's place, and C is down.
        func hold() {
            cluster.take(down: c)
            #expect(cluster.set(k, "v", at: a, .all, sloppy: true) == "OK")
            for home in [a, b] { cluster.node(home).disk[k] = nil }
            #expect(cluster.stored(held, on: d) == "v")
        }

        var report: RingReport? { cluster.node(d).shard.ringReport }

        func keepHouse() {
            cluster.housekeep()
            cluster.settle(limitMilliseconds: 20_000)
        }
    }

    @Test("with its home down, the record goes to the other home replicas before the node goes")
    func homeDown() throws {
        let world = try World()
        world.hold()
        world.cluster.adopt(try world.moved())
        #expect(world.report?.isDrained == false && world.report?.progress.wait == .held)
        world.keepHouse()
        for home in [world.a, world.b] { #expect(world.cluster.stored(world.k, on: home) == "v") }
        #expect(world.cluster.stored(world.held, on: world.d) == nil)
        #expect(world.cluster.hints(on: world.d, for: world.c).isEmpty)
        #expect(world.report?.isDrained == true && world.report?.progress.wait == nil)
        #expect(world.cluster.isQuiet)
    }

    @Test("with its home up, the record goes there alone")
    func homeUp() throws {
        let world = try World()
        world.hold()
        world.cluster.adopt(try world.moved())
        world.cluster.bring(up: world.c)
        world.cluster.step(NodeID(UInt16(world.c)), .ring(world.cluster.ring))
        world.cluster.settle()
        #expect(world.cluster.stored(world.k, on: world.c) == "v")
        for home in [world.a, world.b] { #expect(world.cluster.stored(world.k, on: home) == nil) }
        #expect(world.report?.isDrained == true)
    }

    @Test("fewer than a majority of the home replicas are not enough; nor is one that fails")
    func tooFew() throws {
        let world = try World()
        world.hold()
        world.cluster.take(down: world.b)
        world.cluster.adopt(try world.moved())
        world.keepHouse()
        #expect(world.cluster.stored(world.held, on: world.d) == "v")
        #expect(world.report?.isDrained == false)
        let a = NodeID(UInt16(world.a))
        world.cluster.fails = { node, request in
            guard case .persist = request, node == a else { return nil }
            return .noSpace
        }
        world.cluster.bring(up: world.b)
        world.cluster.step(NodeID(UInt16(world.b)), .ring(world.cluster.ring))
        world.keepHouse()
        #expect(world.cluster.stored(world.k, on: world.b) == "v")
        #expect(world.cluster.stored(world.held, on: world.d) == "v")
        #expect(world.report?.isDrained == false)
        world.cluster.fails = { _, _ in nil }
        world.keepHouse()
        #expect(world.cluster.stored(world.k, on: world.a) == "v")
        #expect(world.report?.isDrained == true && world.cluster.isQuiet)
    }

    @Test("a taker that goes down meanwhile, or never answers, keeps nothing for ever")
    func takerLost() throws {
        for isDown in [true, false] {
            let world = try World()
            world.hold()
            world.cluster.holds = { event in
                guard case .message(_, let to, .handOff) = event else { return false }
                return to == NodeID(UInt16(world.b))
            }
            world.cluster.adopt(try world.moved())
            world.cluster.housekeep()
            #expect(world.cluster.stored(world.k, on: world.a) == "v")
            #expect(world.report?.isDrained == false)
            if isDown {
                world.cluster.take(down: world.b)
                world.cluster.holds = { _ in false }
                world.cluster.bring(up: world.b)
                world.cluster.step(NodeID(UInt16(world.b)), .ring(world.cluster.ring))
            } else {
                world.cluster.holds = { _ in false }
            }
            world.keepHouse()
            #expect(world.cluster.stored(world.k, on: world.b) == "v")
            #expect(world.report?.isDrained == true && world.cluster.isQuiet)
        }
    }

    @Test("a home that is up and takes nothing is given up for the others after some seconds")
    func futile() throws {
        let world = try World()
        world.hold()
        let c = NodeID(UInt16(world.c))
        world.cluster.fails = { node, request in
            guard case .persist = request, node == c else { return nil }
            return .noSpace
        }
        world.cluster.bring(up: world.c)
        world.cluster.adopt(try world.moved())
        world.keepHouse()
        for home in [world.a, world.b] { #expect(world.cluster.stored(world.k, on: home) == "v") }
        #expect(world.report?.isDrained == true)
    }

    @Test("hints of its own records go with it when their targets are down")
    func ownHints() throws {
        let world = try World()
        let ring = world.cluster.ring
        let leaver = NodeID(UInt16(world.d))
        let number = try #require(
            (0..<1_000).first { number in
                let list = ring.preferenceList(of: key("own\(number)").token)
                return list.contains(leaver) && list.contains(NodeID(UInt16(world.c)))
            }
        )
        world.cluster.take(down: world.c)
        #expect(world.cluster.set(key("own\(number)"), "v", at: world.d) == "OK")
        #expect(world.cluster.hints(on: world.d, for: world.c).count == 1)
        world.cluster.adopt(try world.moved())
        #expect(world.report?.isDrained == false)
        world.keepHouse()
        #expect(world.cluster.hints(on: world.d, for: world.c).isEmpty)
        #expect(world.report?.isDrained == true && world.cluster.isQuiet)
    }

    @Test("a node that is about to leave is asked to hold nothing, and takes nothing")
    func refuses() throws {
        let asked = try World()
        asked.cluster.take(down: asked.c)
        asked.cluster.adopt(asked.begun)
        #expect(asked.cluster.set(asked.k, "v", at: asked.a, .all, sloppy: true) == "OK")
        #expect(asked.cluster.stored(asked.held, on: asked.e) == "v")
        #expect(asked.cluster.stored(asked.held, on: asked.d) == nil)

        // One that has not heard of the change asks it.
        let refused = try World()
        refused.cluster.take(down: refused.c)
        refused.cluster.adopt(refused.begun, at: refused.d)
        let ticket = refused.cluster.request(
            .write(.value("v")), refused.k, at: refused.a, write: .all, sloppy: true)
        refused.cluster.settle()
        #expect(refused.cluster.answer(ticket)?.hasPrefix("OK") == false)
        #expect(refused.cluster.stored(refused.held, on: refused.d) == nil)
        #expect(refused.cluster.node(refused.d).shard.hintBacklogs.isEmpty)
    }

    @Test("before all has moved it holds what it has, and the way back takes nothing from it")
    func early() throws {
        let world = try World()
        world.hold()
        world.cluster.adopt(world.begun)
        world.keepHouse()
        #expect(world.cluster.stored(world.held, on: world.d) == "v")
        #expect(world.report?.progress.wait != .held)
        world.cluster.adopt(try world.begun.aborting())
        world.keepHouse()
        #expect(world.cluster.stored(world.held, on: world.d) == "v")
        #expect(world.report?.isDrained == false)
    }
}
