import HengeBase
import HengeMembership
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Every state that three voters, two of which propose, can get into: a breadth-first search over
/// the real ``RingElection`` with a network that delivers what was ever sent in any order, any
/// number of times or never.
///
/// What can make no difference any more is left out of a world:
/// * A refusal ends a round, which a tick may do as well, and makes the next round's number higher,
///   which lost messages of the rounds between would do as well. So none is delivered.
/// * Who says that a document is decided changes nothing, so such messages have no sender.
/// * A message is forgotten as soon as delivering it changes nothing and never will: to a proposer,
///   since its phases follow one another, and its ballots rise also over crashes (the search checks
///   that what a disk has promised never falls); to an acceptor, since its promises rise. What an
///   acceptor would still do once it has adopted the decision, namely tell it, is not lost: it is
///   already on its way to all who don't have it.
///
/// A world is exact, not a hash: nodes, disks and messages are numbered as they turn up, and a step
/// of a node with an input is computed once. Time stands still and every tick is due (all limits
/// are zero), so a round may end at any moment, and no state differs by its time alone.
struct RingModel {
    struct Options {
        /// No ballot of a higher round is made.
        var rounds: UInt64 = 2
        var crashes = 0
        var lostDisks = 0
        /// The nodes during whose saves other things happen. The others save at once: a crash
        /// before that is then the same as a message that was never delivered and a crash, and one
        /// after it the same as answers that are never delivered and a crash.
        var slowDisks: Set<Int> = []
        /// Whether a node that has crashed proposes again.
        var proposesAgain = true
        /// Whether the acceptors are meant to be wrong.
        var isFaulty = false
        var statesMax = 5_000_000
        /// What a node finds on its disk after a crash.
        var restart: (ByteBuffer) -> RingAcceptor? = { try? RingAcceptor(saved: $0) }
        /// What a node begins with that has lost its disk.
        var returned: (RingDocument) -> RingAcceptor = {
            RingAcceptor(document: $0, hasLostVotes: true)
        }
    }

    struct Result {
        var states = 0
        var transitions = 0
        var nodeStates = 0
        var messages = 0
        var isComplete = true
        var worldsWithDecision = 0
        var violation: String?
    }

    /// What the search asks of a node's state all the time.
    private struct Facts {
        var isProposing: Bool
        var wantsTicks: Bool
        var round: UInt64
        /// 1 + the number of its document, 0 for the first one.
        var document: Int
    }

    /// What a message or a disk says about votes: a place of ``World/values`` and one of
    /// ``World/votes``.
    private struct Mark {
        var place: Int?
        var value: UInt64 = 0
        var vote: UInt32 = 0
    }

    private struct Key: Hashable {
        let node: Int
        let input: Int

        func hash(into hasher: inout Hasher) { hasher.combine(node << 32 ^ input) }
    }

    private enum Class { case toAcceptor, toProposer, other }

    private struct Step {
        var node: Int
        var sent: [Int] = []
        var saves: Int?
        var outcome: RingElection.Outcome?
        var fault: String?
    }

    private struct Envelope: Hashable {
        let from: NodeID
        let to: NodeID
        let message: RingMessage
    }

    private static let persisted = -1
    private static let tick = -2
    private static let propose = -3

    private let options: Options
    private let ids = (1...3).map { NodeID($0) }
    private let base: RingDocument
    private var documents: [RingDocument] = []
    private var nodes = Interned<RingElection>()
    private var facts: [Facts] = []
    private var disks: [ByteBuffer] = []
    private var diskNumbers: [ByteBuffer: Int] = [:]
    private var diskMarks: [Mark] = []
    /// The epoch and ballot promised, in order.
    private var diskPromises: [UInt64] = []
    private var envelopes = Interned<Envelope>()
    private var targets: [Int] = []
    private var classes: [Class] = []
    private var envelopeMarks: [Mark] = []
    private var steps: [Key: Step] = [:]
    private var result = Result()

    init(_ options: Options) throws {
        self.options = options
        let list = try BootstrapList.parse("n1=h:1,n2=h:2,n3=h:3")
        base = try RingDocument.bootstrap(list, replicas: 3, partitions: 64)
        for number in 0..<6 {
            let joining = Member(id: NodeID(4), name: "v\(number)", peerAddress: "v\(number):1")
            documents.append(
                try base.beginning(members: base.members + [joining], owners: base.owners))
        }
    }

