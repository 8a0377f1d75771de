import HengeBase
import HengeMembership
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Five nodes that lose each other, over a network that is as bad as a test wants it.
struct RecoveryWorld {
    var nodes: [RingElection?]
    var disks: [ByteBuffer]
    var queue: [(from: Int, to: Int, message: RingMessage)] = []
    var outcomes: [[RingElection.Outcome]]
    var conflicts = 0
    var faults: [String] = []
    /// Every document that a node took for decided.
    var decided: [RingDocument] = []
    var now = Instant(nanoseconds: 0)
    var isCut: (Int, Int) -> Bool = { _, _ in false }
    let base: RingDocument
    private var starts: UInt64 = 0

    init(nodes count: Int = 5) throws {
        let list = (1...count).map { "n\($0)=h:\($0)" }.joined(separator: ",")
        base = try RingDocument.bootstrap(
            BootstrapList.parse(list),
            replicas: 3,
            partitions: 64
        )
        let acceptor = RingAcceptor(document: base, hasLostVotes: false)
        disks = Array(repeating: acceptor.encoded(), count: count)
        outcomes = Array(repeating: [], count: count)
        nodes = Array(repeating: nil, count: count)
        for node in 0..<count { try start(node) }
    }

    static func ids(_ numbers: [Int]) -> [NodeID] { numbers.map { NodeID(UInt16($0)) } }

    mutating func kill(_ node: Int) { nodes[node] = nil }

    /// What was not on the disk is forgotten.
    mutating func start(_ node: Int) throws {
        starts += 1
        nodes[node] = RingElection(
            own: NodeID(UInt16(node + 1)),
            acceptor: try RingAcceptor(saved: disks[node]),
            token: starts,
            seed: UInt64(node),
            at: now
        )
    }

    func document(_ node: Int) -> RingDocument? { nodes[node]?.document }

    mutating func step(_ node: Int, _ input: RingElection.Input) {
        guard nodes[node] != nil else { return }
        var effects = EffectBuffer<RingElection.Effect>()
        nodes[node]?.step(input, now: now, effects: &effects)
        var all: [RingElection.Effect] = []
        effects.drain { all.append($0) }
        for effect in all {
            switch effect {
            case .send(let target, let message):
                let receiver = Int(target.rawValue) - 1
                if nodes.indices.contains(receiver) { queue.append((node, receiver, message)) }
            case .persist(let bytes):
                disks[node] = bytes
                step(node, .persisted)
            case .finished(let outcome): outcomes[node].append(outcome)
            case .adopted(let document): decided.append(document)
            case .conflict, .apart: conflicts += 1
            case .invalid(let fault, _): faults.append("\(fault)")
            }
        }
    }

    mutating func deliver(_ index: Int = 0) {
        let (from, to, message) = queue.remove(at: index)
        guard !isCut(from, to) else { return }
        step(to, .message(from: NodeID(UInt16(from + 1)), message))
    }

    mutating func deliverAll(where isDelivered: (RingMessage) -> Bool = { _ in true }) {
        while !queue.isEmpty {
            if isDelivered(queue[0].message) { deliver() } else { queue.removeFirst() }
        }
    }

    mutating func tickAll(after time: Interval) {
        now = now + time
        for node in nodes.indices { step(node, .tick) }
    }

    /// Has a node propose to go on without these, by numbers from 1. Returns the document.
    @discardableResult
    mutating func recover(_ node: Int, without gone: [Int]) -> RingDocument? {
        guard let election = nodes[node], !election.isProposing else { return nil }
        let document = try? election.document.recovering(
            without: Self.ids(gone),
            after: election.openRecoveries
        )
        guard let document else { return nil }
        step(node, .recover(document, within: .seconds(10)))
        return document
    }

    /// Two documents of one epoch that were both decided although a node was left by both.
    var contradiction: String? {
        for (index, a) in decided.enumerated() {
            for b in decided[..<index] where a.epoch == b.epoch && a != b {
                // Halves that have given each other up give new nodes the same ids.
                let first = base.members.map(\.id)
                if first.contains(where: { id in a.hasMember(id) && b.hasMember(id) }) {
                    return "epoch \(a.epoch) without \(a.lost.map(\.id)) and \(b.lost.map(\.id))"
                }
            }
        }
        return nil
    }
}

extension RingDocument {
    fileprivate func hasMember(_ id: NodeID) -> Bool { allMembers.contains { $0.id == id } }
}
