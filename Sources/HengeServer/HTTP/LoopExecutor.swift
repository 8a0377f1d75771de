package import NIOCore
import Synchronization

/// Runs tasks on the event loop that wakes them, so that a request goes on where its bytes come
/// instead of being handed to another thread and back: on a machine with few cores each such
/// hand-over costs as much as the request's own work.
///
/// A task that is woken from elsewhere goes on on the first of the loops. What takes long holds up
/// the loop's connections, and belongs on `globalConcurrentExecutor` (``LongWorkMiddleware``).
package final class LoopExecutor: TaskExecutor {
    private let loops: [any EventLoop]
    private let isRetired = Atomic(false)

    package init(_ group: any EventLoopGroup) {
        loops = Array(group.makeIterator())
    }

    /// Leaves the loops to their end: what still runs goes on elsewhere.
    package func retire() {
        isRetired.store(true, ordering: .releasing)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isRetired.load(ordering: .acquiring) {
            return globalConcurrentExecutor.enqueue(ExecutorJob(job))
        }
        let home = loops.first { $0.inEventLoop } ?? loops[0]
        home.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