    mutating func run() -> Result {
        var world = World()
        for (index, id) in ids.enumerated() {
            let acceptor = RingAcceptor(document: base, hasLostVotes: false)
            World.set(&world.disks, index, number(ofDisk: acceptor.encoded(), index))
            World.set(&world.nodes, index, start(id, acceptor, token: 0))
        }
        world.budget.crashes = UInt8(options.crashes)
        world.budget.lostDisks = UInt8(options.lostDisks)
        var seen: Set<World> = [world]
        var frontier = [world]
        var following: [World] = []
        while !frontier.isEmpty, result.violation == nil, result.isComplete {
            for world in frontier {
                successors(of: world)
                for next in found where seen.insert(next).inserted {
                    following.append(next)
                    if next.votes != 0 { checkChosen(next) }
                }
                result.transitions += found.count
                if result.violation != nil { break }
            }
            if seen.count > options.statesMax { result.isComplete = false }
            swap(&frontier, &following)
            following.removeAll(keepingCapacity: true)
        }
        result.states = seen.count
        result.nodeStates = nodes.values.count
        result.messages = envelopes.values.count
        return result
    }

    // MARK: What may happen

    private var found: [World] = []

    private mutating func successors(of world: World) {
        found.removeAll(keepingCapacity: true)
        for (word, bits) in [world.soup.0, world.soup.1, world.soup.2, world.soup.3].enumerated() {
            var rest = bits
            while rest != 0 {
                let number = word * 64 + rest.trailingZeroBitCount
                rest &= rest - 1
                if targets[number] < 3 { advance(world, targets[number], number) }
            }
        }
        for index in 0..<3 {
            if World.get(world.saves, index) > 0 { saveAndAdvance(world, index) }
            let facts = facts[World.get(world.nodes, index)]
            if facts.wantsTicks { advance(world, index, Self.tick) }
            if index < 2, !facts.isProposing, facts.document == 0 { propose(world, index) }
            if world.budget.crashes > 0 { crash(world, index) }
            if world.budget.lostDisks > 0 { loseDisk(world, index) }
        }
    }

    /// Each node proposes once, and again after a crash: something else, which would show if it
    /// made a ballot again.
    private mutating func propose(_ world: World, _ index: Int) {
        let count = Int(index == 0 ? world.budget.proposals.0 : world.budget.proposals.1)
        let crashes = options.crashes - Int(world.budget.crashes)
        guard count <= (options.proposesAgain ? crashes : 0), count < 3 else { return }
        var next = world
        if index == 0 { next.budget.proposals.0 += 1 } else { next.budget.proposals.1 += 1 }
        advance(next, index, Self.propose - (index + 2 * count))
    }

    private mutating func crash(_ world: World, _ index: Int) {
        var next = world
        next.budget.crashes -= 1
        World.set(&next.saves, index, 0)
        World.set(&next.nodes, index, restart(index, World.get(world.disks, index)))
        forgetMessages(&next)
        found.append(next)
        let saving = World.get(world.saves, index)
        guard saving > 0 else { return }
        // What was being saved may as well have reached the disk.
        World.set(&next.disks, index, saving - 1)
        World.set(&next.nodes, index, restart(index, saving - 1))
        record(&next, diskMarks[saving - 1])
        forgetMessages(&next)
        found.append(next)
    }

    private mutating func loseDisk(_ world: World, _ index: Int) {
        var next = world
        next.budget.lostDisks -= 1
        let acceptor = options.returned(base)
        World.set(&next.disks, index, number(ofDisk: acceptor.encoded(), index))
        World.set(&next.nodes, index, start(ids[index], acceptor, token: 1))
        World.set(&next.saves, index, 0)
        forgetMessages(&next)
        found.append(next)
    }

    private mutating func restart(_ index: Int, _ disk: Int) -> Int {
        guard let acceptor = options.restart(disks[disk]) else {
            preconditionFailure("what was saved is read")
        }
        return start(ids[index], acceptor, token: 1)
    }

    private mutating func start(_ id: NodeID, _ acceptor: RingAcceptor, token: UInt64) -> Int {
        let node = RingElection(
            own: id,
            acceptor: acceptor,
            token: token,
            seed: 1,
            limits: RingElectionLimits(roundTimeout: .zero, askInterval: .zero),
            at: Instant(nanoseconds: 0)
        )
        return number(of: node)
    }

    // MARK: Steps

