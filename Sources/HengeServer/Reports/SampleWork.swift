import HengeBase
package import HengeMessages
package import HengeRing
import HengeStorage
import NIOCore

extension NodeDriver {
    /// Reads a sample of this node's records: each shard those of its own partitions, all at the
    /// same time.
    func sample(
        _ spans: [SampleSpan],
        within patience: Interval,
        _ done: @escaping (RecordSample) -> Void
    ) {
        let shards = ShardSlice.split(spans, count: slice.count, partitions: ring.partitions)
        guard shards.count > 1 else {
            return SampleWork(spans, for: self, within: patience, done: done).goOn()
        }
        let samples = zip(group.drivers, shards).map { driver, spans in
            let promise = driver.eventLoop.makePromise(of: RecordSample.self)
            driver.eventLoop.execute {
                SampleWork(spans, for: driver.value, within: patience) { promise.succeed($0) }
                    .goOn()
            }
            return promise.futureResult
        }
        let bound = NIOLoopBound(done, eventLoop: eventLoop)
        EventLoopFuture.whenAllSucceed(samples, on: eventLoop).whenSuccess { samples in
            bound.value(samples.reduce(into: RecordSample()) { $0.add($1) })
        }
    }
}

extension ShardSlice {
    /// By shard: which of these it is to read.
    package static func split(
        _ spans: [SampleSpan],
        count: Int,
        partitions: Int
    ) -> [[SampleSpan]] {
        (0..<count).map { index in
            let own = ShardSlice(index: index, count: count).partitions(of: partitions)
            return spans.filter { own.contains($0.partition) }
        }
    }
}

/// Reads a sample of a shard's records, page by page, as the background's budget allows.
///
/// Confined to the driver's event loop.
final class SampleWork {
    /// How long to wait before the budget is asked again: it forgets who has not for some 100 ms.
    private static let pause = TimeAmount.milliseconds(10)
    /// While requests come, of clients or of other nodes, reading rests for so many times as long
    /// as a page took: the processors and the disk are theirs, too.
    private static let restPerPage: UInt64 = 49
    private static let restMax = Interval.milliseconds(50)

    private let driver: NodeDriver
    private var sampling: RecordSampling
    /// When what was read so far has to do.
    private let deadline: Instant
    private let done: (RecordSample) -> Void

    init(
        _ spans: [SampleSpan],
        for driver: NodeDriver,
        within patience: Interval,
        done: @escaping (RecordSample) -> Void
    ) {
        self.driver = driver
        self.done = done
        deadline = driver.now + patience
        sampling = RecordSampling(
            spans,
            ring: driver.ring,
            starts: spans.map { _ in .random(in: .min ... .max) }
        )
    }

    func goOn() {
        guard !sampling.isDone, driver.now < deadline, driver.phase != .stopping else {
            return done(sampling.sample)
        }
        let work = NIOLoopBound(self, eventLoop: driver.eventLoop)
        guard driver.mayReadForReports() else {
            driver.eventLoop.scheduleTask(in: Self.pause) { work.value.goOn() }
            return
        }
        let loop = driver.eventLoop
        let began = SystemClock.now()
        driver.storage.read(sampling) { result in
            let lasted = SystemClock.now().since(began)
            loop.execute { work.value.took(result, after: lasted) }
        }
    }

    private func took(
        _ result: Result<RecordSampling, StorageFailure>,
        after lasted: Interval
    ) {
        switch result {
        case .success(let sampling):
            self.sampling = sampling
            driver.hasReadForReports(bytes: sampling.pageBytes)
            rest(after: lasted)
        case .failure:
            // What was read is still true; that it is less than was asked for shows by its number.
            done(sampling.sample)
        }
    }

    private func rest(after lasted: Interval) {
        guard !sampling.isDone, driver.isServing else { return goOn() }
        let rest = min(Self.restMax.nanoseconds, lasted.nanoseconds * Self.restPerPage)
        let work = NIOLoopBound(self, eventLoop: driver.eventLoop)
        driver.eventLoop.scheduleTask(in: .nanoseconds(Int64(rest))) { work.value.goOn() }
    }
}
