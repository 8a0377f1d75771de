import HengeBase
import HengeMembership
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Nodes that change their ring over a bad network, on bad disks, while they crash.
struct RingCluster {
    struct Faults {
        /// Messages in a hundred.
        var lost = 15
        var repeated = 10
    }

    private enum Event {
        case message(from: Int, to: Int, RingMessage)
        case saved(node: Int, process: Int, ByteBuffer)
        case tick(node: Int)
        case chaos
    }

    private struct Node {
        var election: RingElection?
        var disk: ByteBuffer?
        /// Rises with every start: what was under way before is nobody's.
        var process = 0
        var saving: ByteBuffer?
        var proposal: RingDocument?
    }

    static let count = 7
    private let seed: UInt64
    private var dice: SeededGenerator
    private var faults: Faults?
    private var nodes = Array(repeating: Node(), count: count)
    private var cut: Set<Int> = []
    private var queue: [(at: UInt64, order: Int, event: Event)] = []
    private var order = 0
    private var now = Instant(nanoseconds: 0)
    private let first: RingDocument
    private let target: UInt64
    /// The ring of each epoch that anybody took for decided.
    private(set) var decided: [UInt64: RingDocument] = [:]
    /// Proposals that can't be decided any more.
    private var never: [RingDocument] = []
    private var proposals = 0
    private(set) var faultsFound: [String] = []
    private(set) var outcomes: [String: Int] = [:]

    /// - Parameter target: the epoch to reach.
    init(seed: UInt64, faults: Faults?, target: UInt64 = 6) {
        self.seed = seed
        self.faults = faults
        self.target = target
        dice = SeededGenerator(seed: seed)
        let members = (1...5).map { Self.member($0) }
        // Nodes 1 and 2 own everything, so the others come and go without a move.
        first = RingDocument(
            clusterID: 1,
            epoch: 1,
            replicas: 2,
            members: members,
            owners: (0..<64).map { NodeID(UInt16(1 + $0 % 2)) }
        )
        for node in 0..<Self.count {
            start(node, RingAcceptor(document: first, hasLostVotes: false))
            schedule(UInt64(dice.below(50)), .tick(node: node))
        }
        schedule(100, .chaos)
    }

    /// Faults for five seconds, then none. Returns the milliseconds until all nodes have reached
    /// the target after that; nil when they have not after a minute.
    mutating func run() -> UInt64? {
        run(untilMilliseconds: 5_000) { _ in false }
        faults = nil
        cut = []
        for node in nodes.indices where nodes[node].election == nil { restart(node) }
        let healed = now
        run(untilMilliseconds: 65_000) { cluster in
            cluster.nodes.allSatisfy { $0.election?.document.epoch ?? 0 >= cluster.target }
        }
        for document in never where decided[document.epoch] == document {
            faultsFound.append("a proposal that was given up for good was decided")
        }
        let isDone = nodes.allSatisfy { $0.election?.document.epoch ?? 0 >= target }
        return isDone ? now.since(healed).milliseconds : nil
    }

    private mutating func run(untilMilliseconds end: UInt64, _ isDone: (RingCluster) -> Bool) {
        var steps = 0
        while let next = popEvent(before: end) {
            steps += 1
            carryOut(next)
            if steps % 16 == 0, isDone(self) { return }
        }
    }

    // MARK: Events

    private mutating func schedule(_ milliseconds: UInt64, _ event: Event) {
        order += 1
        let at = now.nanoseconds / 1_000_000 + milliseconds
        // A binary heap by time, then by order.
        queue.append((at, order, event))
        var child = queue.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            queue.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func popEvent(before end: UInt64) -> Event? {
        guard let first = queue.first, first.at < end else { return nil }
        queue.swapAt(0, queue.count - 1)
        queue.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < queue.count && isBefore(child, least) {
                least = child
            }
            if least == parent { break }
            queue.swapAt(parent, least)
            parent = least
        }
        now = Instant(nanoseconds: first.at * 1_000_000)
        return first.event
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        (queue[a].at, queue[a].order) < (queue[b].at, queue[b].order)
    }