    private mutating func advance(_ world: World, _ index: Int, _ input: Int) {
        let before = World.get(world.nodes, index)
        let step = step(before, input)
        guard facts[step.node].round <= options.rounds else { return }
        var next = world
        World.set(&next.nodes, index, step.node)
        if let saves = step.saves { World.set(&next.saves, index, saves + 1) }
        for number in step.sent {
            next.put(number)
            record(&next, envelopeMarks[number])
        }
        if let fault = step.fault { result.violation = fault }
        if let outcome = step.outcome {
            check(outcome, nodes.values[before], &next, index, input)
        }
        if !options.slowDisks.contains(index), World.get(next.saves, index) > 0 {
            return saveAndAdvance(next, index)
        }
        forgetMessages(&next)
        if next != world { found.append(next) }
    }

    private mutating func forgetMessages(_ world: inout World) {
        for (word, bits) in [world.soup.0, world.soup.1, world.soup.2, world.soup.3].enumerated() {
            var rest = bits
            while rest != 0 {
                let number = word * 64 + rest.trailingZeroBitCount
                rest &= rest - 1
                if isSpent(number, in: world) { world.remove(number) }
            }
        }
    }

    private mutating func isSpent(_ number: Int, in world: World) -> Bool {
        let index = targets[number]
        // Node 4 belongs to the documents that are proposed and takes no part.
        guard index < 3 else { return true }
        let node = World.get(world.nodes, index)
        switch classes[number] {
        case .other: return false
        // A faulty acceptor may forget, and so may one that crashes before it has saved.
        case .toAcceptor where options.isFaulty || World.get(world.saves, index) > 0: return false
        case .toAcceptor, .toProposer: break
        }
        let step = step(node, number)
        guard step.node == node, step.saves == nil, step.outcome == nil else { return false }
        return step.sent.allSatisfy { classes[$0] == .toProposer && isSpent($0, in: world) }
    }

    private mutating func saveAndAdvance(_ world: World, _ index: Int) {
        var next = world
        let saving = World.get(world.saves, index) - 1
        World.set(&next.disks, index, saving)
        World.set(&next.saves, index, 0)
        let before = diskPromises[World.get(world.disks, index)]
        if diskPromises[saving] < before, !options.isFaulty {
            result.violation = "a disk holds a lower promise than before"
        }
        record(&next, diskMarks[saving])
        advance(next, index, Self.persisted)
    }

    private mutating func step(_ node: Int, _ input: Int) -> Step {
        let key = Key(node: node, input: input)
        if let known = steps[key] { return known }
        var election = nodes.values[node]
        let own = election.own
        var effects = EffectBuffer<RingElection.Effect>()
        election.step(meaning(input), now: Instant(nanoseconds: 0), effects: &effects)
        var step = Step(node: number(of: election))
        effects.drain { effect in
            switch effect {
            case .send(_, .refused): break
            case .send(let target, let message):
                var sender = own
                if case .decided = message { sender = NodeID(0) }
                step.sent.append(number(of: Envelope(from: sender, to: target, message: message)))
            case .persist(let bytes):
                step.saves = number(ofDisk: bytes, Int(own.rawValue) - 1)
            case .finished(let outcome): step.outcome = outcome
            case .adopted: break
            case .conflict, .apart, .invalid: step.fault = "\(effect)"
            }
        }
        steps[key] = step
        return step
    }

    private func meaning(_ input: Int) -> RingElection.Input {
        switch input {
        case Self.persisted: return .persisted
        case Self.tick: return .tick
        case ..<0: return .propose(documents[Self.propose - input], within: .seconds(1))
        default:
            let envelope = envelopes.values[input]
            return .message(from: envelope.from, envelope.message)
        }
    }

    // MARK: Numbers

    private mutating func number(of node: RingElection) -> Int {
        let number = nodes.number(of: node)
        if number == facts.count {
            let document = documents.firstIndex(of: node.document).map { $0 + 1 } ?? 0
            facts.append(
                Facts(
                    isProposing: node.isProposing,
                    wantsTicks: node.isProposing || node.acceptor.isRecovering,
                    round: node.proposer?.ballot.round ?? 0,
                    document: document
                ))
        }
        return number
    }

    private mutating func number(of envelope: Envelope) -> Int {
        let number = envelopes.number(of: envelope)
        guard number == targets.count else { return number }
        precondition(number < 256, "the soup is too small")
        targets.append(Int(envelope.to.rawValue) - 1)
        var mark = Mark()
        switch envelope.message {
        case .prepare: classes.append(.toAcceptor)
        case .accept(let ballot, let delta):
            classes.append(.toAcceptor)
            mark = self.mark(ballot, try? base.applying(delta))
        case .accepted(_, let ballot):
            classes.append(.toProposer)
            mark = self.mark(ballot, nil, voter: Int(envelope.from.rawValue) - 1)
        case .promise, .known: classes.append(.toProposer)
        case .refused, .decided, .next, .ask, .recover, .agreed, .dissent: classes.append(.other)
        }
        envelopeMarks.append(mark)
        return number
    }

