/// An operation that was sent and isn't answered.
struct InFlight {
    /// When it was sent, or in an open loop was due; uptime nanoseconds.
    var since: UInt64
    var isWrite: Bool
    /// Two for a write with a request behind it.
    var repliesLeft: UInt8
    var hasFailed = false
    var isMiss = false
}

/// The operations in flight on a connection, in the order of their answers; of a fixed capacity.
struct InFlightQueue {
    private var slots: [InFlight]
    private var head = 0
    private(set) var count = 0

    init(capacity: Int) {
        precondition(capacity >= 1)
        let free = InFlight(since: 0, isWrite: false, repliesLeft: 0)
        slots = Array(repeating: free, count: capacity)
    }

    var isEmpty: Bool { count == 0 }
    var capacity: Int { slots.count }
    var free: Int { slots.count - count }

    mutating func append(_ operation: InFlight) {
        precondition(count < slots.count, "the queue is full")
        var index = head + count
        if index >= slots.count { index -= slots.count }
        slots[index] = operation
        count += 1
    }

    /// Changes the oldest. The queue isn't empty.
    mutating func withFirst(_ body: (inout InFlight) -> Void) {
        precondition(count > 0, "the queue is empty")
        body(&slots[head])
    }

    var first: InFlight? { count > 0 ? slots[head] : nil }

    mutating func removeFirst() {
        precondition(count > 0, "the queue is empty")
        head = head + 1 == slots.count ? 0 : head + 1
        count -= 1
    }

    mutating func removeAll() {
        count = 0
    }
}
