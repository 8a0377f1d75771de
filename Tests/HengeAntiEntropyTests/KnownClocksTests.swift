import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import Testing

@Suite struct KnownClocksTests {
    private let homes = [NodeID(1), NodeID(2), NodeID(3)]

    private func clocks(_ watermark: VersionVector = VersionVector()) -> KnownClocks {
        KnownClocks(
            node: NodeID(1),
            homes: [[], homes],
            watermarks: [VersionVector(), watermark]
        )
    }

    @Test("the watermark is what all three have said, and stays when they go")
    func story() {
        var clocks = clocks()
        clocks.claim(dot(1, 5), partition: 1)
        clocks.received([PartitionClock(partition: 1, clock: vector(dot(1, 3)))], from: NodeID(2))
        #expect(clocks.watermark(of: 1).isEmpty)
        clocks.received([PartitionClock(partition: 1, clock: vector(dot(1, 9)))], from: NodeID(3))
        #expect(clocks.watermark(of: 1) == vector(dot(1, 3)))
        clocks.disconnected(NodeID(2))
        #expect(clocks.watermark(of: 1) == vector(dot(1, 3)))
        clocks.received([PartitionClock(partition: 1, clock: vector(dot(1, 8)))], from: NodeID(2))
        #expect(clocks.watermark(of: 1) == vector(dot(1, 5)))
        clocks.claim(dot(1, 20), partition: 1)
        #expect(clocks.watermark(of: 1) == vector(dot(1, 8)))
        clocks.lost(partition: 1)
        #expect(clocks.watermark(of: 1).isEmpty && clocks.clock(of: 1).isEmpty)
    }

    @Test("an agreed comparison takes over what the other has, of shared partitions only")
    func agreed() {
        var clocks = clocks()
        clocks.agreed(partition: 1, with: NodeID(2), theirs: vector(dot(2, 4)))
        clocks.agreed(partition: 1, with: NodeID(9), theirs: vector(dot(9, 4)))
        clocks.agreed(partition: 0, with: NodeID(2), theirs: vector(dot(2, 4)))
        #expect(clocks.clock(of: 1) == vector(dot(2, 4)))
        #expect(clocks.clock(of: 0).isEmpty)
        let foreign = [0, 2, -1].map { PartitionClock(partition: $0, clock: vector(dot(1, 1))) }
        clocks.received(foreign, from: NodeID(2))
        #expect(clocks.watermark(of: 0).isEmpty)
    }

    @Test("each peer is told of each change once a connection")
    func changes() {
        var clocks = clocks()
        #expect(clocks.changes(for: NodeID(2)).isEmpty)
        clocks.claim(dot(1, 1), partition: 1)
        let change = [PartitionClock(partition: 1, clock: vector(dot(1, 1)))]
        #expect(clocks.changes(for: NodeID(2)) == change)
        #expect(clocks.changes(for: NodeID(2)).isEmpty)
        clocks.disconnected(NodeID(2))
        #expect(clocks.changes(for: NodeID(2)) == change)
        #expect(clocks.changes(for: NodeID(3)) == change)
        #expect(clocks.changes(for: NodeID(9)).isEmpty)
        clocks.lost(partition: 1)
        let nothing = [PartitionClock(partition: 1, clock: VersionVector())]
        #expect(clocks.changes(for: NodeID(3)) == nothing)
    }

    @Test("what may have been missed is told anew, and asked for")
    func missed() {
        var clocks = clocks()
        clocks.claim(dot(1, 1), partition: 1)
        let change = [PartitionClock(partition: 1, clock: vector(dot(1, 1)))]
        let peer = NodeID(2)
        #expect(clocks.news(for: peer) == ToldClocks(change, isAll: true, wantsAll: true))
        clocks.received(ToldClocks([], isAll: true), from: peer)
        #expect(clocks.news(for: peer) == ToldClocks([]))
        clocks.received(ToldClocks([], wantsAll: true), from: peer)
        #expect(clocks.noNews(for: peer) == ToldClocks([]))
        #expect(clocks.news(for: peer).clocks.contains(change[0]))
        clocks.mayHaveMissed(peer)
        let again = clocks.news(for: peer)
        #expect(again.isAll && again.wantsAll && again.clocks.contains(change[0]))
        clocks.disconnected(peer)
        #expect(clocks.noNews(for: peer) == ToldClocks([], wantsAll: true))
    }

