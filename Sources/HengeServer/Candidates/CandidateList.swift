package import HengeBase
import HengeMessages
import HengeRing
import Logging
import NIOCore

/// A node that offers itself to the ring, as it says itself.
package struct Candidate: Hashable, Sendable {
    package let name: String
    /// `host:port`.
    package let peerAddress: String
    /// Empty for none.
    package let zone: String
    package let weight: Int
    package let respAddress: String
    package let httpAddress: String
    /// Bytes of the file system that its data would be on; 0 when it can't tell.
    package internal(set) var diskFree: UInt64
    package internal(set) var diskTotal: UInt64
    /// When it connected.
    package let since: Instant

    /// Nil when the hello is none of a candidate.
    init?(_ hello: PeerHello, since: Instant) {
        guard let candidacy = hello.candidacy else { return nil }
        name = hello.name
        peerAddress = candidacy.peerAddress
        zone = candidacy.zone
        weight = candidacy.weight
        respAddress = hello.respAddress
        httpAddress = hello.httpAddress
        diskFree = candidacy.diskFree
        diskTotal = candidacy.diskTotal
        self.since = since
    }
}

/// The candidates that are connected to this node, each with its connection.
///
/// Confined to the event loop.
final class CandidateList {
    /// A ring changes by a handful of nodes at a time; a stranger must not fill the memory.
    static let countMax = 64

    private struct Entry {
        var candidate: Candidate
        let receiver: CandidateReceiver
    }

    /// By name.
    private var entries: [Entry] = []
    /// Those that are members by now and have not noticed, and stay connected until they do.
    private var taken: [CandidateReceiver] = []
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    var all: [Candidate] { entries.map(\.candidate) }

    /// Takes a candidate up, or says why not. One that comes again takes the place of its earlier
    /// connection. One that is a member already, and may not know it, only gets the ring.
    func admit(
        _ candidate: Candidate,
        _ receiver: CandidateReceiver,
        ring: Ring
    ) -> String? {
        if let reason = Self.conflict(candidate, ring) { return reason }
        let earlier = entries.first { $0.candidate.name == candidate.name }
        if let earlier, earlier.candidate.peerAddress != candidate.peerAddress {
            return "another candidate at \(earlier.candidate.peerAddress) is called "
                + "\(candidate.name), too"
        }
        let same = entries.first { $0.candidate.peerAddress == candidate.peerAddress }
        if let same, same.candidate.name != candidate.name {
            return "the candidate \(same.candidate.name) has the address "
                + "\(candidate.peerAddress), too"
        }
        earlier?.receiver.close()
        entries.removeAll { $0.candidate.name == candidate.name }
        guard entries.count + taken.count < Self.countMax else {
            return "there are \(Self.countMax) candidates already"
        }
        if Self.isMember(candidate, ring) {
            taken.append(receiver)
            return nil
        }
        let place = entries.firstIndex { $0.candidate.name > candidate.name } ?? entries.count
        entries.insert(Entry(candidate: candidate, receiver: receiver), at: place)
        logger.notice(
            "candidate connected; henge ring add \(candidate.name) takes it in",
            metadata: [
                "name": .string(candidate.name), "peer": .string(candidate.peerAddress),
            ]
        )
        return nil
    }

    private static func isMember(_ candidate: Candidate, _ ring: Ring) -> Bool {
        ring.member(named: candidate.name)?.peerAddress == candidate.peerAddress
    }

    private static func conflict(_ candidate: Candidate, _ ring: Ring) -> String? {
        if let member = ring.member(named: candidate.name),
            member.peerAddress != candidate.peerAddress
        {
            return "the member at \(member.peerAddress) is called \(candidate.name) already"
        }
        let address = candidate.peerAddress
        if let member = ring.allMembers.first(where: { $0.peerAddress == address }),
            member.name != candidate.name
        {
            return "the member \(member.name) has the address \(address) already"
        }
        return nil
    }

    func heard(_ receiver: CandidateReceiver, diskFree: UInt64, diskTotal: UInt64) {
        guard let place = entries.firstIndex(where: { $0.receiver === receiver }) else { return }
        entries[place].candidate.diskFree = diskFree
        entries[place].candidate.diskTotal = diskTotal
    }

    func closed(_ receiver: CandidateReceiver) {
        taken.removeAll { $0 === receiver }
        guard let place = entries.firstIndex(where: { $0.receiver === receiver }) else { return }
        let name = entries.remove(at: place).candidate.name
        logger.notice("candidate gone", metadata: ["name": .string(name)])
    }

    /// Tells everyone of a newer ring. Those that are in it are candidates no more.
    func adopt(_ ring: Ring) {
        for receiver in taken { receiver.send(.ring(ring.document)) }
        for entry in entries {
            if let reason = Self.conflict(entry.candidate, ring) {
                entry.receiver.refuse(reason)
            } else {
                entry.receiver.send(.ring(ring.document))
                if Self.isMember(entry.candidate, ring) { taken.append(entry.receiver) }
            }
        }
        entries.removeAll { entry in ring.member(named: entry.candidate.name) != nil }
    }

    func stop() {
        let receivers = entries.map(\.receiver) + taken
        entries = []
        taken = []
        for receiver in receivers { receiver.close() }
    }
}
