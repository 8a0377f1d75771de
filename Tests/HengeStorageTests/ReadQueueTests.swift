import HengeMessages
import HengeStorage
import Testing

@Suite("What threads take of the reads that wait")
struct ReadQueueTests {
    private func queue(_ jobs: [ReadJob]) -> ReadQueue {
        var queue = ReadQueue()
        queue.jobs.append(contentsOf: jobs)
        return queue
    }

    private func load(_ number: UInt64) -> ReadJob {
        .load(.init(key: TestObjects.key("k\(number)"), token: StorageToken(rawValue: number)))
    }

    private func scan(_ number: UInt64) -> ReadJob {
        .list(ListRange(from: .min, through: .max, kind: .versions), StorageToken(rawValue: number))
    }

    /// The tokens of what threads take one after the other, until there is nothing.
    private func taken(_ jobs: [ReadJob], threadCount: Int) -> [[UInt64]] {
        var queue = queue(jobs)
        var taken: [[UInt64]] = []
        while case .jobs(let jobs)? = queue.next(threadCount: threadCount) {
            taken.append(
                jobs.map { job in
                    switch job {
                    case .load(let load): load.token.rawValue
                    case .list(_, let token): token.rawValue
                    default: 0
                    }
                }
            )
        }
        return taken
    }

    @Test("each thread takes its share of the loads that wait, in order")
    func shares() {
        #expect(taken((1...4).map(load), threadCount: 2) == [[1, 2], [3], [4]])
        #expect(taken((1...3).map(load), threadCount: 2) == [[1, 2], [3]])
        #expect(taken((1...3).map(load), threadCount: 4) == [[1], [2], [3]])
        #expect(taken([load(1)], threadCount: 2) == [[1]])
    }

    @Test("nobody takes more than the bound, however many wait")
    func bound() {
        let most = taken((1...1_000).map(load), threadCount: 2).map(\.count).max()
        #expect(most == ReadQueue.loadsTogetherMax)
        let alone = taken((1...1_000).map(load), threadCount: 1)
        #expect(alone.flatMap(\.self) == Array(1...1_000))
    }

    @Test("what isn't a load is taken alone, in its turn")
    func others() {
        let jobs = [load(1), scan(2), load(3), load(4), scan(5), scan(6)]
        #expect(taken(jobs, threadCount: 1) == [[1], [2], [3, 4], [5], [6]])
    }

    @Test("a queue that closes ends when nothing waits any more")
    func end() {
        var queue = queue([load(1)])
        queue.isClosing = true
        guard case .jobs? = queue.next(threadCount: 1) else {
            Issue.record("the load was forgotten")
            return
        }
        guard case .end? = queue.next(threadCount: 1) else {
            Issue.record("no end")
            return
        }
        queue.isClosing = false
        if case .some = queue.next(threadCount: 1) { Issue.record("nothing waits, nothing ends") }
    }
}
