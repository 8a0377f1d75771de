import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing
import Testing

/// One control plane, n1, among three, with a clock of its own.
private struct World: ~Copyable {
    static let life = Life.make(start: 5, chance: 1)

    var control: ControlPlane
    var now = Instant(nanoseconds: 0) + .seconds(1000)
    private var buffer = EffectBuffer<ControlEffect>()

    init(members: UInt16 = 3) {
        control = ControlPlane(
            node: NodeID(1),
            ring: RingAcceptor(document: Self.document(members), hasLostVotes: false),
            settings: ControlSettings(),
            life: Self.life,
            savedLives: nil,
            seed: 1,
            at: now
        )
    }

    static func document(_ count: UInt16) -> RingDocument {
        RingDocument(
            clusterID: 1,
            epoch: 1,
            replicas: 3,
            members: (1...count).map { member($0) },
            owners: (0..<64).map { NodeID(UInt16($0) % count + 1) }
        )
    }

    static func member(_ id: UInt16) -> Member {
        Member(id: NodeID(id), name: "n\(id)", peerAddress: "n:\(id)")
    }

    mutating func step(_ input: ControlInput) -> [ControlEffect] {
        control.step(input, at: now, effects: &buffer)
        var effects: [ControlEffect] = []
        buffer.drain { effects.append($0) }
        return effects
    }

    /// A second passes, then a round.
    mutating func round() -> [ControlEffect] {
        now = now + .seconds(1)
        return step(.tick)
    }

    mutating func connect(_ nodes: UInt16...) {
        for node in nodes { _ = step(.connected(NodeID(node), life: 100)) }
    }

    /// A heartbeat of a node by way of another.
    mutating func beat(_ node: UInt16, _ beat: UInt64, from sender: UInt16) {
        let beats = [Heartbeat(node: NodeID(node), life: 100, beat: beat)]
        _ = step(.gossip(from: NodeID(sender), .news(beats)))
    }

    func status(_ node: UInt16) -> MemberStatus? { control.status(of: NodeID(node), at: now) }
}

/// What a test looks at of effects, in words; what is said of the ring is left out.
private func words(_ effects: [ControlEffect]) -> [String] {
    effects.compactMap { effect in
        switch effect {
        case .send(let id, .digest): "digest \(id)"
        case .send(let id, .news(let beats)): "news \(beats.count) \(id)"
        case .send(let id, .leaving): "leaving \(id)"
        case .send(let id, .otherLife(let life)): "other \(life) \(id)"
        case .disconnect(let id): "disconnect \(id)"
        case .peerUp(let id): "up \(id)"
        case .peerDown(let id): "down \(id)"
        case .confirmActors(let isNewest): "confirm \(isNewest)"
        case .saveLives: "save"
        case .note(.suspect(let id, _)): "suspect \(id)"
        case .note(.cleared(let id)): "cleared \(id)"
        case .note(.oldCopy(let id, let start)): "old \(start) \(id)"
        case .note(.down(let id, .late)): "late \(id)"
        case .note(.down(let id, .silent)): "silent \(id)"
        case .note(.down(let id, .leaving)): "left \(id)"
        case .note(.down(let id, .disconnected)): "gone \(id)"
        case .note(.up(let id)): "came \(id)"
        case .note(.down(let id, .removed)): "removed \(id)"
        case .sendRing, .sendReport, .saveRing, .adopted, .memberEpoch, .proposalEnded,
            .note(.ringAdopted), .note(.removed), .note(.givenUp), .note(.ringConflict),
            .note(.ringInvalid), .note(.recoveredApart):
            nil
        }
    }
}

