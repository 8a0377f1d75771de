import HengeBase
import HengeMembership

/// What a round does: judge everyone, then tell some of everyone.
extension ControlPlane {
    /// More than are ever down at a time, it is hoped: the next in line would know of others only
    /// what they said last, and now and then.
    private static let stewardsTold = 8

    /// Suspects who is late, and gives up connections to the dead and those that bring nothing.
    mutating func judgeAll(at time: Instant, _ effects: inout EffectBuffer<ControlEffect>) {
        for member in peers.indices where peers[member].link.isOpen {
            judge(member, at: time, &effects)
        }
    }

    private mutating func judge(
        _ member: Int,
        at time: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        let id = members.ids[member]
        let silence = peers[member].link.silence(at: time)
        let silenceMax = settings.interval.nanoseconds * UInt64(settings.silenceIntervalsMax)
        let phi = gossip.phi(of: member, at: time)
        let liveness = gossip.detector.liveness(phi: phi)
        if liveness == .down || silence.nanoseconds >= silenceMax {
            close(member, liveness == .down ? .late(phi: phi) : .silent(silence), &effects)
            effects.emit(.disconnect(id))
            return
        }
        let isSuspect = liveness == .suspect
        guard isSuspect != peers[member].isSuspect, peers[member].isUp else { return }
        peers[member].isSuspect = isSuspect
        effects.emit(.note(isSuspect ? .suspect(id, phi: phi) : .cleared(id)))
    }

    /// Beats, and tells some random members, and those from whom an answer is missing since an
    /// earlier round. Who has no connection can't be told; the transport tries to reach those.
    mutating func spread(at time: Instant, _ effects: inout EffectBuffer<ControlEffect>) {
        let digest = gossip.beginRound()
        let again = Interval(nanoseconds: settings.interval.nanoseconds / 2)
        var reachable: [Int] = []
        reachable.reserveCapacity(members.count)
        var targets: [Int] = []
        for member in peers.indices
        where peers[member].link.isOpen && !peers[member].isLeaving {
            if peers[member].link.silence(at: time) >= again {
                targets.append(member)
            } else {
                reachable.append(member)
            }
        }
        // The first steps of a Fisher-Yates shuffle.
        for place in 0..<min(settings.fanout, reachable.count) {
            reachable.swapAt(place, place + dice.below(reachable.count - place))
            targets.append(reachable[place])
        }
        for member in targets {
            peers[member].link.asked(at: time)
            effects.emit(.send(members.ids[member], .digest(digest)))
        }
        for member in Set(targets + reachable.filter { isToldAlways($0) }).sorted() {
            effects.emit(.sendReport(members.ids[member], ownReport))
        }
    }

    /// Everyone was told when this node adopted its ring, and when it connected; each round only
    /// repeats that for some, in case that it was lost. But while the ring changes those that may
    /// lead it have to know of everyone, and everyone of those that take over.
    private func isToldAlways(_ member: Int) -> Bool {
        guard ring.document.transition != nil else { return false }
        return ownReport.takesOver
            || ring.voters.prefix(Self.stewardsTold).contains(members.ids[member])
    }
}
