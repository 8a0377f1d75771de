import HengeBase
import HengeReplication
import Testing

@Suite struct StalenessModelTests {
    private func model(
        _ reads: Int,
        _ writes: Int,
        _ fanOut: StalenessModel.FanOut
    ) -> StalenessModel {
        StalenessModel(replicas: 3, readQuorum: reads, writeQuorum: writes, fanOut: fanOut)
    }

    @Test("a read of one replica of three is fresh in a third, until the others have the write")
    func thirds() {
        let result = model(1, 1, .required).run(trials: 30_000, seed: 1) { _, delays in
            delays = [.zero, .zero, .zero]
            delays[1].write = 10
            delays[2].write = 20
        }
        #expect(abs(result.freshProbability(after: 0) - 1.0 / 3) < 0.01)
        #expect(abs(result.freshProbability(after: 10) - 2.0 / 3) < 0.01)
        #expect(result.freshProbability(after: 20) == 1)
        #expect(result.freshTime(probability: 0.5) == 10)
        #expect(result.freshTime(probability: 0.999) == 20)
        #expect(result.writeTime(quantile: 0.5) == 0)
    }

    @Test("the way of the read gives the write time, and so does that of the acknowledgement")
    func ways() {
        let result = model(1, 2, .required).run(trials: 9_000, seed: 2) { _, delays in
            for slot in 0..<3 {
                delays[slot] = WARSDelays(
                    write: Double(slot) * 10, acknowledgement: 2, read: 3, answer: 4)
            }
        }
        // The second acknowledgement comes at 12; the slowest replica has the write at 20.
        #expect(result.writeTime(quantile: 0.5) == 12)
        #expect(result.readTime(quantile: 0.5) == 7)
        #expect(result.freshTime(probability: 0.999) == 20 - 3 - 12)
    }

    @Test("reads and writes whose quorums overlap are always fresh")
    func strict() {
        for (reads, writes) in [(1, 3), (3, 1), (2, 2)] {
            for fanOut in [StalenessModel.FanOut.all, .required] {
                let result = model(reads, writes, fanOut).run(trials: 5_000, seed: 3) {
                    generator, delays in
                    for slot in 0..<3 {
                        delays[slot] = WARSDelays(
                            write: 100 * generator.unit(),
                            acknowledgement: 10 * generator.unit(),
                            read: generator.unit(),
                            answer: generator.unit()
                        )
                    }
                }
                #expect(result.freshProbability(after: 0) == 1, "\(reads) \(writes) \(fanOut)")
            }
        }
    }

    @Test("a read of all replicas takes the answers that come first")
    func first() {
        let result = model(1, 1, .all).run(trials: 1_000, seed: 4) { _, delays in
            delays = [.zero, .zero, .zero]
            // The first to answer is the last to have the write.
            delays[0].write = 30
            for slot in 1..<3 { delays[slot].read = 5 }
        }
        #expect(result.readTime(quantile: 0.999) == 0)
        #expect(result.freshProbability(after: 29) == 0)
        #expect(result.freshProbability(after: 30) == 1)
    }

    @Test("what a node has measured: stores beyond half of a fetch are what makes reads stale")
    func measured() throws {
        var own = LatencyHistogram()
        var stores = LatencyHistogram()
        var fetches = LatencyHistogram()
        own.record(.milliseconds(1))
        stores.record(.milliseconds(10))
        fetches.record(.milliseconds(2))
        let peer = MeasuredDelays.Peer(stores: stores, fetches: fetches)
        let idle = MeasuredDelays.Peer(stores: LatencyHistogram(), fetches: fetches)
        #expect(MeasuredDelays(own: own, peers: [peer, idle], replicas: 3) == nil)
        #expect(MeasuredDelays(own: LatencyHistogram(), peers: [peer], replicas: 2) == nil)
        let delays = try #require(
            MeasuredDelays(own: own, peers: [peer, peer, idle], replicas: 3)
        )
        // At ONE the own replica acknowledges after 1 ms, and the others have the write at 9.
        let one = delays.reads(replicas: 3, writeQuorum: 1, trials: 9_000, seed: 5)
        #expect(abs(one.freshProbability(after: 4_000) - 1.0 / 3) < 0.03)
        #expect(one.freshProbability(after: 9_500) == 1)
        #expect((6_500...9_500).contains(one.freshTime(probability: 0.999)))
        // At QUORUM the first of the others has to acknowledge, at 10.
        let quorum = delays.reads(replicas: 3, writeQuorum: 2, trials: 9_000, seed: 5)
        #expect(quorum.freshProbability(after: 2_000) == 1)
        let alone = try #require(MeasuredDelays(own: own, peers: [], replicas: 1))
        let single = alone.reads(replicas: 1, writeQuorum: 1, trials: 100, seed: 5)
        #expect(single.freshProbability(after: 0) == 1)
    }
}
