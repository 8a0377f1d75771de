import HengeBase
import HengeMessages
import HengeNode
import NIOCore

/// What comes to the driver from peers, and from time alone.
extension NodeDriver {
    /// Has the shard's slow upkeep done from now on, until the returned task is cancelled.
    func keepHouse() -> RepeatedTask {
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        let interval = TimeAmount.nanoseconds(Int64(Shard.housekeepingInterval.nanoseconds))
        return eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            driver.value.step(.housekeeping)
        }
    }

    /// Whether most peers read more slowly than this node has to tell them, so that it should take
    /// on no more writes: what waits for them would grow until their connections are given up, and
    /// with these all that is under way. One that lags behind the others holds up nothing: it is
    /// given up when it must be, and gets hints.
    var arePeersBehind: Bool {
        linksBehind > 0 && 2 * linksBehind > links.count { $0?.isOpen == true }
    }

    var peersOverloaded: RequestFailure {
        .overloaded(inFlight: requestsInFlight, limit: settings.requestsMax)
    }

    /// As ``received(_:from:)``, but no sign that the sender is up.
    func receivedBulk(_ message: PeerMessage, from source: BulkSource) {
        // What an earlier process said of its records would be remembered as said by this one,
        // whose own words could then pass for late.
        if case .entropy = message, let life = link(to: source.node)?.life,
            life != source.life
        {
            bulk?.counters.messagesStale += 1
            return
        }
        step(.message(from: source.node, message))
    }

    func received(_ message: consuming PeerMessage, from sender: NodeID) {
        // To bind what is in a message copies it, and nearly all of them go on as they are.
        guard message.isForDriver else { return step(.message(from: sender, message)) }
        switch consume message {
        case .gossip(let gossip): stepControl(.gossip(from: sender, gossip))
        case .ring(let ring): stepControl(.ring(from: sender, ring))
        case .ringReport(let report): stepControl(.report(from: sender, report))
        case .facts(let id, let facts): took(facts, id, from: sender)
        case .clock(let clock): took(clock, from: sender)
        default: preconditionFailure("a message for the driver that it does not know")
        }
    }
}

extension PeerMessage {
    /// Whether it never reaches a shard.
    fileprivate var isForDriver: Bool {
        switch self {
        case .gossip, .ring, .ringReport, .facts, .clock: true
        default: false
        }
    }
}