@Suite struct ControlPlaneTests {
    @Test("a story: a node comes, beats, stops, is suspected, then given up, and comes again")
    func story() {
        var world = World()
        #expect(world.status(2)?.liveness == .down && world.status(2)?.sinceContact == nil)
        #expect(
            words(world.step(.connected(NodeID(2), life: 100)))
                == ["save", "other 0 #2", "up #2", "came #2"]
        )
        for beat in UInt64(1)...10 {
            #expect(words(world.round()) == ["digest #2"])
            world.beat(2, beat, from: 2)
        }
        #expect(world.status(2)?.liveness == .up && world.status(2)?.sinceContact == .zero)
        var heard: [String] = []
        for _ in 0..<9 { heard += words(world.round()).filter { $0 != "digest #2" } }
        #expect(heard == ["suspect #2", "down #2", "late #2", "disconnect #2"])
        #expect(world.status(2)?.liveness == .down && world.status(2)?.isConnected == false)
        #expect(world.status(2)?.sinceContact == .seconds(9))
        // The driver tells of the close that it was asked for.
        #expect(world.step(.disconnected(NodeID(2))).isEmpty)
        #expect(
            words(world.step(.connected(NodeID(2), life: 101)))
                == ["save", "other 100 #2", "up #2", "came #2"]
        )
        #expect(world.status(2)?.liveness == .up)
    }

    @Test("a suspect that beats again is cleared")
    func cleared() {
        var world = World()
        world.connect(2)
        for beat in UInt64(1)...20 {
            _ = world.round()
            world.beat(2, beat, from: 2)
        }
        world.now = world.now + .milliseconds(100)
        var heard: [String] = []
        for _ in 0..<5 {
            heard += words(world.round()).filter { $0 != "digest #2" }
            _ = world.step(.heard(NodeID(2)))
        }
        #expect(heard == ["suspect #2"] && world.status(2)?.liveness == .suspect)
        world.beat(2, 21, from: 2)
        #expect(words(world.round()).contains("cleared #2"))
    }

    @Test("a closed connection counts at once, and once")
    func closed() {
        var world = World()
        world.connect(2)
        #expect(words(world.step(.disconnected(NodeID(2)))) == ["down #2", "gone #2"])
        #expect(world.step(.disconnected(NodeID(2))).isEmpty)
        #expect(world.round().isEmpty, "nobody is left to tell")
        // The same life again needs no saving.
        #expect(
            words(world.step(.connected(NodeID(2), life: 100)))
                == ["other 0 #2", "up #2", "came #2"]
        )
    }

    @Test("a cut link is given up although others still bring its heartbeats")
    func cutLink() {
        var world = World()
        world.connect(2, 3)
        var heard: [String] = []
        for beat in UInt64(1)...8 {
            heard += words(world.round()).filter { !$0.hasPrefix("digest") }
            world.beat(2, beat, from: 3)
            world.beat(3, beat, from: 3)
        }
        #expect(heard == ["down #2", "silent #2", "disconnect #2"])
        #expect((world.status(2)?.phi ?? 9) < 1 && world.status(2)?.liveness == .down)
    }

    @Test("an unanswered request has the peer asked, and silence ends with anything heard")
    func asked() {
        var world = World(members: 9)
        world.connect(2, 3, 4, 5, 6, 7, 8, 9)
        for beat in UInt64(1)...30 {
            _ = world.step(.asked(NodeID(9)))
            let targets = words(world.round()).filter { $0.hasPrefix("digest") }
            #expect(targets.contains("digest #9"))
            for node in UInt16(2)...9 {
                world.beat(node, beat, from: 2)
                if node != 9 || beat % 4 == 0 { _ = world.step(.heard(NodeID(node))) }
            }
            #expect(world.status(9)?.liveness == .up)
        }
    }

    @Test("each round tells as many as the fanout says, and in time all")
    func fanout() {
        var world = World(members: 20)
        for node in UInt16(2)...20 { world.connect(node) }
        var told = Set<String>()
        for beat in UInt64(1)...60 {
            let targets = words(world.round())
            #expect(targets.count == 3 && Set(targets).count == 3)
            told.formUnion(targets)
            for node in UInt16(2)...20 {
                world.beat(node, beat, from: 2)
                _ = world.step(.heard(NodeID(node)))
            }
        }
        #expect(told.count == 19)
    }

    @Test("one that says it leaves is down at once, is told nothing more, and may come back")
    func leaving() {
        var world = World()
        world.connect(2)
        #expect(words(world.step(.gossip(from: NodeID(2), .leaving))) == ["down #2", "left #2"])
        #expect(world.status(2)?.liveness == .down && world.status(2)?.isConnected == true)
        #expect(world.round().isEmpty)
        #expect(words(world.step(.gossip(from: NodeID(2), .digest([])))) == ["news 1 #2"])
        #expect(world.step(.disconnected(NodeID(2))).isEmpty)
        world.connect(2)
        #expect(world.status(2)?.liveness == .up)
    }

    @Test("who stops tells those that it has connections to")
    func stopping() {
        var world = World()
        world.connect(3)
        #expect(words(world.step(.stopping)) == ["leaving #3"])
    }

    @Test("after standing still a node blames nobody for what it could not hear")
    func standstill() {
        var world = World()
        world.connect(2, 3)
        for beat in UInt64(1)...10 {
            _ = world.round()
            world.beat(2, beat, from: 2)
            world.beat(3, beat, from: 3)
        }
        world.now = world.now + .seconds(60)
        #expect(words(world.step(.tick)).filter { !$0.hasPrefix("digest") }.isEmpty)
        world.beat(2, 11, from: 2)
        var heard: [String] = []
        for beat in UInt64(12)...22 {
            heard += words(world.round()).filter { !$0.hasPrefix("digest") }
            world.beat(2, beat, from: 2)
        }
        // The other one is found out as late as ever.
        #expect(heard == ["suspect #3", "down #3", "late #3", "disconnect #3"])
    }

    @Test("actors are confirmed when all others have met no later start, refused when one has")
    func actors() {
        var world = World()
        #expect(world.step(.start).isEmpty)
        world.connect(2, 3)
        let earlier = Life.make(start: 4, chance: 9)
        #expect(world.step(.gossip(from: NodeID(2), .otherLife(earlier))).isEmpty)
        #expect(words(world.step(.gossip(from: NodeID(3), .otherLife(0)))) == ["confirm true"])
        let same = Life.make(start: 5, chance: 9)
        #expect(
            words(world.step(.gossip(from: NodeID(3), .otherLife(same))))
                == ["confirm false", "old 5 #3"]
        )
        var alone = World(members: 1)
        #expect(words(alone.step(.start)) == ["confirm true"])
    }

    @Test("a peer's answer counts while it is connected")
    func actorsAfterReconnect() {
        var world = World()
        world.connect(2, 3)
        #expect(world.step(.gossip(from: NodeID(2), .otherLife(0))).isEmpty)
        _ = world.step(.disconnected(NodeID(2)))
        #expect(world.step(.gossip(from: NodeID(3), .otherLife(0))).isEmpty)
        world.connect(2)
        #expect(words(world.step(.gossip(from: NodeID(2), .otherLife(0)))) == ["confirm true"])
    }

    @Test("strangers, itself and closed connections change nothing")
    func strangers() {
        var world = World()
        for id in [0, 1, 4, UInt16.max].map({ NodeID($0) }) {
            for input in [
                ControlInput.connected(id, life: 9), .disconnected(id), .heard(id), .asked(id),
                .gossip(from: id, .leaving), .gossip(from: id, .digest([])),
            ] {
                #expect(words(world.step(input)).isEmpty)
            }
        }
        // No connection.
        #expect(world.step(.gossip(from: NodeID(2), .digest([]))).isEmpty)
        #expect(world.step(.gossip(from: NodeID(2), .otherLife(.max))).isEmpty)
        #expect(world.status(9) == nil && world.status(1)?.liveness == .up)
    }

    @Test("random inputs never trap, and the shard hears up and down in turns")
    func generated() {
        for seed in UInt64(1)...60 {
            var dice = SeededGenerator(seed: seed)
            var world = World(members: 4)
            var isUp = [Bool](repeating: false, count: 10)
            for _ in 0..<400 {
                world.now = world.now + .milliseconds(UInt64(dice.below(1500)))
                for effect in world.step(Self.input(&dice)) {
                    switch effect {
                    case .peerUp(let id):
                        #expect(!isUp[Int(id.rawValue)], "seed \(seed)")
                        isUp[Int(id.rawValue)] = true
                    case .peerDown(let id):
                        #expect(isUp[Int(id.rawValue)], "seed \(seed)")
                        isUp[Int(id.rawValue)] = false
                    default: break
                    }
                }
                for node in UInt16(2)...4 {
                    #expect((world.status(node)?.liveness != .down) == isUp[Int(node)])
                }
            }
        }
    }

    private static func input(_ dice: inout SeededGenerator) -> ControlInput {
        let id = NodeID(UInt16(dice.below(6)))
        let numbers: [UInt64] = [0, 1, 2, 100, 5000, .max - 1, .max]
        var number: UInt64 { numbers[dice.below(numbers.count)] }
        let beats = (0..<dice.below(5)).map { _ in
            Heartbeat(node: NodeID(UInt16(dice.below(6))), life: number, beat: number)
        }
        switch dice.below(12) {
        case 0...2: return .tick
        case 3...4: return .connected(id, life: number)
        case 5: return .disconnected(id)
        case 6: return .gossip(from: id, .digest(beats))
        case 7: return .gossip(from: id, .news(beats))
        case 8: return .gossip(from: id, .leaving)
        case 9: return .gossip(from: id, .otherLife(number))
        case 10: return .heard(id)
        default: return .asked(id)
        }
    }
}
