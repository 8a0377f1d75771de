import NIOConcurrencyHelpers

/// How many clients are connected to a node, of all its shards.
final class ConnectionCount: Sendable {
    private let limit: Int
    private let count = NIOLockedValueBox(0)

    init(limit: Int) { self.limit = limit }

    /// Counts one more, unless there are as many as there may be.
    func add() -> Bool {
        count.withLockedValue { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func remove() {
        count.withLockedValue { $0 -= 1 }
    }
}
