package import HengeBase
import HengeCausality
package import HengeMessages
import HengeNode
import HengeRing

import struct NIOCore.ByteBuffer

/// Clients' requests, and what their answers must show.
extension Simulation {
    /// The key of this name in the bucket of this round.
    package func key(_ name: String) -> StoredKey {
        StoredKey(bucket: bucket, key: ByteBuffer(string: name))
    }

    var bucket: ByteBuffer { ByteBuffer(string: "r\(round)") }

    /// Has the checkers watch a key, and returns their number for it.
    package func follow(_ key: StoredKey) -> Int {
        let number = causal.follow(key)
        log.follow(key: number)
        return number
    }

    /// How many replicas have lost records of a key.
    package func losers(of key: Int) -> Int { causal.losers[key].nonzeroBitCount }

    /// How long clients wait.
    package var requestTimeout: Interval { isCalm ? .seconds(10) : options.timeout }

    // MARK: Issuing

    func wake(_ client: SimulatedClient) {
        guard client.remaining > 0, client.operation == nil else { return }
        client.remaining -= 1
        let up = nodes.filter { $0.process.map { !$0.isStopping } ?? false }
        guard !up.isEmpty else { return sleep(client, afterFailure: true) }
        let node = up[client.dice.below(up.count)]
        let action = workloads[client.workload].next(client, number: log.nextNumber, in: self)
        client.operation = log.nextNumber
        submit(action, at: node, client: client.index)
    }

    private func sleep(_ client: SimulatedClient, afterFailure: Bool = false) {
        // One that was refused at once comes back later, or a short fault would use up all
        // requests.
        let usual = afterFailure ? max(options.think, .milliseconds(20)) : options.think
        schedule(.wake(client: client.index), after: delay(usual, &loadDice))
    }

    /// Hands a request to a node; returns its number.
    @discardableResult
    func submit(_ action: ClientAction, at node: SimulatedNode, client: Int?) -> Int {
        let number = log.nextNumber
        var key: Int?
        var timeout = requestTimeout
        var request: ClientRequest?
        let ticket = Ticket(rawValue: UInt64(number))
        let input: ShardInput
        switch action {
        case .request(let wanted, let followed):
            key = followed
            timeout = wanted.timeout
            request = wanted
            input = .request(ticket, wanted)
        case .scan(let limit):
            input = .scan(ticket, scanRange(limit: limit), timeout: timeout)
        case .count:
            input = .count(ticket, timeout: timeout)
        }
        begin(number, key, request, timeout, at: node, client)
        step(node, input)
        return number
    }

    func begin(
        _ number: Int,
        _ key: Int?,
        _ request: ClientRequest?,
        _ timeout: Interval,
        at node: SimulatedNode,
        _ client: Int?
    ) {
        counts.operations += 1
        log.begin(
            Operation(
                number: number,
                client: client,
                node: node.index,
                process: node.process?.number ?? 0,
                key: key,
                request: request,
                start: now,
                timeout: timeout,
                isCalm: isCalm,
                heldBefore: key.map { log.held($0) } ?? []
            )
        )
    }

    func scanRange(from: Token = .min, limit: Int) -> ScanRange {
        ScanRange(
            from: from,
            through: .max,
            bucket: bucket,
            limit: limit,
            examinedMax: 3 * limit,
            wall: WallTime(milliseconds: 0)
        )
    }

    // MARK: Answers

    func answer(_ number: Int, _ reply: ShardReply, from node: SimulatedNode) throws(Violation) {
        try log.answer(number, reply, from: node.index, at: now)
        counts.answers += 1
        let operation = log[number]
        if operation.isCalm { try checkCalm(operation, reply) }
        if let key = operation.key, case .response(let response) = reply {
            try check(response, to: operation, key, from: node)
        }
        guard let index = operation.client else {
            ownReplies[number] = reply
            return
        }
        let client = clients[index]
        client.operation = nil
        workloads[client.workload].answered(client, operation, reply)
        var hasFailed = false
        if case .response(.failed) = reply { hasFailed = true }
        sleep(client, afterFailure: hasFailed)
    }

