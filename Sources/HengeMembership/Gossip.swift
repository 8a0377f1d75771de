package import HengeBase
package import HengeMessages

/// What a node has heard of each member's heartbeats, and how it spreads.
///
/// Push-pull anti-entropy (Demers et al., *Epidemic algorithms for replicated database
/// maintenance*, PODC 1987): each round a node sends all that it knows to a few random others, and
/// each sends back what it knows better, so news reaches n nodes in O(log n) rounds. Members are
/// named by their numbers in ``members``.
package struct Gossip: Sendable {
    /// A heartbeat from a node itself that is behind what others say of it by more than this shows
    /// that the others are wrong, not that it was long under way.
    package static let leadMax: UInt64 = 1_000

    private struct Entry {
        var life: UInt64 = 0
        /// 0 when nothing has been heard of it yet.
        var beat: UInt64 = 0
        var window: ArrivalWindow
        /// Whether the member itself has said which life this is, over a connection that is open.
        var isLifeKnown = false
    }

    package private(set) var members: MemberIndex
    package private(set) var own: Int
    package let detector: PhiDetector
    private var entries: [Entry]
    /// By member: the number of the digest that last spoke of it.
    private var mentions: [UInt32]
    private var digests: UInt32 = 0

    /// - Parameters:
    ///   - own: this node, a member.
    ///   - life: this process; above 0.
    package init(
        members: MemberIndex,
        own: NodeID,
        life: UInt64,
        detector: PhiDetector,
        at now: Instant
    ) {
        guard let number = members[own] else { preconditionFailure("\(own) is no member") }
        self.members = members
        self.own = number
        self.detector = detector
        let window = ArrivalWindow(expecting: detector.interval, at: now)
        entries = Array(repeating: Entry(window: window), count: members.count)
        entries[number].life = life
        mentions = Array(repeating: 0, count: members.count)
    }

    /// The cluster has other members from now on, this node among them. What is known of those that
    /// stay is kept.
    package mutating func move(to newer: MemberIndex, at now: Instant) {
        guard let number = newer[members.ids[own]] else {
            preconditionFailure("\(members.ids[own]) is no member")
        }
        let window = ArrivalWindow(expecting: detector.interval, at: now)
        entries = newer.carry(entries, from: members, fresh: Entry(window: window))
        mentions = newer.carry(mentions, from: members, fresh: 0)
        members = newer
        own = number
    }

    /// The highest beat known of a member's present life; 0 for none.
    package func beat(of member: Int) -> UInt64 { entries[member].beat }

    package func phi(of member: Int, at now: Instant) -> Double {
        member == own ? 0 : detector.phi(entries[member].window, at: now)
    }

    // MARK: Connections

    /// The member has connected and said which life it is; its heartbeats are awaited from now on.
    package mutating func connected(_ member: Int, life: UInt64, at now: Instant) {
        invariant(member != own)
        if entries[member].life == life {
            entries[member].window.restart(at: now)
        } else {
            let window = ArrivalWindow(expecting: detector.interval, at: now)
            entries[member] = Entry(life: life, window: window)
        }
        entries[member].isLifeKnown = true
    }

    package mutating func disconnected(_ member: Int) {
        entries[member].isLifeKnown = false
    }

    // MARK: Rounds

    /// Begins a round: another beat of this node. Returns the digest to send.
    package mutating func beginRound() -> [Heartbeat] {
        entries[own].beat += 1
        return (0..<members.count).compactMap { entries[$0].beat > 0 ? heartbeat($0) : nil }
    }

    /// Takes the news that answers a digest.
    package mutating func take(_ beats: [Heartbeat], from sender: Int, at now: Instant) {
        for beat in beats {
            guard let member = members[beat.node] else { continue }
            adopt(beat, of: member, from: sender, at: now)
        }
    }

    /// Takes a digest, and returns what this node knows better.
    package mutating func answer(
        _ digest: [Heartbeat],
        from sender: Int,
        at now: Instant
    ) -> [Heartbeat] {
        digests &+= 1
        // What is sent back was known before the digest came; each member once.
        var news: [Heartbeat] = []
        for beat in digest {
            guard let member = members[beat.node] else { continue }
            let isRepeated = mentions[member] == digests
            mentions[member] = digests
            if precedes(beat, entries[member]) {
                if !isRepeated { news.append(heartbeat(member)) }
            }
            adopt(beat, of: member, from: sender, at: now)
        }
        for member in 0..<members.count
        where mentions[member] != digests && entries[member].beat > 0 && member != sender {
            news.append(heartbeat(member))
        }
        return news
    }

    private func heartbeat(_ member: Int) -> Heartbeat {
        let entry = entries[member]
        return Heartbeat(node: members.ids[member], life: entry.life, beat: entry.beat)
    }

    private func precedes(_ beat: Heartbeat, _ entry: Entry) -> Bool {
        (beat.life, beat.beat) < (entry.life, entry.beat)
    }

    private mutating func adopt(
        _ beat: Heartbeat,
        of member: Int,
        from sender: Int,
        at now: Instant
    ) {
        // Nobody knows better than this node how it is, and a beat of 0 was never made.
        guard member != own, beat.beat > 0 else { return }
        let entry = entries[member]
        if beat.life == entry.life {
            let isBehind =
                member == sender && entry.beat > Self.leadMax
                && beat.beat < entry.beat - Self.leadMax
            guard beat.beat > entry.beat || isBehind else { return }
            entries[member].beat = beat.beat
            // A long silence says nothing of how regular the heartbeats are.
            if detector.liveness(phi: phi(of: member, at: now)) == .down {
                entries[member].window.restart(at: now)
            } else {
                entries[member].window.arrived(at: now)
            }
        } else if beat.life > entry.life, !entry.isLifeKnown {
            let window = ArrivalWindow(expecting: detector.interval, at: now)
            entries[member] = Entry(life: beat.life, beat: beat.beat, window: window)
        }
    }
}