    private mutating func carryOut(_ event: Event) {
        switch event {
        case .message(let sender, let receiver, let message):
            guard !cut.contains(sender), !cut.contains(receiver) else { return }
            step(receiver, .message(from: Self.id(sender), message))
        case .saved(let node, let process, let bytes):
            guard nodes[node].process == process, nodes[node].election != nil else { return }
            nodes[node].saving = nil
            if faults != nil, dice.chance(1, in: 20) { return step(node, .persistFailed) }
            nodes[node].disk = bytes
            step(node, .persisted)
        case .tick(let node):
            schedule(40 + UInt64(dice.below(20)), .tick(node: node))
            step(node, .tick)
            if dice.chance(1, in: 6) { gossip(node) }
            if dice.chance(1, in: 12) { propose(node) }
        case .chaos:
            if faults != nil { cause() }
            schedule(UInt64(50 + dice.below(300)), .chaos)
        }
    }

    private mutating func gossip(_ node: Int) {
        guard let election = nodes[node].election else { return }
        let question = RingMessage.ask(epoch: election.document.epoch, token: 0)
        send(node, dice.below(Self.count), question)
    }

    private mutating func send(_ sender: Int, _ receiver: Int, _ message: RingMessage) {
        guard sender != receiver, receiver < Self.count else { return }
        var copies = 1
        if let faults {
            if dice.chance(faults.lost, in: 100) { copies = 0 }
            if dice.chance(faults.repeated, in: 100) { copies += 1 }
        }
        for _ in 0..<copies {
            let delay = faults != nil && dice.chance(1, in: 10) ? 2_000 : 30
            schedule(
                UInt64(1 + dice.below(delay)),
                .message(from: sender, to: receiver, message)
            )
        }
    }

    // MARK: Faults

    private mutating func cause() {
        let node = dice.below(Self.count)
        switch dice.below(8) {
        case 0: cut.insert(node)
        case 1, 2: cut.remove(node)
        case 3: crash(node)
        case 4: loseDisk(node)
        default: if nodes[node].election == nil { restart(node) }
        }
    }

    private mutating func crash(_ node: Int) {
        guard nodes[node].election != nil else { return }
        if let saving = nodes[node].saving, dice.chance(1, in: 2) { nodes[node].disk = saving }
        nodes[node].election = nil
        nodes[node].saving = nil
        nodes[node].proposal = nil
    }

    /// Only while all others remember: two such nodes may need an operator.
    private mutating func loseDisk(_ node: Int) {
        for other in nodes.indices where other != node {
            guard let disk = nodes[other].disk,
                let acceptor = try? RingAcceptor(saved: disk), acceptor.votes
            else { return }
        }
        crash(node)
        start(node, RingAcceptor(document: first, hasLostVotes: true))
    }

    private mutating func restart(_ node: Int) {
        guard let disk = nodes[node].disk, let acceptor = try? RingAcceptor(saved: disk) else {
            faultsFound.append("what was saved can't be read")
            return
        }
        start(node, acceptor)
    }

    private mutating func start(_ node: Int, _ acceptor: RingAcceptor) {
        nodes[node].process += 1
        nodes[node].disk = acceptor.encoded()
        nodes[node].election = RingElection(
            own: Self.id(node),
            acceptor: acceptor,
            token: UInt64(nodes[node].process),
            seed: dice.next(),
            at: now
        )
    }

    // MARK: Nodes

    private mutating func step(_ node: Int, _ input: RingElection.Input) {
        guard var election = nodes[node].election else { return }
        var effects = EffectBuffer<RingElection.Effect>()
        election.step(input, now: now, effects: &effects)
        nodes[node].election = election
        var all: [RingElection.Effect] = []
        effects.drain { all.append($0) }
        for effect in all { carryOut(effect, of: node) }
    }

