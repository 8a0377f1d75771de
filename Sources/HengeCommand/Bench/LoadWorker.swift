import HengeBase
import NIOCore

/// One event loop's share of a load. Used on that loop alone.
final class LoadWorker {
    let eventLoop: any EventLoop
    private let share: Int
    private let shares: Int
    private let writer: RequestWriter
    private let repliesToWrite: UInt8
    private let replicasAwaited: Int?
    private var generator: SeededGenerator
    private var clients: [LoadClient] = []
    private var running: RunningPhase?
    /// Those with something to send, while it is gathered: with ten thousand connections to look at
    /// all of them for each reply would be all that the worker does.
    private var unflushed: [LoadClient] = []
    /// Why the last connection went, if none is left.
    private var loss: String?
    private var ended: LoadResult?

    init(plan: LoadPlan, share: Int, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.share = share
        shares = plan.threads
        writer = RequestWriter(
            valueBytes: plan.valueBytes,
            afterWrite: plan.afterWrite,
            seed: plan.seed
        )
        repliesToWrite = plan.afterWrite.isEmpty ? 1 : 2
        replicasAwaited = plan.replicasAwaited
        var seeds = SeededGenerator(seed: plan.seed)
        var generator = seeds
        for _ in 0...share { generator = seeds.split() }
        self.generator = generator
    }

    func add(_ client: LoadClient) {
        clients.append(client)
    }

    // MARK: Phases

    /// Starts a phase; the result comes when its last operation is answered.
    func run(_ phase: LoadPhase) -> EventLoopFuture<LoadResult> {
        eventLoop.preconditionInEventLoop()
        precondition(running == nil, "one phase at a time")
        let now = NIODeadline.now().uptimeNanoseconds
        let running = RunningPhase(
            phase,
            share: share,
            shares: shares,
            generator: generator.split(),
            now: now,
            promise: eventLoop.makePromise()
        )
        self.running = running
        if clients.isEmpty {
            finish(running, now: now)
        } else if running.schedule != nil {
            pump(running, now: now)
        } else {
            for client in clients { refill(client, running, now: now) }
            finishIfDone(running, now: now)
        }
        return running.promise.futureResult
    }

    /// How far the phase is, or how far it came: operations that succeeded and that failed.
    var progress: (operations: Int, errors: Int) {
        guard let result = running?.result ?? ended else { return (0, 0) }
        return (result.operations, result.errors.count)
    }

    /// Ends the phase now: operations without an answer count as errors, and the connections close.
    func abort(_ reason: String) {
        eventLoop.preconditionInEventLoop()
        let open = clients
        // First: a connection that closes would turn to the clients that are left.
        clients = []
        let unanswered = open.reduce(0) { $0 + $1.discard() }
        loss = reason
        if let running {
            running.result.errors.record(code: "NOANSWER", text: reason, count: unanswered)
            finish(running, now: NIODeadline.now().uptimeNanoseconds)
        }
    }

    // MARK: From connections

    /// What arrived on a connection has been taken: sends on it what there is to send.
    func proceed(_ client: LoadClient, now: UInt64) {
        guard let running else { return }
        if running.schedule != nil {
            pump(running, now: now)
        } else {
            refill(client, running, now: now)
            finishIfDone(running, now: now)
        }
    }

    /// What is wrong with a reply to the request behind a write: too few replicas have it.
    func shortfall(_ reply: ReplyScanner.Reply, to operation: InFlight) -> [UInt8]? {
        guard let replicasAwaited, operation.isWrite, operation.repliesLeft == 1,
            reply.type == UInt8(ascii: ":"), reply.number < replicasAwaited
        else { return nil }
        return Array("WAIT reported \(reply.number) replicas of \(replicasAwaited)".utf8)
    }

    func record(error: [UInt8]) {
        running?.result.errors.record(error)
    }

    func record(_ operation: InFlight, now: UInt64) {
        guard let running else { return }
        running.inFlight -= 1
        guard !operation.hasFailed else { return }
        running.result.operations += 1
        if operation.isMiss { running.result.misses += 1 }
        // A schedule may be a moment ahead of the clock reading that the reply came with.
        let latency = now > operation.since ? now - operation.since : 0
        running.result.latencies.record(nanoseconds: latency, isWrite: operation.isWrite)
    }