    private func check(
        _ response: ClientResponse,
        to operation: Operation,
        _ key: Int,
        from node: SimulatedNode
    ) throws(Violation) {
        guard let request = operation.request else { return }
        switch response {
        case .object(let object):
            let level = request.levels.read.required(of: ring.replicas)
            var known = WriteSet()
            if let object { known = try causal.shown(object, of: key, by: node.index) }
            // What the last reads must show is a promise of its own, checked after them.
            if operation.client != nil { try checkFresh(known, operation, request, key) }
            if repair == .blocking { log.hold(known, of: key, level: level) }
        case .written(let context, _):
            let write = try causal.answered(context, of: key)
            let known = causal.histories[key].writes[write].known
            if case .write(let mutation) = request.operation, mutation.readsFirst {
                try checkFresh(known, operation, request, key)
            }
            log.hold(known, of: key, level: request.levels.write.required(of: ring.replicas))
        case .inspected(let reports):
            for report in reports {
                guard case .present(let object) = report.state else { continue }
                _ = try causal.shown(object, of: key, by: node.index)
            }
        case .failed(let failure):
            counts.failures += 1
            try checkHonest(failure, operation, key)
        case .notApplied: break
        }
    }

    /// As many replicas as a failed write's answer says hold it, or more.
    private func checkHonest(
        _ failure: RequestFailure,
        _ operation: Operation,
        _ key: Int
    ) throws(Violation) {
        let received: Int
        let required: Int
        switch failure {
        case .timedOut(let needed, let count), .storage(_, let needed, let count),
            .clockDrift(let needed, let count):
            (required, received) = (needed, count)
        case .unavailable(let needed, let alive): (required, received) = (needed, alive)
        case .overloaded, .conflict, .tooLarge: return
        }
        guard received < required, required <= ring.replicas else {
            throw Violation(.honestFailures, "operation \(operation.number) failed with \(failure)")
        }
        guard let write = log.write(madeBy: operation.number) else { return }
        let holders = nodes.count { node in
            guard case .success(let bytes?) = node.peek(causal.keys[key]),
                let object = try? EncodedObject(bytes)
            else { return false }
            return causal.histories[key].covered(by: object.context).contains(write)
        }
        guard holders + losers(of: key) >= received else {
            throw Violation(
                .honestFailures,
                "operation \(operation.number) was told \(failure), and \(holders) hold its write"
            )
        }
    }

    /// A read, or the read of a write that reads first, has seen what was there before it began.
    private func checkFresh(
        _ known: WriteSet,
        _ operation: Operation,
        _ request: ClientRequest,
        _ key: Int
    ) throws(Violation) {
        let level = request.levels.read.required(of: ring.replicas)
        let missing = log.mustShow(operation, level: level, losers: losers(of: key))
            .subtracting(known)
        guard !missing.isEmpty else { return }
        let dots = missing.members.map { "\(causal.histories[key].writes[$0].dot)" }
        throw Violation(
            .freshReads,
            "operation \(operation.number) read \(request.levels.read) of key \(key) "
                + "without \(dots), which was there before"
        )
    }

    /// In calm nothing fails but what the run's own limits refuse.
    private func checkCalm(_ operation: Operation, _ reply: ShardReply) throws(Violation) {
        guard case .response(let response) = reply else { return }
        let isLimited = options.requestsMax < 100 || options.replicaWorkMax < 100
        let isFine: Bool
        switch response {
        case .object, .written, .notApplied: isFine = true
        case .inspected(let reports):
            isFine = isLimited || reports.allSatisfy { $0.state.isKnown }
        case .failed(.conflict): isFine = options.siblingsMax < 100
        case .failed(.tooLarge): isFine = options.objectBytesMax < 1 << 20
        case .failed(.overloaded), .failed(.timedOut), .failed(.storage): isFine = isLimited
        case .failed(.unavailable), .failed(.clockDrift): isFine = false
        }
        guard !isFine else { return }
        throw Violation(.liveness, "operation \(operation.number) failed in calm: \(response)")
    }
}

extension ReplicaReport.State {
    fileprivate var isKnown: Bool {
        switch self {
        case .present, .absent: true
        case .failed, .unreachable: false
        }
    }
}