    private mutating func carryOut(_ effect: RingElection.Effect, of node: Int) {
        switch effect {
        case .send(let target, let message):
            send(node, Int(target.rawValue) - 1, overTheWire(message))
        case .persist(let bytes):
            if nodes[node].saving != nil { faultsFound.append("two saves at a time") }
            nodes[node].saving = bytes
            let saved = Event.saved(node: node, process: nodes[node].process, bytes)
            schedule(UInt64(dice.below(20)), saved)
        case .adopted(let document): record(document)
        case .finished(let outcome): record(outcome, of: node)
        case .conflict, .apart, .invalid: faultsFound.append("\(effect)".prefix(60).description)
        }
    }

    private mutating func overTheWire(_ message: RingMessage) -> RingMessage {
        guard dice.chance(1, in: 16) else { return message }
        var bytes = ByteBuffer()
        RingMessageCodec.write(message, into: &bytes)
        let read = try? RingMessageCodec.read(bytes)
        if read != message { faultsFound.append("a message has changed on the wire") }
        return read ?? message
    }

    private mutating func propose(_ node: Int) {
        guard let election = nodes[node].election, !election.isProposing,
            election.document.epoch < target, let next = change(of: election.document)
        else { return }
        nodes[node].proposal = next
        step(node, .propose(next, within: .seconds(3)))
    }

    private mutating func change(of document: RingDocument) -> RingDocument? {
        guard let transition = document.transition else {
            var members = document.members
            if members.count > 3, dice.chance(1, in: 2) {
                members.remove(at: 2 + dice.below(members.count - 2))
            } else {
                // Ids above 7 are nodes that never answer: one at most.
                let id = Int(document.highestID.rawValue) + 1
                if id > Self.count, members.contains(where: { $0.id.rawValue > Self.count }) {
                    return nil
                }
                members.append(Self.member(id))
            }
            // No two proposals are equal.
            proposals += 1
            members[0] = Member(
                id: members[0].id,
                name: members[0].name,
                peerAddress: members[0].peerAddress,
                zone: "z\(proposals)"
            )
            return try? document.beginning(members: members, owners: document.owners)
        }
        let aborts = !transition.isAborting && dice.chance(1, in: 5)
        return try? aborts ? document.aborting() : document.finishing()
    }

    // MARK: What must hold

    private mutating func record(_ document: RingDocument) {
        if let known = decided[document.epoch], known != document {
            faultsFound.append("two rings of epoch \(document.epoch)")
        }
        decided[document.epoch] = document
    }

    private mutating func record(_ outcome: RingElection.Outcome, of node: Int) {
        let proposal = nodes[node].proposal
        nodes[node].proposal = nil
        outcomes[Self.name(outcome), default: 0] += 1
        switch outcome {
        case .chosen(let document):
            record(document)
            if document != proposal { faultsFound.append("chosen, but not what was proposed") }
        case .superseded(let document):
            record(document)
            if document == proposal { faultsFound.append("superseded by itself") }
            giveUp(proposal)
        case .overtaken(let document): record(document)
        case .failed(_, _, let mayTakeEffect):
            if !mayTakeEffect { giveUp(proposal) }
        case .refused, .abstained, .dissent: break
        }
    }

    /// Documents that end a change, or turn it back, are the same from whichever node.
    private mutating func giveUp(_ proposal: RingDocument?) {
        guard let proposal, proposal.transition?.isAborting == false else { return }
        never.append(proposal)
    }

    private static func name(_ outcome: RingElection.Outcome) -> String {
        switch outcome {
        case .chosen: "chosen"
        case .superseded: "superseded"
        case .overtaken: "overtaken"
        case .failed: "failed"
        case .refused: "refused"
        case .abstained: "abstained"
        case .dissent: "dissent"
        }
    }

    private static func id(_ node: Int) -> NodeID { NodeID(UInt16(node + 1)) }

    private static func member(_ id: Int) -> Member {
        Member(id: NodeID(UInt16(id)), name: "n\(id)", peerAddress: "h:\(id)")
    }
}
