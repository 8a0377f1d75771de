package import HengeBase
import HengeMembership
import HengeMessages
package import HengeNode
import HengeRing

/// A cluster of control planes alone, in virtual time, over a network that loses, delays and
/// reorders each message by itself: how far gossip carries, how fast and at what price.
///
/// Harsher than what nodes have between them, since TCP delivers late what the network loses. All
/// have connections to all from the start, except the last node, which joins them in the middle.
/// At the end the first one stops without a word.
package final class GossipSimulation {
    package struct Options: Sendable {
        package var nodes: Int
        package var seed: UInt64
        package var control = ControlSettings()
        /// Of a hundred messages.
        package var lossPercent = 5
        /// Each message takes up to so much longer than ``latency``.
        package var jitter = Interval.milliseconds(200)
        package var latency = Interval.milliseconds(1)
        /// How long the whole cluster runs undisturbed.
        package var calm = Interval.seconds(120)

        /// - Parameter nodes: 3 to 1,000.
        package init(nodes: Int, seed: UInt64) {
            invariant((3...1000).contains(nodes))
            self.nodes = nodes
            self.seed = seed
        }
    }

    enum Event {
        case tick(Int)
        case deliver(from: Int, to: Int, GossipMessage)
        case closed(at: Int, by: Int)
        case reconnect(Int, Int)
    }

    final class Participant {
        var control: ControlPlane
        var isRunning = false
        /// When this node was told of the stopped one's death.
        var noticedStop: Instant?

        init(_ control: consuming ControlPlane) {
            self.control = control
        }
    }

    /// Something that one node knows first, under way to the others.
    struct Fact {
        let origin: Int
        let beat: UInt64
        let since: Instant
        var isKnown: [Bool]
        var missing: Int
    }

    /// Rounds before the last node joins, and before bytes are counted after that.
    static let warmUpRounds: UInt64 = 10
    private static let stopRoundsMax: UInt64 = 60

    let options: Options
    let ids: [NodeID]
    var participants: [Participant] = []
    var now = Instant(nanoseconds: 0)
    var dice: SeededGenerator
    private var queue = EventQueue<Event>()
    private var effects = EffectBuffer<ControlEffect>()
    var tally = Tally()
    var fact: Fact?
    let joins: Instant
    let counts: Instant
    let stops: Instant

    package init(_ options: Options) {
        self.options = options
        ids = (1...options.nodes).map { NodeID(UInt16($0)) }
        dice = SeededGenerator(seed: options.seed)
        let warmUp = Interval(
            nanoseconds: options.control.interval.nanoseconds * Self.warmUpRounds
        )
        joins = now + warmUp
        counts = joins + warmUp
        stops = counts + options.calm
        makeParticipants()
    }

    private func makeParticipants() {
        // Everyone has met everyone, so that no one writes to a disk.
        let index = MemberIndex(ids)
        var ledger = LifeLedger(members: index, saved: nil)
        for member in ids.indices { _ = ledger.met(life(member), of: member) }
        let saved = ledger.encoded()
        let ring = RingAcceptor(document: Self.document(of: ids), hasLostVotes: false)
        for member in ids.indices {
            let control = ControlPlane(
                node: ids[member],
                ring: ring,
                settings: options.control,
                life: life(member),
                savedLives: saved,
                seed: dice.next(),
                at: now
            )
            participants.append(Participant(control))
        }
    }

    private static func document(of ids: [NodeID]) -> RingDocument {
        RingDocument(
            clusterID: 1,
            epoch: 1,
            replicas: 3,
            members: ids.map { Member(id: $0, name: "n\($0.rawValue)", peerAddress: "n:1") },
            owners: (0..<1024).map { ids[$0 % ids.count] }
        )
    }

    private func life(_ member: Int) -> UInt64 { Life.make(start: 1, chance: UInt64(member)) }

    // MARK: Running

    /// Runs it all; once.
    package func run() -> Report {
        let last = participants.count - 1
        for member in 0..<last { start(member) }
        for a in 0..<last { for b in 0..<a { connect(a, b) } }
        runEvents(until: joins)
        start(last)
        for member in 0..<last { connect(last, member) }
        runEvents(until: counts)
        tally.isCounting = true
        runEvents(until: stops)
        tally.isCounting = false
        participants[0].isRunning = false
        let end =
            stops
            + Interval(
                nanoseconds: options.control.interval.nanoseconds * Self.stopRoundsMax
            )
        while let next = queue.nextTime, next <= end, !haveAllNoticed { runNext() }
        return report()
    }

    private var haveAllNoticed: Bool {
        participants.dropFirst().allSatisfy { $0.noticedStop != nil }
    }

    private func runEvents(until end: Instant) {
        while let next = queue.nextTime, next < end { runNext() }
        now = max(now, end)
    }

    private func runNext() {
        guard let (time, event) = queue.popNext() else { return }
        now = time
        switch event {
        case .tick(let member):
            guard participants[member].isRunning else { return }
            queue.schedule(event, at: now + options.control.interval)
            step(member, .tick)
            ticked(member)
        case .deliver(let sender, let receiver, let message):
            step(receiver, .gossip(from: ids[sender], message))
            heardOf(receiver)
        case .closed(let member, let other):
            step(member, .disconnected(ids[other]))
        case .reconnect(let a, let b):
            guard participants[a].isRunning, participants[b].isRunning else { return }
            connect(a, b)
        }
    }

    private func start(_ member: Int) {
        participants[member].isRunning = true
        let interval = Int(options.control.interval.nanoseconds)
        queue.schedule(
            .tick(member),
            at: now + Interval(nanoseconds: UInt64(dice.below(interval)))
        )
        step(member, .start)
    }

    private func connect(_ a: Int, _ b: Int) {
        step(a, .connected(ids[b], life: life(b)))
        step(b, .connected(ids[a], life: life(a)))
    }

    private func step(_ member: Int, _ input: ControlInput) {
        let participant = participants[member]
        guard participant.isRunning else { return }
        participant.control.step(input, at: now, effects: &effects)
        for index in 0..<effects.count { carryOut(effects[index], of: member) }
        effects.removeAll()
    }

    private func carryOut(_ effect: ControlEffect, of member: Int) {
        switch effect {
        case .send(let id, let message):
            send(message, from: member, to: number(id))
        case .disconnect(let id):
            let other = number(id)
            queue.schedule(.closed(at: other, by: member), at: now + delay())
            queue.schedule(.reconnect(member, other), at: now + .milliseconds(500))
        case .peerDown(let id):
            noticed(number(id), by: member)
        case .note(.suspect(let id, _)):
            if participants[number(id)].isRunning { tally.suspicions += 1 }
        case .peerUp, .confirmActors, .saveLives, .note, .sendRing, .sendReport, .saveRing,
            .adopted, .memberEpoch, .proposalEnded:
            break
        }
    }

    private func send(_ message: GossipMessage, from sender: Int, to receiver: Int) {
        if case .otherLife = message { return }
        tally.sent(message)
        guard !dice.chance(options.lossPercent, in: 100) else { return }
        queue.schedule(.deliver(from: sender, to: receiver, message), at: now + delay())
    }

    private func delay() -> Interval {
        let jitter = dice.below(Int(options.jitter.nanoseconds) + 1)
        return Interval(nanoseconds: options.latency.nanoseconds + UInt64(jitter))
    }

    private func number(_ id: NodeID) -> Int { Int(id.rawValue) - 1 }

    private func noticed(_ other: Int, by member: Int) {
        if participants[other].isRunning {
            tally.falseDowns += 1
        } else if participants[member].noticedStop == nil {
            participants[member].noticedStop = now
        }
    }
}