    /// A client without one of its connections is of no more use.
    func lost(_ client: LoadClient, reason: String) {
        guard let index = clients.firstIndex(where: { $0 === client }) else { return }
        clients.remove(at: index)
        let operations = client.discard()
        if clients.isEmpty { loss = reason }
        guard let running else { return }
        running.inFlight -= operations
        running.result.errors.record(code: "DISCONNECTED", text: reason, count: operations)
        let now = NIODeadline.now().uptimeNanoseconds
        if clients.isEmpty {
            finish(running, now: now)
        } else {
            proceed(clients[index % clients.count], now: now)
        }
    }

    // MARK: Sending

    /// Closed loop: a whole batch once the last is answered.
    private func refill(_ client: LoadClient, _ running: RunningPhase, now: UInt64) {
        guard client.operationsInFlight == 0, now < running.deadline else { return }
        let count = min(running.pipeline, running.quota)
        for _ in 0..<count { issue(to: client, running, since: now) }
        client.flush()
    }

    /// Open loop: what is due, wherever there is room.
    private func pump(_ running: RunningPhase, now: UInt64) {
        guard let schedule = running.schedule else { return }
        let scheduled = schedule.count(until: min(now, running.deadline))
        var due = min(scheduled - running.issued, running.quota)
        var busy = 0
        while due > 0, busy < clients.count {
            running.turn = running.turn + 1 < clients.count ? running.turn + 1 : 0
            let client = clients[running.turn]
            guard client.operationsInFlight < running.pipeline else {
                busy += 1
                continue
            }
            busy = 0
            issue(to: client, running, since: schedule.due(running.issued))
            unflushed.append(client)
            due -= 1
        }
        for client in unflushed { client.flush() }
        unflushed.removeAll(keepingCapacity: true)
        if now >= running.deadline { abandonUnsent(running, schedule, due: due) }
        finishIfDone(running, now: now)
        if self.running === running { arm(running, schedule, now: now) }
    }

    private func issue(to client: LoadClient, _ running: RunningPhase, since: UInt64) {
        let operation = running.sequence.next()
        client.connection(for: operation, writer).append(
            operation,
            since: since,
            writer: writer,
            repliesToWrite: repliesToWrite
        )
        running.issued += 1
        running.quota -= 1
        running.inFlight += 1
    }

    /// The time is up: what was due and found no connection has waited until now at least.
    private func abandonUnsent(_ running: RunningPhase, _ schedule: ArrivalSchedule, due: Int) {
        guard running.quota > 0 else { return }
        running.quota = 0
        running.result.unsent = due
        for index in running.issued..<(running.issued + due) {
            running.result.latencies.record(
                nanoseconds: running.deadline - schedule.due(index),
                isWrite: running.sequence.next().isWrite
            )
        }
    }

    /// Wakes up when the next operation is due, or the time is up.
    private func arm(_ running: RunningPhase, _ schedule: ArrivalSchedule, now: UInt64) {
        guard !running.isArmed, running.quota > 0 else { return }
        running.isArmed = true
        let next = min(schedule.due(running.issued), running.deadline)
        let wake = max(next, now + RunningPhase.wakeNanosecondsMin)
        let worker = NIOLoopBound(self, eventLoop: eventLoop)
        let bound = NIOLoopBound(running, eventLoop: eventLoop)
        eventLoop.scheduleTask(deadline: .uptimeNanoseconds(wake)) {
            bound.value.isArmed = false
            let worker = worker.value
            guard worker.running === bound.value else { return }
            worker.pump(bound.value, now: NIODeadline.now().uptimeNanoseconds)
        }
    }

    // MARK: Ending

    private func finishIfDone(_ running: RunningPhase, now: UInt64) {
        guard running.inFlight == 0 else { return }
        if running.quota == 0 || running.schedule == nil && now >= running.deadline {
            finish(running, now: now)
        }
    }

    private func finish(_ running: RunningPhase, now: UInt64) {
        running.result.endedAt = now
        running.result.loss = loss
        ended = running.result
        self.running = nil
        running.promise.succeed(running.result)
    }
}
