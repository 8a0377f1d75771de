package import HengeBase
import HengeMembership
import HengeMessages
package import HengeNode
package import HengeRing

import struct NIOCore.ByteBuffer

/// A cluster of control planes alone, in virtual time, that changes its ring once: how fast each
/// epoch is decided and reaches everyone, and at what price.
///
/// Elections, stewards, gossip and reports are the real ones. What shards do is left out: a
/// partition counts as taken over a while after its node was told to begin. All have connections to
/// all, which lose nothing; one that joins gets them as others hear of it.
package final class RingSimulation {
    package enum Change: String, CaseIterable, Sendable {
        /// A node is added, and takes its share of the positions.
        case node
        /// One position changes hands.
        case vnode
    }

    package struct Options: Sendable {
        package var nodes: Int
        package var partitions: Int
        package var change: Change
        package var seed: UInt64
        package var control = ControlSettings()
        /// Each message takes up to so much longer than ``latency``.
        package var jitter = Interval.milliseconds(5)
        package var latency = Interval.milliseconds(1)
        package var saveTime = Interval.milliseconds(5)
        /// A partition is taken over within so long.
        package var transferMax = Interval.seconds(3)
        /// Of a hundred nodes, how many are not told when an epoch is decided and have to find out.
        package var unheardPercent = 0

        /// - Parameters:
        ///   - nodes: 3 to 999.
        ///   - partitions: a power of two from 64 to 16,384.
        package init(nodes: Int, partitions: Int, change: Change, seed: UInt64) {
            invariant((3...999).contains(nodes))
            self.nodes = nodes
            self.partitions = partitions
            self.change = change
            self.seed = seed
        }
    }

    enum Event {
        case tick(Int)
        case gossip(from: Int, to: Int, GossipMessage)
        case ring(from: Int, to: Int, RingMessage)
        case report(from: Int, to: Int, RingReport)
        case saved(Int)
        case due(Int)
        case connect(Int, Int)
    }

    final class Participant {
        var control: ControlPlane
        var dueAt: Instant?
        /// What it joins the replicas of, and when it will have taken that over; nil before it has
        /// begun.
        var taking: [(partition: Int, readyAt: Instant?)] = []

        init(_ control: consuming ControlPlane) {
            self.control = control
        }
    }

    private static let timeMax = Interval.seconds(600)

    let options: Options
    package let start: RingDocument
    /// The document that begins the change.
    package let beginning: RingDocument
    /// nil for one that has not joined yet.
    private var participants: [Participant?]
    private(set) var now = Instant(nanoseconds: 0)
    private var dice: SeededGenerator
    private var queue = EventQueue<Event>()
    private var effects = EffectBuffer<ControlEffect>()
    /// Whether what is carried out was asked for.
    private var isAnswering = false
    var tally: Tally

    /// - Parameters:
    ///   - start: of ``Options/nodes`` members and as many partitions as the options say.
    ///   - beginning: follows it.
    package init(_ options: Options, from start: RingDocument, to beginning: RingDocument) {
        invariant(start.members.count == options.nodes && beginning.transition != nil)
        self.options = options
        self.start = start
        self.beginning = beginning
        dice = SeededGenerator(seed: options.seed)
        let count = beginning.allMembers.count
        tally = Tally(nodes: count)
        participants = Array(repeating: nil, count: count)
        for member in start.members.indices { admit(member, start, isNew: false) }
    }

    /// What each node has saved: that it has met everyone, so that no one writes to a disk for it.
    private lazy var lives: ByteBuffer = {
        let index = MemberIndex(start.members.map(\.id))
        var ledger = LifeLedger(members: index, saved: nil)
        for member in start.members.indices { _ = ledger.met(life(member), of: member) }
        return ledger.encoded()
    }()

    private func id(_ member: Int) -> NodeID { NodeID(UInt16(member + 1)) }

    private func number(_ id: NodeID) -> Int { Int(id.rawValue) - 1 }

    private func admit(_ member: Int, _ document: RingDocument, isNew: Bool) {
        let control = ControlPlane(
            node: id(member),
            ring: RingAcceptor(document: document, hasLostVotes: isNew),
            settings: options.control,
            life: life(member),
            savedLives: lives,
            seed: dice.next(),
            at: now
        )
        participants[member] = Participant(control)
        let interval = Int(options.control.interval.nanoseconds)
        queue.schedule(
            .tick(member),
            at: now + Interval(nanoseconds: UInt64(dice.below(interval)))
        )
        step(member, .start)
    }

    private func life(_ member: Int) -> UInt64 { Life.make(start: 1, chance: UInt64(member)) }

    // MARK: Running

    /// Runs until the change is through everywhere; once. False when it does not get there.
    package func run() -> Bool {
        for a in start.members.indices { for b in 0..<a { connect(a, b) } }
        run(until: now + .seconds(5)) { false }
        tally.begin(at: now)
        step(0, .propose(beginning, within: .seconds(10)))
        run(until: now + Self.timeMax) { isThrough }
        return isThrough
    }

    private var isThrough: Bool {
        guard tally.epochs.last?.adopted == participants.count else { return false }
        return participants.allSatisfy { $0?.control.ring.document.transition == nil }
    }

    private func run(until end: Instant, _ isDone: () -> Bool) {
        while let next = queue.nextTime, next < end, !isDone() {
            guard let (time, event) = queue.popNext() else { return }
            now = time
            handle(event)
        }
        if !isDone() { now = max(now, end) }
    }

    private func handle(_ event: Event) {
        switch event {
        case .tick(let member):
            queue.schedule(event, at: now + options.control.interval)
            step(member, .ownReport(ownReport(of: member)))
            step(member, .tick)
        case .gossip(let sender, let receiver, let message):
            step(receiver, .gossip(from: id(sender), message))
        case .ring(let sender, let receiver, let message):
            step(receiver, .ring(from: id(sender), message))
        case .report(let sender, let receiver, let report):
            step(receiver, .report(from: id(sender), report))
        case .saved(let member): step(member, .ringSaved)
        case .due(let member):
            participants[member]?.dueAt = nil
            step(member, .due)
        case .connect(let a, let b): connect(a, b)
        }
    }

    private func connect(_ a: Int, _ b: Int) {
        guard knows(a, b), knows(b, a) else { return }
        step(a, .connected(id(b), life: life(b)))
        step(b, .connected(id(a), life: life(a)))
    }

    private func knows(_ a: Int, _ b: Int) -> Bool {
        participants[a]?.control.ring.member(id(b)) != nil
    }

    private func step(_ member: Int, _ input: ControlInput) {
        isAnswering = false
        if case .ring(_, .ask) = input { isAnswering = true }
        guard let participant = participants[member] else { return }
        participant.control.step(input, at: now, effects: &effects)
        var emitted: [ControlEffect] = []
        effects.drain { emitted.append($0) }
        for effect in emitted { carryOut(effect, of: member) }
        guard let due = participant.control.nextDue,
            participant.dueAt.map({ due < $0 }) ?? true
        else { return }
        participant.dueAt = due
        queue.schedule(.due(member), at: due)
    }

    private func carryOut(_ effect: ControlEffect, of member: Int) {
        switch effect {
        case .send(let target, let message):
            post(.gossip(from: member, to: number(target), message))
        case .sendRing(let target, let message):
            tally.sent(message, by: member)
            if !isAnswering, message.isAnnouncement, dice.chance(options.unheardPercent, in: 100) {
                return
            }
            post(.ring(from: member, to: number(target), message))
        case .sendReport(let target, let report):
            tally.sent(report, by: member)
            post(.report(from: member, to: number(target), report))
        case .saveRing: queue.schedule(.saved(member), at: now + options.saveTime)
        case .adopted(let ring): adopted(ring, by: member)
        case .disconnect, .peerUp, .peerDown, .confirmActors, .saveLives, .note, .memberEpoch,
            .proposalEnded:
            break
        }
    }

    private func post(_ event: Event) {
        let jitter = dice.below(Int(options.jitter.nanoseconds) + 1)
        let delay = Interval(nanoseconds: options.latency.nanoseconds + UInt64(jitter))
        queue.schedule(event, at: now + delay)
    }

    // MARK: What shards would do

    private func adopted(_ ring: Ring, by member: Int) {
        tally.adopted(ring.document.epoch, at: now)
        for other in participants.indices where other >= start.members.count && other != member {
            guard ring.member(id(other)) != nil else { continue }
            if participants[other] == nil { admit(other, ring.document, isNew: true) }
            queue.schedule(.connect(member, other), at: now + .milliseconds(50))
        }
        guard let participant = participants[member] else { return }
        var taking: [(partition: Int, readyAt: Instant?)] = []
        if ring.document.transition != nil {
            let known = participant.taking
            for partition in 0..<ring.partitions where ring.step(of: partition) < .next {
                guard ring.joining(partition: partition).contains(id(member)) else { continue }
                let readyAt = known.first { $0.partition == partition }?.readyAt
                taking.append((partition, readyAt ?? begin(partition, ring)))
            }
        }
        participant.taking = taking
    }

    private func begin(_ partition: Int, _ ring: Ring) -> Instant? {
        guard ring.step(of: partition) > .current else { return nil }
        let time = dice.below(Int(options.transferMax.nanoseconds) + 1)
        return now + Interval(nanoseconds: UInt64(time))
    }

    private func ownReport(of member: Int) -> RingReport? {
        guard let participant = participants[member] else { return nil }
        let document = participant.control.ring.document
        guard document.transition != nil else { return nil }
        let ready = participant.taking.filter { $0.readyAt.map { $0 <= now } ?? false }
        var progress = TransferProgress()
        progress.partitionsDone = ready.count
        progress.partitionsLeft = participant.taking.count - ready.count
        return RingReport(
            epoch: document.epoch,
            ready: ready.map { UInt16($0.partition) },
            progress: progress
        )
    }
}

extension RingMessage {
    /// Whether it tells that something was decided.
    fileprivate var isAnnouncement: Bool {
        switch self {
        case .decided, .next: true
        case .prepare, .promise, .accept, .accepted, .refused, .ask, .known, .recover, .agreed,
            .dissent:
            false
        }
    }
}
