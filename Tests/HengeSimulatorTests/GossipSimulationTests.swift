import HengeBase
import HengeMessages
import HengeSimulator
import NIOCore
import Testing

@Suite(.offPool) struct GossipSimulationTests {
    private func run(_ nodes: Int, seed: UInt64, calm: UInt64) -> GossipSimulation.Report {
        var options = GossipSimulation.Options(nodes: nodes, seed: seed)
        options.calm = .seconds(calm)
        return GossipSimulation(options).run()
    }

    @Test(
        "an hour at 5 % loss and 200 ms jitter: no false suspicion; a stop is noticed in 10 s",
        arguments: UInt64(1)...5
    )
    func anHour(seed: UInt64) {
        let report = run(10, seed: seed, calm: 3600)
        #expect(report.falseSuspicions == 0 && report.falseDowns == 0)
        #expect(report.facts > 500)
        #expect((report.stopNoticedLast ?? .max) <= 10_000)
        #expect((report.stopNoticedFirst ?? 0) >= 3000)
    }

    @Test("rounds grow as the logarithm of the number of nodes, bytes no faster than linearly")
    func growth() throws {
        let reports = [10, 100, 1000].map { run($0, seed: 1, calm: $0 == 1000 ? 8 : 100) }
        let rounds = reports.map(\.factRoundsMean)
        #expect(rounds[0] < 4)
        for (less, more) in zip(rounds, rounds.dropFirst()) {
            // Ten times the nodes: between a half and three more rounds.
            #expect(more - less > 0.3 && more - less < 3, "\(rounds)")
        }
        for report in reports {
            #expect(try #require(report.joinRounds) < 9, "\(report)")
            #expect(report.facts > 0 && report.falseDowns == 0, "\(report)")
            #expect(report.stopNoticedLast != nil, "\(report)")
        }
        for (less, more) in zip(reports, reports.dropFirst()) {
            let growth = Double(more.bytesPerNodeSecond) / Double(less.bytesPerNodeSecond)
            #expect(growth > 1 && growth < 10.5, "\(growth)")
        }
    }

    @Test("a seed decides everything")
    func deterministic() {
        let first = run(20, seed: 7, calm: 60)
        #expect(run(20, seed: 7, calm: 60) == first)
        #expect(run(20, seed: 8, calm: 60) != first)
    }

    @Test("a network that loses almost all makes nodes look dead, and the report says so")
    func hopeless() {
        var options = GossipSimulation.Options(nodes: 5, seed: 1)
        options.lossPercent = 90
        let report = GossipSimulation(options).run()
        #expect(report.falseSuspicions > 0 && report.falseDowns > 0)
    }

    @Test("messages are as long as the codec makes them")
    func lengths() {
        let beats = (0..<7).map { Heartbeat(node: NodeID(1), life: $0, beat: .max) }
        for message in [
            GossipMessage.digest(beats), .digest([]), .news(beats), .leaving, .otherLife(.max),
        ] {
            var bytes = ByteBuffer()
            Frame.write(into: &bytes) { PeerMessageCodec.write(.gossip(message), into: &$0) }
            #expect(GossipSimulation.bytes(of: message) == bytes.readableBytes)
        }
    }
}
