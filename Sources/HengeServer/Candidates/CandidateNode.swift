import HengeBase
import HengeMessages
import HengeRing
import HengeStorage
import Logging
import NIOCore
import NIOPosix

/// A node that is in no ring yet: it keeps a connection to every member, so that each knows of it,
/// and hears from them of every new ring, until one names it.
///
/// Until it knows a ring it dials the seeds; from then on the members, and the seeds again when
/// none of those can be reached. Confined to its event loop.
final class CandidateNode {
    static let backoffMin = Interval.milliseconds(100)
    static let backoffMax = Interval.seconds(5)

    let settings: NodeSettings
    let eventLoop: any EventLoop
    let logger: Logger
    private let seeds: [HostPort]
    private let listeners: CandidateListeners
    private var links: [CandidateLink] = []
    /// The newest ring that is known.
    private var document: RingDocument?
    /// That of the data directory, or of the first ring that came; 0 while there is neither.
    private var clusterID: UInt64
    private var jitter: SeededGenerator
    private(set) var isStopped = false
    /// Called with each newer ring.
    private let onRing: (RingDocument) -> Void

    /// - Parameter clusterID: that of the data directory; nil when it belongs to none yet.
    init(
        settings: NodeSettings,
        seeds: [HostPort],
        clusterID: UInt64?,
        eventLoop: any EventLoop,
        logger: Logger,
        seed: UInt64,
        onRing: @escaping (RingDocument) -> Void
    ) {
        self.settings = settings
        self.seeds = seeds
        self.clusterID = clusterID ?? 0
        self.eventLoop = eventLoop
        self.logger = logger
        self.onRing = onRing
        jitter = SeededGenerator(seed: seed)
        listeners = CandidateListeners(settings: settings, eventLoop: eventLoop)
    }

    /// Takes its ports, then dials the seeds.
    func start() -> EventLoopFuture<Void> {
        let node = NIOLoopBound(self, eventLoop: eventLoop)
        return listeners.listen().map { for seed in node.value.seeds { node.value.dial(seed) } }
    }

    /// Closes everything and gives the ports back.
    func stop() -> EventLoopFuture<Void> {
        isStopped = true
        for link in links { link.close() }
        links = []
        return listeners.stop()
    }

    /// What it says of itself, as of now.
    var hello: PeerHello {
        let space = StoreDirectory.space(settings.dataDirectory)
        return PeerHello(
            clusterID: clusterID,
            node: NodeID(0),
            name: settings.name,
            epoch: document?.epoch ?? 0,
            life: 0,
            respAddress: settings.respAddress.description,
            httpAddress: settings.httpAddress?.description ?? "",
            purpose: .candidate,
            candidacy: Candidacy(
                peerAddress: settings.peerAddress.description,
                zone: settings.zone,
                weight: settings.weight,
                diskFree: space.free,
                diskTotal: space.total
            ),
            slice: ShardSlice(index: 0, count: settings.shards)
        )
    }

    // MARK: Links

    private var memberAddresses: [HostPort] {
        document?.allMembers.compactMap { HostPort($0.peerAddress) } ?? []
    }

    private func dial(_ address: HostPort) {
        guard address != settings.peerAddress,
            !links.contains(where: { $0.address == address })
        else { return }
        let link = CandidateLink(address: address, node: self)
        links.append(link)
        link.dial()
    }

    /// Whether the link is still of use. A member that is a seed under another name has to be
    /// dialled under one alone.
    private func isWanted(_ link: CandidateLink) -> Bool {
        if document == nil || memberAddresses.contains(link.address) { return true }
        return seeds.contains(link.address) && !links.contains { $0 !== link && $0.isOpen }
    }

    /// The link's connection has ended, or could not be made.
    func ended(_ link: CandidateLink) {
        guard !isStopped else { return }
        guard isWanted(link) else { return links.removeAll { $0 === link } }
        link.redial(after: jittered(link.takeBackoff()))
        guard document != nil, !links.contains(where: { $0.isOpen }) else { return }
        for seed in seeds { dial(seed) }
    }

    private func jittered(_ backoff: Interval) -> TimeAmount {
        let half = Int(backoff.nanoseconds / 2)
        return .nanoseconds(Int64(half + jitter.below(half + 1)))
    }

    // MARK: What members say

    /// Whether the ring is one of this node's cluster.
    func learned(_ newer: RingDocument, from address: HostPort) -> Bool {
        if clusterID == 0 { clusterID = newer.clusterID }
        guard newer.clusterID == clusterID else {
            logger.error(
                "a seed belongs to another cluster",
                metadata: [
                    "seed": .string(address.description),
                    "its_cluster": .string(hexadecimal(newer.clusterID)),
                    "cluster": .string(hexadecimal(clusterID)),
                ]
            )
            return false
        }
        guard newer.epoch > document?.epoch ?? 0 else { return true }
        document = newer
        for member in memberAddresses { dial(member) }
        onRing(newer)
        return true
    }
}
