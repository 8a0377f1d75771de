import HengeBase
import HengeMessages

import struct NIOCore.ByteBuffer

/// A few threads for reads that may wait for the disk, so that the event loop never does.
final class ReadPool: Sendable {
    private enum Job: Sendable {
        case load(StoredKey, StorageToken)
        case scan(ScanRange, StorageToken)
        case list(ListRange, StorageToken)
        case hints(NodeID, after: UInt64, limit: Int, StorageToken)
        case sample(RecordSampling, @Sendable (Result<RecordSampling, StorageFailure>) -> Void)
    }

    /// First in, first out; a worker takes from the front, and what was taken is dropped in bulk.
    private struct Queue {
        var jobs: [Job?] = []
        var head = 0
        var isClosing = false

        mutating func next() -> Job? {
            guard head < jobs.count else { return nil }
            let job = jobs[head]
            jobs[head] = nil
            head += 1
            if head == jobs.count {
                jobs.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 1_024, 2 * head >= jobs.count {
                jobs.removeFirst(head)
                head = 0
            }
            return job
        }
    }

    private let queue = Monitor(Queue())
    private let threads = Monitor<[WorkerThread]>([])
    private let database: Database
    private let counters: StorageCounters
    private let failures: FailureLog
    private let deliver: @Sendable ([StorageCompletion]) -> Void

    init(
        _ database: Database,
        counters: StorageCounters,
        failures: FailureLog,
        deliver: @escaping @Sendable ([StorageCompletion]) -> Void
    ) {
        self.database = database
        self.counters = counters
        self.failures = failures
        self.deliver = deliver
    }

    func start(threadCount: Int) {
        threads.withLock { threads in
            threads = (0..<max(1, threadCount)).map { _ in
                WorkerThread("henge-reader") { self.run() }
            }
        }
    }

    func load(_ key: StoredKey, _ token: StorageToken) {
        submit(.load(key, token))
    }

    func scan(_ range: ScanRange, _ token: StorageToken) {
        submit(.scan(range, token))
    }

    func list(_ range: ListRange, _ token: StorageToken) {
        submit(.list(range, token))
    }

    func loadHints(_ target: NodeID, after: UInt64, limit: Int, _ token: StorageToken) {
        submit(.hints(target, after: after, limit: limit, token))
    }

    /// Reads the next page.
    func sample(
        _ sampling: RecordSampling,
        _ done: @escaping @Sendable (Result<RecordSampling, StorageFailure>) -> Void
    ) {
        submit(.sample(sampling, done))
    }

    /// Carries out what was submitted, then ends the threads.
    func stop() {
        queue.withLock { $0.isClosing = true }
        queue.broadcast()
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.join() }
    }

    private func submit(_ job: Job) {
        counters.pendingReads.count()
        queue.withLock { $0.jobs.append(job) }
        queue.signal()
    }

    // MARK: The pool's threads

    private func run() {
        // A double optional: the outer says that there is an answer, the inner that there is a job.
        while let job = queue.wait({ queue -> Job?? in
            if let job = queue.next() { return .some(job) }
            return queue.isClosing ? .some(nil) : nil
        }) {
            let completion = carryOut(job)
            counters.pendingReads.count(-1)
            if let completion { deliver([completion]) }
        }
    }

    /// - Returns: nil for what says itself that it is done.
    private func carryOut(_ job: Job) -> StorageCompletion? {
        switch job {
        case .load(let key, let token):
            counters.pooledLoads.count()
            return .loaded(token, load(key))
        case .scan(let range, let token):
            counters.scans.count()
            var scan = RangeScan(range)
            switch scan.run(on: database) {
            case .success(let page): return .scanned(token, .success(page))
            case .failure(let error):
                fail(error, during: "scan")
                return .scanned(token, .failure(error.failure))
            }
        case .list(let range, let token):
            counters.lists.count()
            return .listed(token, list(RangeList(range)))
        case .hints(let target, let after, let limit, let token):
            counters.hintPagesRead.count()
            return .hintsLoaded(token, hints(HintScan(target, after: after, limit: limit)))
        case .sample(let sampling, let done):
            done(sample(sampling))
            return nil
        }
    }

    private func sample(_ last: RecordSampling) -> Result<RecordSampling, StorageFailure> {
        var sampling = last
        guard let error = sampling.readPage(of: database) else { return .success(sampling) }
        fail(error, during: "sampling records")
        return .failure(error.failure)
    }

    private func load(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> {
        switch database.read(key) {
        case .found(let object):
            counters.readBytes.count(object.readableBytes)
            return .success(object)
        case .absent:
            return .success(nil)
        case .incomplete:
            // Only reads limited to the cache may end so.
            fail(EngineError(.io, "an unlimited read was incomplete"), during: "load")
            return .failure(.io)
        case .failed(let error):
            fail(error, during: "load")
            return .failure(error.failure)
        }
    }

    private func list(_ wanted: RangeList) -> Result<ListPage, StorageFailure> {
        var list = wanted
        let result = list.run(on: database)
        switch result {
        case .success(let page):
            let lost = page.rotten.count + page.unreadable.count
            if lost > 0 {
                let error = EngineError(
                    .corrupt,
                    "\(page.rotten.count) records and \(page.unreadable.count) stretches of tokens"
                        + " can't be read"
                )
                fail(error, during: "listing records", operations: lost)
            }
        case .failure(let error): fail(error, during: "listing records")
        }
        return result.mapError(\.failure)
    }

    private func hints(_ wanted: HintScan) -> Result<[Hint], StorageFailure> {
        var scan = wanted
        let result = scan.run(on: database)
        for _ in 0..<scan.rottenCount {
            fail(EngineError(.corrupt, "a hint can't be read"), during: "reading hints")
        }
        if case .failure(let error) = result { fail(error, during: "reading hints") }
        return result.mapError(\.failure)
    }

    private func fail(_ error: EngineError, during action: String, operations: Int = 1) {
        counters.countFailure(error.failure, operations: operations)
        failures.record(error, during: action, operations: operations)
    }
}
