import HengeBase
import HengeMessages

/// The requests that are being explained, by where their answers go.
///
/// A client's answer waits here until all that was done for its request has ended, so that the
/// explanation is whole. A node that has forwarded a request is answered at once and told the rest
/// later, since its own deadline goes on. While nobody asks for an explanation this is empty, and
/// all that a request pays is to see that.
struct Explanations: Sendable {
    /// More requests than this at once are answered without.
    static let openMax = 64
    /// How long after its deadline the node that a request was forwarded to may still tell of it:
    /// its own deadline is later by the way there, it notices it by a tick, and there is the way
    /// back.
    static let patience = Interval.milliseconds(100)

    struct Open: Sendable {
        let began: Instant
        var legs: [Explanation.Leg]
        /// Reads, writes, forwards, waits for a ring and explanations of other nodes that go on.
        var flights = 0
        var isAnswered = false
        /// What a client is to be answered.
        var response: ClientResponse?
    }

    private struct Awaited: Sendable {
        let id: RequestID
        let sender: NodeID
        let origin: Origin
        let until: Instant
    }

    /// As of the step that is being taken. Only while there are any.
    var now = Instant(nanoseconds: 0)
    private var open: [Origin: Open] = [:]
    /// Those of `open` in the order in which they began.
    private var order: [Origin] = []
    private var awaited: [Awaited] = []

    var isEmpty: Bool { order.isEmpty }
    var count: Int { order.count }
    func contains(_ origin: Origin) -> Bool { open[origin] != nil }

    /// Begins one, unless the request has begun before and begins again now.
    mutating func begin(_ origin: Origin, at node: NodeID, epoch: UInt64, now: Instant) {
        guard open[origin] == nil, count < Self.openMax else { return }
        self.now = now
        let leg = Explanation.Leg(node: node, epoch: epoch)
        open[origin] = Open(began: now, legs: [leg])
        order.append(origin)
    }

    mutating func note(_ origin: Origin, _ event: Explanation.Event) {
        guard let began = open[origin]?.began else { return }
        open[origin]?.legs[0].note(event, after: now.since(began))
    }

    /// Something is done for the request, of which nobody knows when it ends.
    mutating func flightBegan(_ origin: Origin) {
        open[origin]?.flights += 1
    }

    mutating func flightEnded(_ origin: Origin) {
        // A node that sends one id twice may have more end than began; it is told less then.
        guard let flights = open[origin]?.flights, flights > 0 else { return }
        open[origin]?.flights -= 1
    }

    /// The request has its answer.
    ///
    /// - Returns: whether it waits here, with the explanation.
    mutating func hold(_ origin: Origin, _ response: ClientResponse) -> Bool {
        guard let one = open[origin], !one.isAnswered else { return false }
        var isSuccess = true
        if case .failed = response { isSuccess = false }
        note(origin, .replies(isSuccess: isSuccess))
        open[origin]?.isAnswered = true
        guard case .client = origin else { return false }
        open[origin]?.response = response
        return true
    }

    // MARK: Other nodes' legs

    /// The sender has answered the forwarded request and will tell how it went.
    mutating func waitForLeg(
        _ id: RequestID,
        of sender: NodeID,
        for origin: Origin,
        until: Instant
    ) {
        guard open[origin] != nil else { return }
        flightBegan(origin)
        let one = Awaited(
            id: id,
            sender: sender,
            origin: origin,
            until: until + Self.patience
        )
        awaited.append(one)
    }

    /// Another node tells; what nobody waits for is dropped.
    mutating func told(_ id: RequestID, by sender: NodeID, _ explanation: Explanation) {
        guard let index = awaited.firstIndex(where: { $0.id == id && $0.sender == sender })
        else { return }
        let origin = awaited.remove(at: index).origin
        flightEnded(origin)
        guard let one = open[origin] else { return }
        let room = Explanation.legsMax - one.legs.count
        open[origin]?.legs += explanation.legs.prefix(max(0, room))
        if explanation.legs.count > room { open[origin]?.legs[0].isCut = true }
    }

    /// The node is gone and tells nothing more.
    mutating func lost(_ peer: NodeID) {
        giveUp { $0.sender == peer }
    }

    /// Ends waiting for what should have been told by now.
    mutating func expire() {
        let now = now
        giveUp { $0.until <= now }
    }

    private mutating func giveUp(_ isLost: (Awaited) -> Bool) {
        for one in awaited where isLost(one) {
            open[one.origin]?.legs[0].isCut = true
            flightEnded(one.origin)
        }
        awaited.removeAll(where: isLost)
    }

    // MARK: The end

    /// Takes those that are whole, in the order in which they began.
    mutating func takeFinished() -> [(origin: Origin, open: Open)] {
        var finished: [(origin: Origin, open: Open)] = []
        for origin in order {
            guard let one = open[origin], one.isAnswered, one.flights == 0 else { continue }
            finished.append((origin, one))
            open[origin] = nil
        }
        if !finished.isEmpty { order.removeAll { open[$0] == nil } }
        return finished
    }
}

extension Explanation.Leg {
    /// Adds a step, as long as there is room; there always is for the answer.
    fileprivate mutating func note(_ event: Explanation.Event, after: Interval) {
        var isAnswer = false
        if case .replies = event { isAnswer = true }
        guard isAnswer || steps.count < Self.stepsMax - 1 else {
            isCut = true
            return
        }
        // A second repair brings what the first one brought.
        if case .merges = event, steps.contains(where: { $0.event == event }) { return }
        steps.append(Explanation.Step(after: after, event: event))
    }
}
