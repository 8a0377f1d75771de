import HengeBase
import HengeMembership
package import HengeMessages

/// What a ``GossipSimulation`` measures.
extension GossipSimulation {
    package struct Report: Hashable, Sendable {
        package var nodes: Int
        /// From the first heartbeat of the node that joins until all others have heard one, in
        /// rounds; nil when that did not come about.
        package var joinRounds: Double?
        /// From one beat of any node until all others have heard that or a later one, in rounds.
        package var factRoundsMean: Double
        package var factRoundsMax: Double
        package var facts: Int
        /// That a node sends in a calm cluster, with frames.
        package var bytesPerNodeSecond: Int
        /// From the stop of a node until the first and the last of the others held it for down, in
        /// milliseconds; nil when not all did.
        package var stopNoticedFirst: Int?
        package var stopNoticedLast: Int?
        /// Times that a node which ran was suspected, and held for down, by any other.
        package var falseSuspicions: Int
        package var falseDowns: Int
        /// The calm time.
        package var seconds: Int
    }

    /// What is counted while it runs.
    struct Tally {
        var isCounting = false
        var bytes = 0
        var suspicions = 0
        var falseDowns = 0
        var joinRounds: Double?
        var factRounds: [Double] = []

        mutating func sent(_ message: GossipMessage) {
            if isCounting { bytes += GossipSimulation.bytes(of: message) }
        }
    }

    /// A message's length on the wire, with its frame. Without encoding it: most of the time of a
    /// run of a thousand nodes would go there.
    package static func bytes(of message: GossipMessage) -> Int {
        // A request id, which gossip leaves empty, and what kind of message it is of which.
        let kinds = 8 + 2
        switch message {
        case .digest(let beats), .news(let beats):
            return Frame.headerLength + kinds + 4 + beats.count * 18
        case .leaving: return Frame.headerLength + kinds
        case .otherLife: return Frame.headerLength + kinds + 8
        }
    }

    // MARK: Facts

    /// A node has begun a round: its beat is the next fact to follow if none is.
    func ticked(_ member: Int) {
        let isJoin =
            member == participants.count - 1 && tally.joinRounds == nil
            && now >= joins && participants[member].control.beat(of: ids[member]) == 1
        guard isJoin || (fact == nil && now >= joins && now < stops) else { return }
        fact = Fact(
            origin: member,
            beat: participants[member].control.beat(of: ids[member]),
            since: now,
            isKnown: participants.indices.map { $0 == member },
            missing: participants.count - 1
        )
    }

    /// A node has heard something: maybe the fact.
    func heardOf(_ member: Int) {
        guard let fact, !fact.isKnown[member],
            participants[member].control.beat(of: ids[fact.origin]) >= fact.beat
        else { return }
        self.fact?.isKnown[member] = true
        self.fact?.missing -= 1
        guard fact.missing == 1 else { return }
        let rounds = now.since(fact.since).seconds / options.control.interval.seconds
        if fact.origin == participants.count - 1, fact.beat == 1 {
            tally.joinRounds = rounds
        } else {
            tally.factRounds.append(rounds)
        }
        self.fact = nil
    }

    func report() -> Report {
        let noticed = participants.dropFirst().compactMap(\.noticedStop).sorted()
        let haveAll = noticed.count == participants.count - 1
        let facts = tally.factRounds
        let nodeSeconds = Double(participants.count) * options.calm.seconds
        return Report(
            nodes: participants.count,
            joinRounds: tally.joinRounds,
            factRoundsMean: facts.isEmpty ? 0 : facts.reduce(0, +) / Double(facts.count),
            factRoundsMax: facts.max() ?? 0,
            facts: facts.count,
            bytesPerNodeSecond: Int((Double(tally.bytes) / nodeSeconds).rounded()),
            stopNoticedFirst: haveAll ? noticed.first.map(milliseconds) : nil,
            stopNoticedLast: haveAll ? noticed.last.map(milliseconds) : nil,
            falseSuspicions: tally.suspicions,
            falseDowns: tally.falseDowns,
            seconds: Int(options.calm.seconds)
        )
    }

    private func milliseconds(_ noticed: Instant) -> Int { Int(noticed.since(stops).milliseconds) }
}
