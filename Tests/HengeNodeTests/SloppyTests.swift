import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import Testing

/// Sloppy quorums on five nodes with three replicas: home replicas A, B, C and the others D, E in
/// the order in which they stand in.
@Suite struct SloppyTests {
    private struct World {
        let cluster: Cluster
        let k = key("k")
        let homes: [Int]
        let others: [Int]

        init(configuration: ShardConfiguration = ShardConfiguration()) throws {
            cluster = try Cluster(nodes: 5, configuration: configuration)
            let list = cluster.ring.preferenceList(of: k.token)
            homes = (0..<3).map { Int(list[$0].rawValue) }
            let partition = cluster.ring.partition(of: k.token)
            others = cluster.ring.standIns(partition: partition).map { Int($0.rawValue) }
        }

        func down(_ nodes: Int...) { for node in nodes { cluster.take(down: node) } }

        /// The key as it is held in this home's place.
        func held(_ home: Int) -> StoredKey { k.standingIn(for: NodeID(UInt16(home))) }

        func counters(_ node: Int) -> ShardCounters { cluster.node(node).shard.counters }
    }

    @Test("who begins on an empty disk stands in for nobody until another has told it of the ring")
    func unknownRing() throws {
        let world = try World()
        let ring = world.cluster.ring
        let home = NodeID(UInt16(world.homes[0]))
        var shard = Shard(
            node: NodeID(UInt16(world.others[0])),
            ring: ring,
            configuration: ShardConfiguration(),
            saved: nil,
            isNew: true,
            seed: 1
        )
        let time = ClockReading(
            now: Instant(nanoseconds: 1_000_000_000),
            wall: WallTime(milliseconds: 1_700_000_000_000)
        )
        var effects = EffectBuffer<ShardEffect>(capacity: 16)
        /// Whether its disk was asked for anything in the end.
        func works(_ input: ShardInput) -> Bool {
            shard.step(input, at: time, effects: &effects)
            var works = false
            effects.drain { if case .storage = $0 { works = true } }
            return works
        }
        let object = VersionedObject().encoded()
        func store(_ id: UInt64) -> ShardInput {
            let message = PeerMessage.store(
                RequestID(rawValue: id), world.held(world.homes[1]), object,
                timeout: .seconds(1), epoch: ring.document.epoch)
            return .message(from: home, message)
        }
        func request(_ ticket: UInt64) -> ShardInput {
            let levels = ConsistencyLevels(read: .one, write: .one)
            let request = ClientRequest(
                key: world.k, operation: .write(.value("v")), levels: levels,
                timeout: .seconds(1), isSloppy: true)
            return .request(Ticket(rawValue: ticket), request)
        }
        #expect(!works(request(1)), "of a client, with no home up")
        #expect(!works(.peerUp(home)))
        #expect(!works(store(1)), "of a home that coordinates")
        #expect(!works(.memberEpoch(home, ring.document.epoch)))
        #expect(works(store(2)))
        #expect(!works(.peerDown(home)))
        #expect(works(request(2)))
    }

