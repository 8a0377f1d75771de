import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import Testing

import struct NIOCore.ByteBuffer

/// Random requests on a cluster whose nodes crash, lose messages, fail and reorder, against a model
/// that keeps for each write whether it was acknowledged and what it had seen.
@Suite struct GeneratedClusterTests {
    @Test("no acknowledged write is lost, no answer is given twice, and everything comes to rest")
    func histories() throws {
        for seed in 1...150 as ClosedRange<UInt64> {
            var history = try History(seed: seed)
            let complaints = history.run()
            if !complaints.isEmpty { Issue.record("seed \(seed): \(complaints)") }
        }
    }

    @Test("the same when every request is explained, whatever becomes of it")
    func explainedHistories() throws {
        var explained = 0
        for seed in 1...200 as ClosedRange<UInt64> {
            var history = try History(seed: seed, isSloppy: seed % 2 == 0, isExplained: true)
            let complaints = history.run()
            if !complaints.isEmpty { Issue.record("seed \(seed): \(complaints)") }
            explained += history.cluster.replies.values.count { replies in
                if case .explained? = replies.first { true } else { false }
            }
        }
        #expect(explained > 5_000, "\(explained)")
    }

    @Test("the same with up to three nodes down and stand-ins that count, hand over and return")
    func sloppyHistories() throws {
        var counted = 0
        var handedOver = 0
        for seed in 1...250 as ClosedRange<UInt64> {
            var history = try History(seed: seed, isSloppy: true)
            let complaints = history.run()
            if !complaints.isEmpty { Issue.record("seed \(seed): \(complaints)") }
            for node in history.cluster.nodes {
                counted += node.shard.counters.sloppyRequests
                handedOver += node.shard.counters.standInsHandedOver
            }
        }
        #expect(counted > 1_000 && handedOver > 500, "\(counted) and \(handedOver)")
    }
}

private struct History {
    struct Write {
        let ticket: Ticket
        let key: Int
        let value: String
        /// Values that its context covered: it may replace these and no others.
        let seen: Set<String>
    }

    let cluster: Cluster
    let isSloppy: Bool
    let isExplained: Bool
    var generator: SeededGenerator
    var writes: [Write] = []
    /// What a client last read or wrote of each key.
    var contexts: [(vector: VersionVector, values: Set<String>)?] = [nil, nil, nil]
    var reads: [(ticket: Ticket, key: Int)] = []

    init(seed: UInt64, isSloppy: Bool = false, isExplained: Bool = false) throws {
        self.isSloppy = isSloppy
        self.isExplained = isExplained
        generator = SeededGenerator(seed: seed)
        var configuration = ShardConfiguration()
        configuration.readRepair = ReadRepair.allCases[generator.below(3)]
        let nodes = (isSloppy ? 4 : 3) + generator.below(3)
        cluster = try Cluster(nodes: nodes, configuration: configuration)
        if seed.isMultiple(of: 3) { cluster.versions = EncodedVersion.headerBytes }
    }

    mutating func run() -> [String] {
        for _ in 0..<120 { act() }
        heal()
        return judge()
    }

    private mutating func act() {
        let nodes = cluster.nodes.count
        let node = 1 + generator.below(nodes)
        let isDown = cluster.down.contains(NodeID(UInt16(node)))
        switch generator.below(20) {
        case 0 where isDown: cluster.bring(up: node)
        case 1 where isDown: cluster.restart(node)
        case 2 where cluster.down.count < (isSloppy ? 3 : 1): cluster.take(down: node)
        case 3: cluster.pass(milliseconds: Int64(generator.below(300)))
        case 4...7 where !isDown: read(at: node)
        case 8...12 where !isDown: write(at: node)
        default:
            for _ in 0..<generator.below(12) where !cluster.queue.isEmpty { deliver() }
        }
        learn()
    }

    /// One thing under way, any of them: the network reorders, and persists stay in order on each
    /// node.
    private mutating func deliver() {
        var index = generator.below(cluster.queue.count)
        if case .storage(let id, _) = cluster.queue[index] {
            let first = cluster.queue.firstIndex {
                if case .storage(id, _) = $0 { true } else { false }
            }
            index = first ?? index
        }
        let failing = generator.chance(1, in: 25)
        cluster.fails = { _, _ in failing ? .io : nil }
        cluster.next(at: index)
        cluster.fails = { _, _ in nil }
    }

    private mutating func read(at node: Int) {
        let index = generator.below(3)
        let ticket = cluster.request(
            .read,
            key("\(index)"),
            at: node,
            sloppy: isSloppy && generator.chance(3, in: 4),
            explained: isExplained
        )
        reads.append((ticket, index))
    }

    private mutating func write(at node: Int) {
        let index = generator.below(3)
        let value = "w\(writes.count)"
        let context = contexts[index]
        let basis = context.map { Mutation.Basis.context($0.vector) } ?? .nothing
        let level: Consistency = generator.chance(1, in: 3) ? .one : .quorum
        let ticket = cluster.request(
            .write(.value(value, basis: basis)),
            key("\(index)"),
            at: node,
            write: level,
            sloppy: isSloppy && generator.chance(3, in: 4),
            explained: isExplained
        )
        let seen = context?.values ?? []
        writes.append(Write(ticket: ticket, key: index, value: value, seen: seen))
    }

    /// Takes the contexts of reads that were answered.
    private mutating func learn() {
        for (ticket, index) in reads {
            guard case .object(let object?)? = cluster.response(ticket) else { continue }
            let values = object.decoded().siblings.compactMap {
                $0.value(at: .init(milliseconds: 0))
            }
            contexts[index] = (object.context, Set(values.map { String(buffer: $0) }))
        }
        reads.removeAll { cluster.response($0.ticket) != nil }
    }

    private mutating func heal() {
        for id in cluster.down.sorted(by: { $0.rawValue < $1.rawValue }) {
            cluster.bring(up: Int(id.rawValue))
        }
        cluster.run()
        cluster.pass(milliseconds: 1_000)
        cluster.pass(milliseconds: 1_000)
        cluster.settle()
        learn()
    }

    private func judge() -> [String] {
        var complaints: [String] = []
        if !cluster.isQuiet { complaints.append("not at rest: \(cluster.workInFlight)") }
        for node in cluster.nodes {
            let hints = node.hints.values.reduce(0) { $0 + $1.count }
            let held = node.disk.keys.count { $0.standInFor != nil }
            if hints > 0 || held > 0 {
                complaints.append("\(node.id) keeps \(hints) hints and \(held) held records")
            }
            if !node.shard.hintBacklogs.isEmpty { complaints.append("\(node.id) has a backlog") }
        }
        for (ticket, replies) in cluster.replies.sorted(by: { $0.key < $1.key })
        where replies.count != 1 {
            complaints.append("ticket \(ticket) answered \(replies.count) times")
        }
        for index in 0..<3 {
            let answer = cluster.get(key("\(index)"), .all) ?? "no answer"
            let values = Set(answer.split(separator: "+").map(String.init))
            let ofKey = writes.filter { $0.key == index }
            let replaced = ofKey.reduce(into: Set<String>()) { $0.formUnion($1.seen) }
            let acknowledged = ofKey.filter { cluster.answer($0.ticket) == "OK" }.map(\.value)
            let lost = Set(acknowledged).subtracting(replaced).subtracting(values)
            if !lost.isEmpty { complaints.append("lost \(lost.sorted()) of key \(index)") }
            let invented = values.subtracting(ofKey.map(\.value)).subtracting(["nothing"])
            if !invented.isEmpty { complaints.append("invented \(invented.sorted())") }
        }
        return complaints
    }
}
