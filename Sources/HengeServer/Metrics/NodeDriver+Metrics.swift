import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import HengeStorage

/// What a page of metrics is made of. It is taken on the node's event loop, which has better things
/// to do, so it takes copies that share their memory; text is made of them elsewhere.
struct MetricSnapshot: Sendable {
    var sheet: MetricSheet
    var delays: DelayFigures
    /// By node id; nil for this node, for ids that are no members, and for those that are down.
    var peerNames: [String?]
    var node: NodeID
    var replicas: Int
    /// Of the shards.
    var engines: [RocksDBEngine]
}

extension NodeDriver {
    /// All numbers that belong to event loops, as of this turn. O(partitions + members).
    func metricSnapshot() -> MetricSnapshot {
        let delays = figures.delays
        let storage = figures.storage
        var sheet = MetricSheet()
        addRequests(to: &sheet)
        addClients(to: &sheet)
        addPeers(delays, to: &sheet)
        addShardCounters(to: &sheet)
        addHints(to: &sheet)
        addEntropy(to: &sheet)
        addRing(to: &sheet)
        addData(to: &sheet)
        addStorage(storage, to: &sheet)
        addNode(to: &sheet)
        var names = [String?](repeating: nil, count: delays.stores.count)
        for member in ring.allMembers where member.id != node && shard.isUp(member.id) {
            names[Int(member.id.rawValue)] = member.name
        }
        return MetricSnapshot(
            sheet: sheet,
            delays: delays,
            peerNames: names,
            node: node,
            replicas: ring.replicas,
            engines: storage.engines
        )
    }

    private var ownName: String { name(of: node) }

    private var otherMembers: [Member] { ring.allMembers.filter { $0.id != node } }

    private func addRequests(to sheet: inout MetricSheet) {
        let requests = figures.requests
        let counters = figures.counters
        for kind in RequestKind.all {
            for outcome in RequestOutcome.allCases {
                let count = Int(clamping: requests.metrics.count(of: kind, outcome))
                sheet.add(RequestMetricList.requests, kind.labels + [outcome.rawValue], count)
            }
            let times = requests.metrics.durations[kind.index]
            // A level that nobody uses would be forty lines of zeros.
            if times.count > 0 { sheet.add(RequestMetricList.durations, kind.labels, times) }
        }
        sheet.add(RequestMetricList.inFlight, requests.inFlight)
        sheet.add(RequestMetricList.limit, ["read"], requests.readsMax)
        sheet.add(RequestMetricList.limit, ["write"], requests.writesMax)
        let shed = [
            ("admission", requests.metrics.refusedByAdmission),
            ("storage", requests.metrics.refusedByStorage),
            ("peers", requests.metrics.refusedForPeers),
            ("expired", figures.clients.counters.requestsExpired),
            ("shard", counters.overloaded),
        ]
        for (reason, count) in shed { sheet.add(RequestMetricList.shed, [reason], count) }
        for (reason, read) in RequestMetricList.reasons {
            sheet.add(RequestMetricList.failures, [reason], read(counters))
        }
    }

    private func addClients(to sheet: inout MetricSheet) {
        let clients = figures.clients
        sheet.add(ClientMetricList.connections, clients.connections)
        sheet.add(ClientMetricList.heldBytes, clients.heldBytes)
        sheet.add(ClientMetricList.inputBytes, clients.inputBytes)
        sheet.add(ClientMetricList.counters, of: clients.counters)
        sheet.add(DataMetricList.conflicts, clients.counters.conflictsSeen)
    }

