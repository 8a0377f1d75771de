import HengeBase
package import HengeMessages
package import HengeNode

/// One request of a client, from when it reached a node.
package struct Operation {
    package enum State {
        case waiting
        case answered
        /// Its node died first: it may have taken effect.
        case lost
    }

    package let number: Int
    /// nil for those of the checkers themselves.
    package let client: Int?
    let node: Int
    let process: Int
    /// The checkers' number of its key; nil for scans and counts.
    package let key: Int?
    package let request: ClientRequest?
    let start: Instant
    let timeout: Interval
    let isCalm: Bool
    /// How long its node had stood still in all when it began.
    let pausedBefore: Interval
    /// What replicas were known to hold when it began; nil for scans and counts.
    let before: KnownWrites?
    package var state = State.waiting
    package var reply: ShardReply?
}

/// Checks that every request is answered once, in time, and, when the answer says so, that nothing
/// was written; and that reads see what was acknowledged before them.
struct OperationLog {
    private(set) var operations: [Operation] = []
    /// The number of the first operation kept.
    private var first = 0
    private let replicas: Int
    /// By key.
    private(set) var known: [KnownWrites] = []
    /// By operation: the write that it made, where the value tells.
    private var madeBy: [Int: Int] = [:]

    init(replicas: Int) {
        self.replicas = replicas
    }

    var nextNumber: Int { first + operations.count }
    var waiting: [Operation] { operations.filter { $0.state == .waiting } }

    subscript(number: Int) -> Operation { operations[number - first] }

    mutating func follow(key: Int) {
        known.append(KnownWrites(replicas: replicas))
        invariant(known.count == key + 1)
    }

    /// Forgets the operations of the round before.
    mutating func beginRound() {
        first = nextNumber
        operations.removeAll()
        madeBy.removeAll()
        for key in known.indices { known[key] = KnownWrites(replicas: 0) }
    }

    mutating func begin(_ operation: Operation) {
        invariant(operation.number == nextNumber)
        operations.append(operation)
    }

    /// The node is gone; its clients will not be answered. Returns the operations concerned.
    mutating func lose(node: Int, process: Int) -> [Operation] {
        var lost: [Operation] = []
        for index in operations.indices
        where operations[index].state == .waiting && operations[index].node == node
            && operations[index].process == process
        {
            operations[index].state = .lost
            lost.append(operations[index])
        }
        return lost
    }

    mutating func answer(
        _ number: Int,
        _ reply: ShardReply,
        from node: Int,
        at now: Instant,
        paused: Interval
    ) throws(Violation) {
        guard number >= first, number < nextNumber else {
            throw Violation(.oneAnswer, "operation \(number) of an earlier round was answered")
        }
        let operation = operations[number - first]
        guard operation.node == node, operation.state == .waiting else {
            throw Violation(.oneAnswer, "operation \(number) was answered twice")
        }
        try checkTime(of: operation, at: now, paused: paused, "answered")
        operations[number - first].state = .answered
        operations[number - first].reply = reply
        if reply.saysNothingWritten, madeBy[number] != nil {
            throw Violation(.nothingWritten, "operation \(number) wrote, and was told \(reply)")
        }
    }

    /// A write with the value of this operation has been seen.
    mutating func made(_ write: Int, by number: Int) throws(Violation) {
        madeBy[number] = write
        guard number >= first, number < nextNumber else { return }
        if let reply = operations[number - first].reply, reply.saysNothingWritten {
            throw Violation(.nothingWritten, "operation \(number) was told \(reply), and writes")
        }
    }

    func write(madeBy number: Int) -> Int? { madeBy[number] }

    /// So many replicas have acknowledged a write that had seen `known`, itself included.
    mutating func acknowledge(_ known: WriteSet, replacing: WriteSet, of key: Int, by level: Int) {
        self.known[key].acknowledge(known, replacing: replacing, by: level)
    }

    /// So many nodes have acknowledged a sloppy write that had seen `known`, itself included.
    mutating func hold(_ known: WriteSet, of key: Int, by level: Int) {
        self.known[key].hold(known, by: level)
    }

    /// A read of so many replicas, which now hold what it found, has shown this.
    mutating func show(_ writes: WriteSet, of key: Int, by level: Int) {
        known[key].show(writes, by: level)
    }

    /// What must survive when at most `losers` replicas have lost records.
    func mustSurvive(_ key: Int, losers: Int) -> WriteSet {
        guard losers < replicas else { return WriteSet() }
        return known[key].acknowledged[losers].union(known[key].shown[losers])
            .union(known[key].held[losers])
    }

    /// Every request whose node lives has been answered in time.
    ///
    /// - Parameter paused: by node, how long it has stood still in all.
    func checkNoneLate(at now: Instant, paused: [Interval]) throws(Violation) {
        for operation in operations where operation.state == .waiting {
            try checkTime(of: operation, at: now, paused: paused[operation.node], "not answered")
        }
    }

    private func checkTime(
        of operation: Operation,
        at now: Instant,
        paused: Interval,
        _ what: String
    ) throws(Violation) {
        // Deadlines are noticed by ticks, and measured on clocks that may run slow.
        let slack = Interval(
            nanoseconds: 3 * Shard.tickInterval.nanoseconds + operation.timeout.nanoseconds / 500
        )
        // A node that stands still answers nobody, and counts from when it goes on.
        let still = Interval(nanoseconds: paused.nanoseconds - operation.pausedBefore.nanoseconds)
        let latest = operation.start + operation.timeout + slack + still
        guard now > latest else { return }
        throw Violation(
            .oneAnswer,
            "operation \(operation.number), begun at \(operation.start.nanoseconds) with "
                + "\(operation.timeout.milliseconds) ms, is \(what) at \(now.nanoseconds)"
        )
    }
}

extension ShardReply {
    /// Whether the client may take it that nothing was written.
    var saysNothingWritten: Bool {
        guard let response else { return false }
        switch response {
        case .notApplied: return true
        case .failed(.unavailable), .failed(.overloaded), .failed(.conflict), .failed(.tooLarge):
            return true
        case .failed(.timedOut), .failed(.storage), .failed(.clockDrift), .object, .written,
            .inspected:
            return false
        }
    }
}