    @Test("story: one home is down; the next node counts, and hands over when it returns")
    func oneDown() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (a, c, d) = (world.homes[0], world.homes[2], world.others[0])
        world.down(c)
        #expect(cluster.set(k, "v", at: a, .all) == "UNAVAILABLE required=3 alive=2")
        #expect(cluster.set(k, "v", at: a, .all, sloppy: true) == "OK")
        #expect(cluster.stored(world.held(c), on: d) == "v" && cluster.stored(k, on: d) == nil)
        #expect(cluster.hints(on: d, for: c).map(\.key) == [world.held(c)])
        #expect(cluster.hints(on: a, for: c).isEmpty)
        #expect(world.counters(a).sloppyRequests == 1)
        // Strict requests never see it; sloppy ones ask it for what it holds in that place.
        #expect(cluster.get(k, at: a, .all) == "UNAVAILABLE required=3 alive=2")
        #expect(cluster.get(k, at: a, .all, sloppy: true) == "v")
        #expect(cluster.isQuiet)
        cluster.bring(up: c)
        cluster.settle()
        #expect(cluster.stored(k, on: c) == "v" && cluster.stored(world.held(c), on: d) == nil)
        #expect(cluster.hints(on: d, for: c).isEmpty && cluster.isQuiet)
        #expect(world.counters(d).standInsHandedOver == 1)
        #expect(cluster.node(d).shard.hintBacklogs.isEmpty)
        #expect(cluster.node(d).shard.partitionTallies.total == .nothing)
        #expect(cluster.get(k, at: a, .all) == "v")
    }

    @Test("what is held in the place of a home that says it is obsolete is obsolete there, too")
    func obsolete() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (a, c, d) = (world.homes[0], world.homes[2], world.others[0])
        world.down(c)
        #expect(cluster.set(k, "v", at: a, .all, sloppy: true) == "OK")
        // The stand-in becomes a home of the key itself.
        let before = cluster.ring.document
        let document = try before.beginning(
            members: before.members,
            owners: before.owners.map { $0 == NodeID(UInt16(a)) ? NodeID(UInt16(d)) : $0 }
        )
        let partition = cluster.ring.partition(of: k.token)
        cluster.adopt(try document.advancing([partition], to: .writeBoth))
        #expect(cluster.ring.homes(of: k.token).contains(NodeID(UInt16(d))))
        let bytes = try #require(cluster.node(d).disk[world.held(c)])
        let notice = HandedRecord(key: k, object: try EncodedObject(bytes).withoutSiblings)
        let other = HandedRecord(key: key("other"), object: notice.object)
        let message = PeerMessage.handOff(.notice, [notice, other])
        cluster.step(NodeID(UInt16(d)), .message(from: NodeID(UInt16(c)), message))
        cluster.run()
        let left = try EncodedObject(try #require(cluster.node(d).disk[world.held(c)]))
        #expect(left.siblingCount == 0)
        #expect(cluster.node(d).disk[other.key.standingIn(for: NodeID(UInt16(c)))] == nil)
        cluster.bring(up: c)
        cluster.settle()
        #expect(cluster.node(d).disk[world.held(c)] == nil)
        #expect(cluster.hints(on: d, for: c).isEmpty && cluster.isQuiet)
    }

    @Test("two homes are down: two stand-ins, each for its own; a third finds nobody")
    func twoDown() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (a, b, c) = (world.homes[0], world.homes[1], world.homes[2])
        let (d, e) = (world.others[0], world.others[1])
        world.down(b, c)
        #expect(cluster.set(k, "v", at: a) == "UNAVAILABLE required=2 alive=1")
        #expect(cluster.set(k, "v", at: a, .all, sloppy: true) == "OK")
        #expect(cluster.stored(world.held(b), on: d) == "v")
        #expect(cluster.stored(world.held(c), on: e) == "v")
        world.down(e)
        #expect(
            cluster.set(k, "w", at: a, .all, sloppy: true) == "UNAVAILABLE required=3 alive=2"
        )
        #expect(cluster.set(k, "w", at: a, sloppy: true) == "OK")
        // The one for whom nobody stands in gets an ordinary hint.
        #expect(cluster.hints(on: a, for: c).map(\.key) == [k])
        for node in [b, c, e] { cluster.bring(up: node) }
        cluster.settle()
        for home in world.homes { #expect(cluster.stored(k, on: home) == "w", "\(home)") }
        #expect(cluster.isQuiet)
    }

    @Test("all homes are down: the first stand-in coordinates, whoever is asked")
    func allDown() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (d, e) = (world.others[0], world.others[1])
        world.down(world.homes[0], world.homes[1], world.homes[2])
        #expect(cluster.set(k, "v", at: d) == "UNAVAILABLE required=2 alive=0")
        #expect(cluster.set(k, "v", at: d, sloppy: true) == "OK")
        #expect(cluster.set(k, "w", at: e, sloppy: true) == "OK")
        #expect(world.counters(e).forwarded == 1 && world.counters(d).forwardsServed == 1)
        #expect(cluster.stored(world.held(world.homes[0]), on: d) == "w")
        #expect(cluster.stored(world.held(world.homes[1]), on: e) == "w")
        #expect(cluster.get(k, at: e, sloppy: true) == "w")
        let previous = Mutation.value("x", condition: .present, returnsPrevious: true)
        #expect(cluster.ask(.write(previous), k, at: e, sloppy: true) == "OK, was w")
        let absent = Mutation.value("y", condition: .absent)
        #expect(cluster.ask(.write(absent), k, at: d, sloppy: true) == "not applied, is x")
        for home in world.homes { cluster.bring(up: home) }
        cluster.settle()
        // The third home gets it by an ordinary hint of the coordinator, if that came first.
        #expect(cluster.get(k, at: d, .all) == "x" && cluster.isQuiet)
        for node in [d, e] {
            #expect(cluster.node(node).disk.isEmpty)
            #expect(cluster.node(node).hints.values.allSatisfy { $0.isEmpty })
        }
    }

    @Test("two stand-ins that did not know of each other leave both siblings")
    func conflict() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (d, e) = (world.others[0], world.others[1])
        world.down(world.homes[0], world.homes[1], world.homes[2], e)
        #expect(cluster.set(k, "left", at: d, .one, sloppy: true) == "OK")
        world.down(d)
        cluster.bring(up: e)
        #expect(cluster.set(k, "right", at: e, .one, sloppy: true) == "OK")
        for node in world.homes + [d] { cluster.bring(up: node) }
        cluster.settle()
        #expect(cluster.get(k, .all) == "left+right")
    }

    @Test("a stand-in that has handed over and writes again claims nothing of what it gave away")
    func actorsAreRenewed() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (a, d) = (world.homes[0], world.others[0])
        let all = world.homes
        world.down(all[0], all[1], all[2])
        #expect(cluster.set(k, "first", at: d, .one, basis: .nothing, sloppy: true) == "OK")
        cluster.bring(up: a)
        cluster.settle()
        #expect(cluster.stored(k, on: a) == "first")
        #expect(cluster.stored(world.held(a), on: d) == nil)
        world.down(a)
        #expect(cluster.set(k, "second", at: d, .one, basis: .nothing, sloppy: true) == "OK")
        for home in all { cluster.bring(up: home) }
        cluster.settle()
        #expect(cluster.get(k, at: a, .all) == "first+second")
    }

    @Test("a record that changes while it is handed over stays, and is handed over again")
    func changesMeanwhile() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (a, c, d) = (world.homes[0], world.homes[2], world.others[0])
        world.down(c)
        cluster.set(k, "v", at: a, sloppy: true)
        cluster.holds = { $0.isMessage("handed over") }
        let write = cluster.request(.write(.value("w")), k, at: a, sloppy: true)
        // The hand-over begins while the second write is on its way to the stand-in.
        cluster.holds = { $0.isMessage("store", to: d) || $0.isMessage("handed over") }
        cluster.run()
        cluster.bring(up: c)
        cluster.run()
        cluster.holds = { $0.isMessage("handed over") }
        cluster.release()
        cluster.settle()
        #expect(cluster.answer(write) == "OK")
        #expect(cluster.stored(k, on: c) == "w" && cluster.stored(world.held(c), on: d) == nil)
        #expect(cluster.isQuiet && cluster.hints(on: d, for: c).isEmpty)
    }

    @Test("a crash between removal and the drop of the hint costs nothing")
    func crashBetween() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (a, c, d) = (world.homes[0], world.homes[2], world.others[0])
        world.down(c)
        cluster.set(k, "v", at: a, sloppy: true)
        cluster.holds = { event in
            if case .storage(_, .dropHints) = event { true } else { false }
        }
        cluster.bring(up: c)
        cluster.run()
        #expect(cluster.stored(world.held(c), on: d) == nil)
        #expect(cluster.hints(on: d, for: c).count == 1)
        cluster.take(down: d)
        cluster.holds = { _ in false }
        cluster.restart(d)
        cluster.settle()
        #expect(cluster.hints(on: d, for: c).isEmpty && cluster.isQuiet)
        #expect(world.counters(d).hintsGone == 1 && cluster.stored(k, on: c) == "v")
    }

    @Test("past the bound or on a full disk a stand-in refuses; what it holds never expires")
    func bounds() throws {
        var configuration = ShardConfiguration()
        configuration.hintBytesMax = 300
        let world = try World(configuration: configuration)
        let (cluster, k) = (world.cluster, world.k)
        let (a, c, d) = (world.homes[0], world.homes[2], world.others[0])
        world.down(c)
        #expect(cluster.set(k, "v", at: a, .all, sloppy: true) == "OK")
        let large = String(repeating: "x", count: 1_000)
        // Some replicas may hold it, and the client is told so.
        let refused = try #require(cluster.set(k, large, at: a, .all, sloppy: true))
        #expect(refused.hasPrefix("TIMEOUT required=3"))
        #expect(world.counters(d).standInsRefused == 1)
        cluster.node(d).shard.isStorageTight = true
        let tight = try #require(cluster.set(k, "w", at: a, .all, sloppy: true))
        #expect(tight.hasPrefix("TIMEOUT required=3"))
        cluster.pass(milliseconds: 4 * 3_600_000)
        cluster.housekeep()
        #expect(cluster.stored(world.held(c), on: d) == "v")
        #expect(cluster.hints(on: d, for: c).count == 1)
        cluster.bring(up: c)
        cluster.settle()
        #expect(cluster.stored(world.held(c), on: d) == nil)
        #expect(world.counters(d).hintsExpired == 0)
    }

    @Test("dropping the hints for a node drops what was held for it, and says so")
    func dropped() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (a, c, d) = (world.homes[0], world.homes[2], world.others[0])
        world.down(c)
        cluster.set(k, "v", at: a, .all, sloppy: true)
        cluster.step(NodeID(UInt16(d)), .hints(.drop(nil)))
        cluster.settle()
        #expect(cluster.node(d).disk.isEmpty && cluster.hints(on: d, for: c).isEmpty)
        #expect(world.counters(d).standInsDropped == 1 && world.counters(d).hintsDropped == 1)
        #expect(world.counters(d).standInsHandedOver == 0)
    }

    @Test("nobody can have a node hold what has no home there, or is at home with itself")
    func hostileStores() throws {
        let world = try World()
        let (cluster, k) = (world.cluster, world.k)
        let (a, b, d, e) = (world.homes[0], world.homes[1], world.others[0], world.others[1])
        cluster.set(k, "v", at: a)
        let object = try EncodedObject(try #require(cluster.node(a).disk[k]))
        for (receiver, home) in [(d, e), (b, a), (a, a), (d, d), (d, 99)] {
            let place = k.standingIn(for: NodeID(UInt16(home)))
            let store = PeerMessage.store(
                RequestID(rawValue: 7),
                place,
                object,
                timeout: .seconds(1),
                epoch: 1
            )
            cluster.step(NodeID(UInt16(receiver)), .message(from: NodeID(UInt16(e)), store))
            cluster.run()
            #expect(cluster.node(receiver).disk[place] == nil)
        }
        #expect(cluster.isQuiet)
    }
}
