import HengeBase
import HengeMessages

import struct NIOCore.ByteBuffer

/// A few threads for reads that may wait for the disk, so that the event loop never does.
///
/// The loads of one turn come in one go, a thread takes several of them, and what it has read goes
/// back in one go: a load is a few microseconds where the operating system has the blocks, and so
/// is each waking of another thread.
final class ReadPool: Sendable {
    /// For how long what was read is kept back while more is: long beside what it takes to wake the
    /// event loop, short beside what a client waits for.
    private static let patience = Interval.milliseconds(1)

    private let queue = Monitor(ReadQueue())
    private let threads = Monitor<[WorkerThread]>([])
    private let database: Database
    private let counters: StorageCounters
    private let failures: FailureLog
    private let deliver: @Sendable ([StorageCompletion]) -> Void
    private let threadCount: Int

    /// - Parameter threadCount: at least 1.
    init(
        _ database: Database,
        threadCount: Int,
        counters: StorageCounters,
        failures: FailureLog,
        deliver: @escaping @Sendable ([StorageCompletion]) -> Void
    ) {
        self.database = database
        self.threadCount = max(1, threadCount)
        self.counters = counters
        self.failures = failures
        self.deliver = deliver
    }

    func start() {
        threads.withLock { threads in
            threads = (0..<threadCount).map { _ in
                WorkerThread("henge-reader") { self.run() }
            }
        }
    }

    /// Takes all of them, in order, and leaves `loads` empty with capacity.
    func submit(_ loads: inout [ReadJob.Load]) {
        counters.pendingReads.count(loads.count)
        queue.withLock { $0.jobs.append(contentsOf: loads.lazy.map(ReadJob.load)) }
        for _ in 0..<min(loads.count, threadCount) { queue.signal() }
        loads.removeAll(keepingCapacity: true)
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

    private func submit(_ job: ReadJob) {
        counters.pendingReads.count()
        queue.withLock { $0.jobs.append(job) }
        queue.signal()
    }

    // MARK: The pool's threads

    private func run() {
        while true {
            switch queue.wait({ $0.next(threadCount: threadCount) }) {
            case .jobs(let jobs): carryOut(jobs)
            case .end: return
            }
        }
    }

    private func carryOut(_ jobs: [ReadJob]) {
        var completions: [StorageCompletion] = []
        var sent = Instant.monotonicNow()
        for job in jobs {
            if let completion = carryOut(job) { completions.append(completion) }
            counters.pendingReads.count(-1)
            let now = Instant.monotonicNow()
            guard now.since(sent) >= Self.patience, !completions.isEmpty else { continue }
            sent = now
            deliver(completions)
            completions.removeAll(keepingCapacity: true)
        }
        if !completions.isEmpty { deliver(completions) }
    }

    /// - Returns: nil for what says itself that it is done.
    private func carryOut(_ job: ReadJob) -> StorageCompletion? {
        switch job {
        case .load(let load):
            counters.pooledLoads.count()
            return .loaded(load.token, read(load.key))
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

    private func read(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> {
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
