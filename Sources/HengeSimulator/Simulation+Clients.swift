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

    /// How many nodes hold what a write at its level has left when it was acknowledged, and from
    /// then on, unless disks are lost.
    package func holders(of request: ClientRequest) -> Int {
        let level = request.levels.write.required(of: ring.replicas)
        // A node that leaves may give what it holds for one that is down to no more than these.
        guard request.isSloppy, options.ringChangeEvery != nil else { return level }
        return min(level, ring.replicas / 2 + 1)
    }

    /// How long clients wait.
    package var requestTimeout: Interval { isCalm ? .seconds(10) : options.timeout }

    // MARK: Issuing

    func wake(_ client: SimulatedClient) {
        guard client.remaining > 0, client.operation == nil else { return }
        client.remaining -= 1
        let up = nodes.filter { node in
            let isShunned = node.index == shunned && client.index % 2 == 0
            return node.process.map { !$0.isStopping && !isShunned } ?? false
        }
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
        switch action {
        case .request(let wanted, let followed):
            key = followed
            timeout = wanted.timeout
            request = wanted
        case .scan, .count: break
        }
        begin(number, key, request, timeout, at: node, client)
        switch action {
        case .request(let wanted, _): submit(ticket, wanted, to: node)
        case .scan(let limit):
            submitScan(ticket, scanRange(limit: limit), timeout: timeout, to: node)
        case .count: submitCount(ticket, timeout: timeout, to: node)
        }
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
                pausedBefore: node.pausedTime(at: now),
                before: key.map { log.known[$0] }
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
        let paused = node.pausedTime(at: now)
        try log.answer(number, reply, from: node.index, at: now, paused: paused)
        counts.answers += 1
        let operation = log[number]
        checking { () throws(Violation) in
            // One that has left can't reach those that hold the key any more.
            if operation.isCalm, ring.member(node.id) != nil { try checkCalm(operation, reply) }
            if let key = operation.key, case .response(let response) = reply {
                try check(response, to: operation, key, from: node)
            }
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
}