    /// - Parameter index: the node whose disk it is.
    private mutating func number(ofDisk bytes: ByteBuffer, _ index: Int) -> Int {
        // Disks of different nodes are told apart, since their votes are.
        var named = bytes
        named.writeInteger(UInt8(index))
        if let known = diskNumbers[named] { return known }
        diskNumbers[named] = diskMarks.count
        disks.append(bytes)
        let acceptor = try? RingAcceptor(saved: bytes)
        let accepted = acceptor?.accepted
        let promised = acceptor?.promised
        diskPromises.append(
            (acceptor?.document.epoch ?? 0) << 48 | (promised?.round ?? 0) << 16
                | UInt64(promised?.node.rawValue ?? 0))
        diskMarks.append(
            accepted.map { mark($0.ballot, $0.document, voter: index) } ?? Mark())
        return diskMarks.count - 1
    }

    private func place(_ ballot: RingBallot) -> Int {
        Int(ballot.round - 1) * 2 + Int(ballot.node.rawValue) - 1
    }

    private func mark(_ ballot: RingBallot, _ document: RingDocument?, voter: Int? = nil) -> Mark {
        let place = place(ballot)
        guard place < 8 else { return Mark() }
        return Mark(
            place: place,
            value: UInt64((document.flatMap { documents.firstIndex(of: $0) } ?? -1) + 1),
            vote: voter.map { 1 << UInt32(place * 3 + $0) } ?? 0
        )
    }

    // MARK: What must hold

    private mutating func record(_ world: inout World, _ mark: Mark) {
        guard let place = mark.place else { return }
        let shift = UInt64(8 * place)
        let before = world.values >> shift & 0xFF
        if before != 0, mark.value != 0, before != mark.value {
            result.violation = "one ballot is for two documents: \(describe(world))"
        }
        world.values |= mark.value << shift
        world.votes |= mark.vote
    }

    /// 1 + the number of the document for which a majority has voted at one ballot; 0 for none, nil
    /// for two.
    private func chosen(_ world: World) -> UInt64? {
        var chosen: UInt64 = 0
        for place in 0..<8 where (world.votes >> UInt32(place * 3) & 7).nonzeroBitCount >= 2 {
            let value = world.values >> UInt64(8 * place) & 0xFF
            if chosen != 0, chosen != value { return nil }
            chosen = value
        }
        return chosen
    }

    private mutating func checkChosen(_ world: World) {
        guard let chosen = chosen(world) else {
            result.violation = "two documents are chosen: \(describe(world))"
            return
        }
        if chosen != 0 { result.worldsWithDecision += 1 }
        for index in 0..<3 {
            let document = facts[World.get(world.nodes, index)].document
            if document != 0, document != chosen {
                result.violation = "node \(ids[index]) has a document that was not chosen"
            }
        }
    }

    private mutating func check(
        _ outcome: RingElection.Outcome,
        _ before: RingElection,
        _ world: inout World,
        _ index: Int,
        _ input: Int
    ) {
        let document: RingDocument
        switch outcome {
        case .chosen(let own): document = own
        case .superseded(let other): document = other
        case .abstained: return
        case .overtaken, .failed, .refused, .dissent:
            result.violation = "\(outcome) can't be"
            return
        }
        // A vote of the node's own acceptor is counted inside it.
        if let proposer = before.proposer,
            proposer.acceptances.contains(ids[index]) || input == Self.persisted
        {
            record(&world, mark(proposer.ballot, nil, voter: index))
        }
        let number = (documents.firstIndex(of: document) ?? -2) + 1
        if chosen(world) != UInt64(number) {
            result.violation = "a document is reported that was not chosen: \(describe(world))"
        }
    }

    private func describe(_ world: World) -> String {
        (0..<8).map { place in
            let value = world.values >> UInt64(8 * place) & 0xFF
            let votes = world.votes >> UInt32(place * 3) & 7
            return "ballot \(place / 2 + 1)#\(place % 2 + 1): value \(value), votes \(votes)"
        }.joined(separator: "; ")
    }
}
