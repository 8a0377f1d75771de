import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages

/// Three home replicas (nodes 0, 1 and 2) of one partition and a node that stands in (3), of which
/// nothing matters but which writes each has, has had, and says it has.
struct ClusterModel {
    /// A comparison that is under way: `asker` takes all that `other` had at its start, and the
    /// other way round.
    struct Comparison {
        let asker: Int
        let other: Int
        let begun: Instant
        let had: [Set<Dot>]
        let clocks: [VersionVector]
    }

    struct Replica {
        var clocks: KnownClocks
        var taken: Set<Dot> = []
        /// What it has taken in, though it may have lost it since.
        var everTaken: Set<Dot> = []
        var actor: ActorID
        /// Minted, and not yet durable here, in order.
        var unwritten: [Dot] = []
        var minted: UInt64 = 0
        var settlement: Settlement?
    }

    static let homes = [NodeID(0), NodeID(1), NodeID(2)]

    private(set) var replicas: [Replica]
    private var standInHeld: Set<Dot> = []
    private var standInMinted: UInt64 = 0
    private var comparisons: [Comparison] = []
    private var now = Instant(nanoseconds: 1)
    private var generator: SeededGenerator
    private(set) var settled = 0

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        replicas = Self.homes.map { node in
            Replica(
                clocks: KnownClocks(node: node, homes: [Self.homes], watermarks: []),
                actor: ActorID(node: node, random: generator.next())
            )
        }
        self.generator = generator
    }

    private let standIn = ActorID(node: NodeID(3), random: 1)

    func watermark(_ index: Int) -> VersionVector { replicas[index].clocks.watermark(of: 0) }

    /// A write that the watermark of `index` covers and that some home replica never had. One that
    /// all who had it have lost can't come back, so it does no harm.
    func violation(_ index: Int) -> Dot? {
        let watermark = watermark(index)
        let all = replicas.reduce(into: Set<Dot>()) { $0.formUnion($1.taken) }
        return all.filter { dot in
            watermark.covers(dot) && replicas.contains { !$0.everTaken.contains(dot) }
        }.min()
    }

    mutating func step(faults: Bool) {
        now = now + .milliseconds(1)
        let index = generator.below(3)
        let other = (index + 1 + generator.below(2)) % 3
        switch generator.below(faults ? 40 : 30) {
        case 0..<6: mint(index)
        case 6..<10: write(index)
        case 10..<13:
            if let dot = replicas[other].unwritten.first { take([dot], index) }
        case 13: standInWrites(index)
        case 14: standInHandsOff(index)
        case 15..<20: begin(index, other)
        case 20..<24: end()
        case 24..<28: tell(index, other)
        case 28, 29: settle(index)
        case 30..<36: disconnect(index, other)
        case 36, 37: restart(index)
        default: lose(index)
        }
    }

    private mutating func take(_ dots: some Sequence<Dot>, _ index: Int) {
        for dot in dots {
            replicas[index].taken.insert(dot)
            replicas[index].everTaken.insert(dot)
        }
    }

    private mutating func mint(_ index: Int) {
        replicas[index].minted += 1
        let dot = Dot(actor: replicas[index].actor, counter: replicas[index].minted)
        replicas[index].unwritten.append(dot)
    }

    private mutating func write(_ index: Int) {
        guard !replicas[index].unwritten.isEmpty else { return }
        let dot = replicas[index].unwritten.removeFirst()
        take([dot], index)
        if dot.actor == replicas[index].actor { replicas[index].clocks.claim(dot, partition: 0) }
    }

    private mutating func standInWrites(_ index: Int) {
        standInMinted += 1
        let dot = Dot(actor: standIn, counter: standInMinted)
        standInHeld.insert(dot)
        if generator.chance(1, in: 2) { take([dot], index) }
    }

    private mutating func standInHandsOff(_ index: Int) {
        take(standInHeld, index)
        standInHeld = []
    }

    private mutating func begin(_ asker: Int, _ other: Int) {
        let sides = [replicas[asker], replicas[other]]
        let comparison = Comparison(
            asker: asker,
            other: other,
            begun: now,
            had: sides.map(\.taken),
            clocks: sides.map { $0.clocks.clock(of: 0) }
        )
        comparisons.append(comparison)
    }

    private mutating func end() {
        guard !comparisons.isEmpty else { return }
        let ended = comparisons.remove(at: generator.below(comparisons.count))
        for (side, index, peer) in [(1, ended.asker, ended.other), (0, ended.other, ended.asker)] {
            take(ended.had[side], index)
            let node = Self.homes[peer]
            replicas[index].clocks.agreed(partition: 0, with: node, theirs: ended.clocks[side])
        }
        replicas[ended.asker].settlement?.agreed(with: Self.homes[ended.other], begun: ended.begun)
    }

    private mutating func tell(_ index: Int, _ other: Int) {
        let changes = replicas[index].clocks.changes(for: Self.homes[other])
        replicas[other].clocks.received(changes, from: Self.homes[index])
    }

    private mutating func settle(_ index: Int) {
        guard let settlement = replicas[index].settlement else { return beginSettlement(index) }
        if let clock = settlement.settled {
            replicas[index].clocks.join(clock, partition: 0)
            replicas[index].settlement = nil
            settled += 1
        } else if let member = settlement.unanswered.first {
            let holds = member == NodeID(3) && !standInHeld.isEmpty
            replicas[index].settlement?.heldAnswered(from: member, holds: holds, now: now)
        }
    }

    private mutating func beginSettlement(_ index: Int) {
        var clock = VersionVector()
        for dot in replicas[index].taken.sorted() where dot.actor != replicas[index].actor {
            let node = dot.actor.node
            if node == Self.homes[index] || node == NodeID(3) { clock.record(dot) }
        }
        let others = Self.homes.filter { $0 != Self.homes[index] }
        replicas[index].settlement = Settlement(
            clock: clock,
            members: others + [NodeID(3)],
            homes: others,
            now: now
        )
    }

    private mutating func disconnect(_ index: Int, _ other: Int) {
        let pair: Set = [index, other]
        comparisons.removeAll { pair == [$0.asker, $0.other] }
        for (a, b) in [(index, other), (other, index)] {
            replicas[a].clocks.disconnected(Self.homes[b])
            replicas[a].settlement?.disconnected(Self.homes[b])
        }
    }

    private mutating func renew(_ index: Int) {
        replicas[index].actor = ActorID(node: Self.homes[index], random: generator.next())
        replicas[index].minted = 0
        replicas[index].settlement = nil
    }

    private mutating func restart(_ index: Int) {
        for other in 0..<3 where other != index { disconnect(index, other) }
        let watermark = watermark(index)
        replicas[index].clocks = KnownClocks(
            node: Self.homes[index],
            homes: [Self.homes],
            watermarks: [watermark]
        )
        replicas[index].unwritten = []
        renew(index)
    }

    private mutating func lose(_ index: Int) {
        guard let dot = replicas[index].taken.sorted().first else { return }
        replicas[index].taken.remove(dot)
        replicas[index].clocks.lost(partition: 0)
        comparisons.removeAll { $0.asker == index || $0.other == index }
        renew(index)
    }
}