    private func addPeers(_ delays: DelayFigures, to sheet: inout MetricSheet) {
        let peers = figures.peers
        for member in otherMembers {
            let status = peerStatus(member.id)
            let name = member.name
            sheet.add(PeerMetricList.up, [name], status.isUp ? 1 : 0)
            for state in ["up", "suspect", "down"] {
                let isIt = status.stateName == state
                sheet.add(PeerMetricList.state, [name, state], isIt ? 1 : 0)
            }
            sheet.add(PeerMetricList.phi, [name], status.member.phi)
            if let since = status.member.sinceContact {
                sheet.add(PeerMetricList.contact, [name], since.seconds)
            }
            if let link = peers[member.id] {
                sheet.add(PeerMetricList.sent, [name], link.counters.messagesSent)
                sheet.add(PeerMetricList.sentBytes, [name], link.counters.bytesSent)
                sheet.add(PeerMetricList.dropped, [name], link.counters.messagesDropped)
                sheet.add(PeerMetricList.connections, [name], link.counters.connections)
                sheet.add(PeerMetricList.queued, [name], link.queuedBytes)
                sheet.add(EntropyMetricList.queued, [name], link.bulkQueuedBytes)
            }
            addDelays(delays, of: member.id, name, to: &sheet)
        }
        addDelays(delays, of: node, ownName, to: &sheet)
        sheet.add(PeerMetricList.refused, peers.transport.refused)
        sheet.add(PeerMetricList.malformed, peers.transport.malformed)
    }

    private func addDelays(
        _ delays: DelayFigures,
        of id: NodeID,
        _ name: String,
        to sheet: inout MetricSheet
    ) {
        let index = Int(id.rawValue)
        if index < watch.clocks.count, let best = watch.clocks[index].best {
            sheet.add(NodeMetricList.skew, [name], best.offset)
            sheet.add(NodeMetricList.skewBound, [name], best.error)
        }
        guard index < delays.stores.count else { return }
        let stores = delays.stores[index]
        let fetches = delays.fetches[index]
        if stores.count > 0 { sheet.add(PeerMetricList.stores, [name], stores) }
        if fetches.count > 0 { sheet.add(PeerMetricList.fetches, [name], fetches) }
    }

    private func addShardCounters(to sheet: inout MetricSheet) {
        let counters = figures.counters
        for numbers in MetricTables.shard { sheet.add(numbers, of: counters) }
    }

    private func addHints(to sheet: inout MetricSheet) {
        let hints = figures.hints
        let backlogs = Dictionary(hints.backlogs.map { ($0.target, $0) }) { first, _ in first }
        for member in otherMembers {
            let name = [member.name]
            let backlog = backlogs[member.id]
            sheet.add(HintMetricList.backlog, name, backlog?.count ?? 0)
            sheet.add(HintMetricList.backlogBytes, name, backlog?.bytes ?? 0)
            if let oldest = backlog?.oldest {
                let age = wall.milliseconds - min(wall.milliseconds, oldest.milliseconds)
                sheet.add(HintMetricList.oldest, name, Double(age) / 1e3)
            }
        }
        sheet.add(HintMetricList.paused, hints.arePaused ? 1 : 0)
    }

    private func addEntropy(to sheet: inout MetricSheet) {
        let status = figures.entropy
        sheet.add(EntropyMetricList.ready, status.isReady ? 1 : 0)
        let ages = status.ranges.compactMap(\.verifiedAge)
        if let oldest = ages.max() { sheet.add(EntropyMetricList.oldest, oldest.seconds) }
        sheet.add(EntropyMetricList.unverified, status.ranges.count - ages.count)
        sheet.add(EntropyMetricList.running, status.running.count)
        sheet.add(EntropyMetricList.left, status.running.reduce(0) { $0 + $1.left })
        sheet.add(EntropyMetricList.scrub, status.scrubbed)
        if let age = status.scrubbedAge { sheet.add(EntropyMetricList.scrubbed, age.seconds) }
        let waiting = status.ranges.reduce(0) { $0 + $1.tombstones }
        sheet.add(DataMetricList.waiting, waiting)
        let bulk = figures.bulk
        let sent = [
            ("entropy", bulk.entropyBytesRawSent, bulk.entropyBytesCompressedSent),
            ("hand_off", bulk.handOffBytesRawSent, bulk.handOffBytesCompressedSent),
            (
                "other",
                bulk.bytesRawSent - bulk.entropyBytesRawSent - bulk.handOffBytesRawSent,
                bulk.bytesCompressedSent - bulk.entropyBytesCompressedSent
                    - bulk.handOffBytesCompressedSent
            ),
        ]
        for (traffic, raw, compressed) in sent {
            sheet.add(EntropyMetricList.bytes, [traffic, "raw"], raw)
            sheet.add(EntropyMetricList.bytes, [traffic, "compressed"], compressed)
        }
        sheet.add(EntropyMetricList.received, ["raw"], bulk.bytesRawReceived)
        sheet.add(EntropyMetricList.received, ["compressed"], bulk.bytesCompressedReceived)
        sheet.add(EntropyMetricList.bulk, of: bulk)
    }