    @Test("a saved watermark counts from the start")
    func saved() {
        var clocks = clocks(vector(dot(1, 7)))
        #expect(clocks.watermark(of: 1) == vector(dot(1, 7)))
        #expect(clocks.clock(of: 1) == vector(dot(1, 7)))
        let told = [PartitionClock(partition: 1, clock: vector(dot(1, 7)))]
        #expect(clocks.changes(for: NodeID(3)) == told)
    }

    @Test("whatever happens, no watermark covers a write that some home replica never had")
    func randomHistories() {
        var covered = 0
        var settled = 0
        for seed in 1...150 as ClosedRange<UInt64> {
            var cluster = ClusterModel(seed: seed)
            for step in 0..<600 {
                cluster.step(faults: seed % 3 != 0)
                for index in 0..<3 {
                    if let dot = cluster.violation(index) {
                        Issue.record("seed \(seed), step \(step): \(index) covers \(dot)")
                        return
                    }
                }
            }
            covered += (0..<3).count { !cluster.watermark($0).isEmpty }
            settled += cluster.settled
        }
        // Else the test would prove nothing.
        #expect(covered > 150 && settled > 50, "\(covered) \(settled)")
    }

    @Test("claims one by one raise the watermark as all at once would")
    func claims() {
        for seed in 1...100 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var (one, all) = (clocks(), clocks())
            for _ in 0..<60 {
                let claimed = dot(1 + UInt64(generator.below(3)), 1 + UInt64(generator.below(30)))
                if generator.chance(1, in: 2) {
                    one.claim(claimed, partition: 1)
                    all.join(vector(claimed), partition: 1)
                } else {
                    var told = vector(claimed)
                    told.record(dot(2, 1 + UInt64(generator.below(30))))
                    let peer = homes[1 + generator.below(2)]
                    one.received([PartitionClock(partition: 1, clock: told)], from: peer)
                    all.received([PartitionClock(partition: 1, clock: told)], from: peer)
                }
                #expect(one.watermark(of: 1) == all.watermark(of: 1), "seed \(seed)")
            }
        }
    }
}

@Suite struct SettlementTests {
    private let others = [NodeID(2), NodeID(3)]

    private func instant(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: nanoseconds) }

    private func settlement() -> Settlement {
        Settlement(
            clock: vector(dot(9, 4)),
            members: others + [NodeID(4)],
            homes: others,
            now: instant(1)
        )
    }

    @Test("all say no, then a comparison with each home replica: the counters are claimed")
    func story() {
        var settlement = settlement()
        settlement.heldAnswered(from: NodeID(4), holds: false, now: instant(10))
        settlement.agreed(with: NodeID(2), begun: instant(11))
        settlement.heldAnswered(from: NodeID(2), holds: false, now: instant(12))
        #expect(settlement.unanswered == [NodeID(3)])
        settlement.heldAnswered(from: NodeID(3), holds: false, now: instant(20))
        #expect(settlement.unanswered.isEmpty)
        settlement.agreed(with: NodeID(2), begun: instant(20))
        settlement.agreed(with: NodeID(3), begun: instant(21))
        settlement.agreed(with: NodeID(4), begun: instant(21))
        #expect(settlement.settled == nil, "the one with 2 was begun too early")
        settlement.disconnected(NodeID(2))
        settlement.agreed(with: NodeID(2), begun: instant(22))
        #expect(settlement.settled == vector(dot(9, 4)))
    }

    @Test("a member that holds one, or goes before it answered, begins it anew")
    func restarts() {
        var settlement = settlement()
        settlement.heldAnswered(from: NodeID(2), holds: false, now: instant(10))
        settlement.heldAnswered(from: NodeID(3), holds: true, now: instant(11))
        #expect(settlement.unanswered.count == 3)
        settlement.heldAnswered(from: NodeID(2), holds: false, now: instant(12))
        settlement.disconnected(NodeID(2))
        #expect(settlement.unanswered.count == 2, "2 had answered")
        settlement.disconnected(NodeID(4))
        #expect(settlement.unanswered.count == 3)
        settlement.heldAnswered(from: NodeID(9), holds: true, now: instant(13))
        #expect(settlement.settled == nil)
    }

    @Test("a node that is alone has nobody to wait for")
    func alone() {
        let clock = vector(dot(9, 4))
        let settlement = Settlement(clock: clock, members: [], homes: [], now: instant(1))
        #expect(settlement.settled == clock)
    }
}

func dot(_ actor: UInt64, _ counter: UInt64) -> Dot {
    Dot(actor: ActorID(rawValue: actor), counter: counter)
}

func vector(_ entries: Dot...) -> VersionVector { VersionVector(sorted: entries) }
