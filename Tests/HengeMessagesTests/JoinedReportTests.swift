import HengeBase
import HengeMessages
import Testing

/// What a node says of a change whose shards say this.
@Suite struct JoinedReportTests {
    private func report(
        _ epoch: UInt64,
        ready: [UInt16] = [],
        isDrained: Bool = false,
        _ change: (inout TransferProgress) -> Void = { _ in }
    ) -> RingReport {
        var progress = TransferProgress()
        change(&progress)
        return RingReport(epoch: epoch, ready: ready, isDrained: isDrained, progress: progress)
    }

    @Test("while no shard says anything, the node does not")
    func nothing() {
        #expect(RingReport.joined([]) == nil)
        #expect(RingReport.joined([nil, nil]) == nil)
    }

    @Test("of one shard it is that shard's")
    func single() {
        for seed in UInt64(1)...200 {
            var dice = SeededGenerator(seed: seed)
            var report = dice.anyRingReport()
            report.unreached = []
            report.ready.sort()
            #expect(RingReport.joined([report])?.epoch == report.epoch)
            #expect(RingReport.joined([report])?.ready == report.ready)
            #expect(RingReport.joined([report])?.isDrained == report.isDrained)
        }
        let report = report(7, ready: [3, 5]) {
            $0.partitionsDone = 2
            $0.partitionsLeft = 1
            $0.keysDone = 10
            $0.bytesDone = 100
            $0.bytesLeft = 50
            $0.bytesPerSecond = 5
            $0.recordsSkipped = 1
            $0.wait = .budget
        }
        #expect(RingReport.joined([report]) == report)
    }

    @Test("numbers are added up, and what is ready is in order of partition")
    func sums() {
        let low = report(7, ready: [3, 5]) {
            $0.partitionsDone = 2
            $0.partitionsLeft = 1
            $0.keysDone = 10
            $0.bytesDone = 100
            $0.bytesLeft = 50
            $0.bytesPerSecond = 5
        }
        let high = report(7, ready: [40]) {
            $0.partitionsDone = 1
            $0.keysDone = 7
            $0.bytesDone = 70
            $0.recordsSkipped = 2
        }
        let sum = report(7, ready: [3, 5, 40]) {
            $0.partitionsDone = 3
            $0.partitionsLeft = 1
            $0.keysDone = 17
            $0.bytesDone = 170
            $0.bytesLeft = 50
            $0.bytesPerSecond = 5
            $0.recordsSkipped = 2
        }
        #expect(RingReport.joined([low, high]) == sum)
        #expect(RingReport.joined([high, low]) == sum)
    }

    @Test("a node is drained when all of its shards are")
    func drained() {
        let done = report(7, isDrained: true)
        #expect(RingReport.joined([done, done])?.isDrained == true)
        #expect(RingReport.joined([done, report(7)])?.isDrained == false)
        // One that has not adopted the ring yet may still take something in by the one before.
        #expect(RingReport.joined([done, nil])?.isDrained == false)
        #expect(RingReport.joined([report(6, isDrained: true), done])?.isDrained == false)
    }

    @Test("what a shard said of an older ring counts as nothing done")
    func late() {
        let older = report(6, ready: [1]) { $0.partitionsDone = 1 }
        let newer = report(7, ready: [40]) { $0.partitionsDone = 1 }
        #expect(RingReport.joined([older, newer]) == newer)
        #expect(RingReport.joined([newer, nil]) == newer)
    }

    @Test("it waits only if all do that have anything left")
    func waits() {
        func wait(_ left: [(Int, TransferWait?)]) -> TransferWait? {
            let reports = left.map { count, wait in
                report(7) {
                    $0.partitionsLeft = count
                    $0.wait = wait
                }
            }
            return RingReport.joined(reports)?.progress.wait
        }
        #expect(wait([(3, .budget), (2, nil)]) == nil)
        #expect(wait([(3, .budget), (0, nil)]) == .budget)
        #expect(wait([(3, .adoption), (2, .storage)]) == .adoption)
        #expect(wait([(0, nil), (0, .held)]) == .held)
        #expect(wait([(2, nil), (0, .held)]) == nil)
    }
}