    private func addRing(to sheet: inout MetricSheet) {
        sheet.add(TransferMetricList.epoch, Int(clamping: ring.document.epoch))
        sheet.add(TransferMetricList.changing, ring.document.transition == nil ? 0 : 1)
        let homes = (0..<ring.partitions).reduce(0) { sum, partition in
            sum + (ring.homes(partition: partition).contains(node) ? 1 : 0)
        }
        sheet.add(TransferMetricList.owned, ["primary"], ring.vnodes(of: node))
        sheet.add(TransferMetricList.owned, ["replica"], homes)
        // Zeros while the ring is still.
        let progress = nodeRingReport?.progress ?? TransferProgress()
        sheet.add(TransferMetricList.progress, of: progress)
        sheet.add(TransferMetricList.progressBytes, of: progress)
        for reason in TransferWait.names {
            sheet.add(TransferMetricList.waiting, [reason], progress.wait?.name == reason ? 1 : 0)
        }
        let budget = figures.budget
        sheet.add(TransferMetricList.share, budget.share)
        for kind in BackgroundBudget.Kind.allCases {
            let bytes = budget.taken[kind.rawValue]
            sheet.add(TransferMetricList.background, ["\(kind)"], bytes)
        }
        if let p99 = budget.p99 { sheet.add(TransferMetricList.foreground, p99.seconds) }
    }

    private func addData(to sheet: inout MetricSheet) {
        let tallies = figures.tallies
        let total = tallies.total
        sheet.add(DataMetricList.counting, tallies.isComplete ? 0 : 1)
        sheet.add(DataMetricList.keys, max(0, total.keys))
        sheet.add(DataMetricList.tombstones, max(0, total.records - total.keys))
        sheet.add(DataMetricList.expiring, max(0, total.expiring))
        sheet.add(DataMetricList.bytes, max(0, total.bytes))
        let counts = figures.requests.metrics.siblings
        let steps: [(String, Range<Int>)] = [
            ("0", 0..<1), ("1", 1..<2), ("2", 2..<3), ("3", 3..<4), ("4+", 4..<10),
            ("10+", 10..<25), ("25+", 25..<100), ("100+", 100..<counts.count),
        ]
        for (name, range) in steps {
            let sum = counts[range].reduce(0, +)
            sheet.add(DataMetricList.siblings, [name], Int(clamping: sum))
        }
    }

    private func addStorage(_ figures: StorageFigures, to sheet: inout MetricSheet) {
        let metrics = figures.metrics
        for numbers in MetricTables.storage { sheet.add(numbers, of: metrics) }
        for (kind, read) in StorageMetricList.kinds {
            sheet.add(StorageMetricList.failures, [kind], read(metrics))
        }
        sheet.add(StorageMetricList.limit, figures.pendingMax)
        sheet.add(StorageMetricList.shardWork, figures.shardWork)
        // One disk has the data of all shards.
        let disk = storage.diskBytes
        sheet.add(StorageMetricList.diskBytes, ["free"], disk.free)
        sheet.add(StorageMetricList.diskBytes, ["total"], disk.total)
    }

    private func addNode(to sheet: inout MetricSheet) {
        let cluster = hexadecimal(ring.document.clusterID)
        let labels = [ownName, cluster, ServerVersion.henge, phase.rawValue]
        sheet.add(NodeMetricList.info, labels, 1)
        sheet.add(NodeMetricList.lag, figures.lag)
        sheet.add(NodeMetricList.ahead, figures.clockAhead.seconds)
        let uptime = Double(now.since(startedAt).nanoseconds) / 1e9
        sheet.add(NodeMetricList.startTime, Double(wall.milliseconds) / 1e3 - uptime)
    }
}

extension Interval {
    var seconds: Double { Double(nanoseconds) / 1e9 }
}
