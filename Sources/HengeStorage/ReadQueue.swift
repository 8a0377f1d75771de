package import DequeModule
package import HengeBase
package import HengeMessages

/// What a thread of the pool is to read.
package enum ReadJob: Sendable {
    package struct Load: Sendable {
        package let key: StoredKey
        package let token: StorageToken

        package init(key: StoredKey, token: StorageToken) {
            self.key = key
            self.token = token
        }
    }

    case load(Load)
    case scan(ScanRange, StorageToken)
    case list(ListRange, StorageToken)
    case hints(NodeID, after: UInt64, limit: Int, StorageToken)
    case sample(RecordSampling, @Sendable (Result<RecordSampling, StorageFailure>) -> Void)
}

/// What waits for a thread, first in first out.
package struct ReadQueue: Sendable {
    package enum Work {
        /// One, or several loads.
        case jobs([ReadJob])
        /// There is nothing any more, and nothing will come.
        case end
    }

    /// Threads answer all that they took at about the same time, and the first of these should not
    /// wait for many others.
    package static let loadsTogetherMax = 16

    package var jobs: Deque<ReadJob> = []
    package var isClosing = false

    package init() {}

    /// The first job and, where that is a load, the loads right behind it, up to one thread's share
    /// of all that waits: what another thread could read meanwhile is left to it.
    ///
    /// - Returns: nil when there is nothing yet.
    package mutating func next(threadCount: Int) -> Work? {
        let share = min((jobs.count + threadCount - 1) / threadCount, Self.loadsTogetherMax)
        guard let first = jobs.popFirst() else { return isClosing ? .end : nil }
        var together = [first]
        guard case .load = first else { return .jobs(together) }
        while together.count < share, case .load? = jobs.first {
            together.append(jobs.removeFirst())
        }
        return .jobs(together)
    }
}
