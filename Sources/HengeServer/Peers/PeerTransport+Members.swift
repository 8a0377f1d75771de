import HengeBase
import HengeRing
import Logging
import NIOCore

/// Links come and go with the members of the ring.
extension PeerTransport {
    /// How often members with lower ids are looked at that have not dialled.
    static let dialBackInterval = TimeAmount.seconds(5)

    /// How long the link to a former member stays: it has to hear of the ring that it is not in.
    static let retirement = TimeAmount.seconds(30)

    /// Makes links to the members that are new in this ring, and retires those to former ones.
    func adopt(_ ring: Ring) {
        bulk.adopt(ring)
        guard !isStopping else { return }
        for member in ring.allMembers where member.id != driver.node {
            guard link(to: member.id) == nil else { continue }
            let link = PeerLink(peer: member, driver: driver)
            driver.set(link, at: member.id)
            dialIfOurs(link)
        }
        for case let link? in driver.links
        where !link.isRetired && ring.member(link.peer.id) == nil {
            retire(link)
        }
        candidates.adopt(ring)
    }

    /// Dials, once each time, members with lower ids that stay away: those that have removed this
    /// node meanwhile don't dial it any more, and would tell it so if it asked.
    func scheduleDialBack() -> RepeatedTask {
        let transport = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let interval = Self.dialBackInterval
        return driver.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            transport.value.dialBack()
        }
    }

    private func dialBack() {
        for case let link? in driver.links where link.peer.id < driver.node {
            let wasMissed = link.isMissed
            link.isMissed = !link.isOpen
            if wasMissed, link.isMissed { dial(link, backoff: Self.backoffMin) }
        }
    }

    private func retire(_ link: PeerLink) {
        link.isRetired = true
        driver.logger.info(
            "peer is no member any more",
            metadata: ["peer": .string(link.peer.name), "id": "\(link.peer.id)"]
        )
        let transport = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let bound = NIOLoopBound(link, eventLoop: driver.eventLoop)
        driver.eventLoop.scheduleTask(in: Self.retirement) { transport.value.drop(bound.value) }
    }

    /// The link's connection has ended.
    func ended(_ link: PeerLink) {
        if link.isRetired { drop(link) }
    }

    func refusedCandidate(_ candidate: Candidate, _ reason: String) {
        driver.logger.warning(
            "candidate refused: \(reason)",
            metadata: [
                "name": .string(candidate.name), "address": .string(candidate.peerAddress),
            ]
        )
    }

    private func drop(_ link: PeerLink) {
        guard self.link(to: link.peer.id) === link else { return }
        driver.set(nil, at: link.peer.id)
        bulk.remove(link.peer.id)
        link.close()
    }
}

extension NodeDriver {
    func link(to id: NodeID) -> PeerLink? {
        Int(id.rawValue) < links.count ? links[Int(id.rawValue)] : nil
    }

    /// Puts a link in its place, or takes it away.
    fileprivate func set(_ link: PeerLink?, at id: NodeID) {
        let missing = Int(id.rawValue) + 1 - links.count
        if missing > 0 { links += Array(repeating: nil, count: missing) }
        links[Int(id.rawValue)] = link
    }

    /// The nodes that are connected and offer themselves, in order of their names.
    package var candidates: [Candidate] { transport?.candidates.all ?? [] }
}
