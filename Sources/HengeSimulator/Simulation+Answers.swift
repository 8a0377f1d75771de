import HengeBase
import HengeCausality
import HengeMessages
import HengeNode

/// What the answers to clients' requests must show.
extension Simulation {
    func check(
        _ response: ClientResponse,
        to operation: Operation,
        _ key: Int,
        from node: SimulatedNode
    ) throws(Violation) {
        guard let request = operation.request else { return }
        switch response {
        case .object(let object):
            let level = request.levels.read.required(of: ring.replicas)
            var known = causal.purged[key]
            if let object { known = try causal.shown(object, of: key, by: node.index) }
            guard isClaimed(request) else { return }
            try checkNothingRisen(object, operation, level, key)
            // What the last reads must show is a promise of its own, checked after them.
            if operation.client != nil { try checkFresh(known, operation, level, key) }
            if repair == .blocking || options.forced.contains(.monotonicReads) {
                log.show(known, of: key, by: level)
            }
        case .written(let context, _):
            try checkWritten(context, operation, request, key)
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

    private func checkWritten(
        _ context: VersionVector,
        _ operation: Operation,
        _ request: ClientRequest,
        _ key: Int
    ) throws(Violation) {
        let number = try causal.answered(context, of: key)
        let write = causal.histories[key].writes[number]
        guard isClaimed(request) else {
            return log.hold(write.known, of: key, by: holders(of: request))
        }
        if case .write(let mutation) = request.operation, mutation.readsFirst {
            let level = request.levels.read.required(of: ring.replicas)
            let known = write.known.union(causal.purged[key])
            try checkFresh(known, operation, level, key)
        }
        let level = request.levels.write.required(of: ring.replicas)
        log.acknowledge(write.known, replacing: write.replaced, of: key, by: level)
        if let client = operation.client {
            clients[client].keep(number, of: key, acknowledgedBy: level)
        }
    }

    /// Whether R + W > N says anything of a request: not where others stand in for replicas.
    private func isClaimed(_ request: ClientRequest) -> Bool {
        !request.isSloppy || !options.forced.isEmpty
    }

    // MARK: What reads must show

    /// Of what so many replicas hold a read at this level must have met some.
    private func holders(_ promise: Violation.Promise, _ level: Int, _ key: Int) -> Int? {
        if options.forced.contains(promise) { return 1 }
        return ReadReach(replicas: ring.replicas, level: level, losers: losers(of: key)).holders
    }

    /// A read, or the read of a write that reads first, has seen what was there before it began.
    private func checkFresh(
        _ known: WriteSet,
        _ operation: Operation,
        _ level: Int,
        _ key: Int
    ) throws(Violation) {
        guard let before = operation.before else { return }
        if let client = operation.client, let holders = holders(.readYourWrites, level, key) {
            let own = clients[client].ownWrites(of: key, acknowledgedBy: holders)
            try check(known, shows: own, .readYourWrites, operation, key)
        }
        if let holders = holders(.freshReads, level, key) {
            let written = before.acknowledged[holders - 1]
            try check(known, shows: written, .freshReads, operation, key)
        }
        if let holders = holders(.monotonicReads, level, key) {
            try check(known, shows: before.shown[holders - 1], .monotonicReads, operation, key)
        }
    }

    private func check(
        _ known: WriteSet,
        shows writes: WriteSet,
        _ promise: Violation.Promise,
        _ operation: Operation,
        _ key: Int
    ) throws(Violation) {
        let missing = writes.subtracting(known)
        guard !missing.isEmpty else { return }
        let names = dots(of: missing, key)
        throw Violation(
            promise,
            "operation \(operation.number) read key \(key) without \(names), there before"
        )
    }

    /// No sibling is one that an acknowledged write had replaced before the read began.
    private func checkNothingRisen(
        _ object: EncodedObject?,
        _ operation: Operation,
        _ level: Int,
        _ key: Int
    ) throws(Violation) {
        guard let object, let before = operation.before,
            let holders = hasConverged
                ? min(losers(of: key) + 1, ring.replicas) : holders(.noResurrection, level, key)
        else { return }
        for sibling in object.decoded().siblings {
            guard let write = causal.histories[key].index(of: sibling.dot),
                before.replaced[holders - 1].contains(write)
            else { continue }
            throw Violation(
                .noResurrection,
                "operation \(operation.number) read \(sibling.dot) of key \(key), long replaced"
            )
        }
    }

    private func dots(of writes: WriteSet, _ key: Int) -> [String] {
        writes.members.map { "\(causal.histories[key].writes[$0].dot)" }
    }

    // MARK: Failures

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
        guard let write = log.write(madeBy: operation.number),
            !causal.purged[key].contains(write)
        else { return }
        let holders = holdings(of: key).count {
            causal.histories[key].covered(by: $0.object.context).contains(write)
        }
        guard holders + losers(of: key) >= received else {
            throw Violation(
                .honestFailures,
                "operation \(operation.number) was told \(failure), and \(holders) hold its write"
            )
        }
    }

    /// In calm nothing fails but what the run's own limits refuse.
    func checkCalm(_ operation: Operation, _ reply: ShardReply) throws(Violation) {
        guard let response = reply.response else { return }
        let isLimited = options.isLimited
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
