import Synchronization

/// Calls that take long, and those that can't go on beside them.
final class LongCalls: Sendable {
    private let lock = SharedLock()
    private let running = Atomic<Int>(0)
    private let waiting = Atomic<Int>(0)

    /// Makes a long call, but for when others wait for there to be none.
    func run(_ body: () -> Void) {
        lock.withShared {
            // Either this sees who waits, or who waits sees this.
            running.add(1, ordering: .sequentiallyConsistent)
            if waiting.load(ordering: .sequentiallyConsistent) == 0 { body() }
            running.subtract(1, ordering: .sequentiallyConsistent)
        }
    }

    /// Carries `body` out once there is no long call any more.
    ///
    /// - Parameter ending: has those that run end early; only called if any does.
    func keepingOut<R>(_ body: () -> R, ending end: () -> Void) -> R {
        waiting.add(1, ordering: .sequentiallyConsistent)
        defer { waiting.subtract(1, ordering: .sequentiallyConsistent) }
        if running.load(ordering: .sequentiallyConsistent) > 0 { end() }
        return lock.withExclusive(body)
    }
}
