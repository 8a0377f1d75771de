import HengeBase
import HengeCausality
import HengeMessages
import HengeRESP
import HengeRing
import NIOCore

/// The ring document as `HENGE.RING` shows it, with the field names of `henge ring show --json`.
struct RingDescription {
    let tree: ReplyTree

    init(_ driver: NodeDriver) {
        self.init(ring: driver.ring, candidates: driver.candidates, status: driver.peerStatus)
    }

    init(ring: Ring, candidates: [Candidate], status: (NodeID) -> PeerStatus) {
        let document = ring.document
        let nodes = ring.allMembers.map { Self.node($0, ring, status($0.id)) }
        tree = .map([
            "cluster": .text(hexadecimal(document.clusterID)),
            "epoch": .integer(Int64(clamping: document.epoch)),
            "partitions": .integer(ring.partitions),
            "replicas": .integer(document.replicas),
            "nodes": .array(
                nodes + document.allLost.map { Self.lost($0, document) } + candidates.map(Self.node)
            ),
            "owners": .array(document.owners.map { .text(Self.name($0, ring)) }),
            "recoveries": .integer(document.recoveries.count),
            "transition": document.transition.map { Self.transition($0, ring) } ?? .null,
        ])
    }

    private static func node(_ member: Member, _ ring: Ring, _ status: PeerStatus) -> ReplyTree {
        let vnodes = ring.vnodes(of: member.id)
        let part = RingPart(member.id, in: ring.document)
        return .map([
            "name": .text(member.name),
            "id": .integer(Int(member.id.rawValue)),
            "state": .text(part.state(status)),
            "role": .text(part.rawValue),
            "phi": status.phi,
            "last_contact_ms": status.lastContact,
            "zone": .text(member.zone),
            "weight": .integer(member.weight),
            "vnodes": .integer(vnodes),
            "share": .double(Double(vnodes) / Double(ring.partitions)),
            "resp": .text(status.respAddress),
            "http": .text(status.httpAddress),
            "peer": .text(member.peerAddress),
        ])
    }

    /// One that an unsafe recovery gave up and that still has positions in its name.
    private static func lost(_ member: Member, _ document: RingDocument) -> ReplyTree {
        let vnodes = document.owners.count { $0 == member.id }
        return .map([
            "name": .text(member.name),
            "id": .integer(Int(member.id.rawValue)),
            "state": .text("lost"),
            "role": .text("lost"),
            "phi": .null,
            "last_contact_ms": .null,
            "zone": .text(member.zone),
            "weight": .integer(member.weight),
            "vnodes": .integer(vnodes),
            "share": .double(Double(vnodes) / Double(document.owners.count)),
            "resp": .text(""),
            "http": .text(""),
            "peer": .text(member.peerAddress),
        ])
    }

    private static func name(_ id: NodeID, _ ring: Ring) -> String {
        ring.member(id)?.name ?? ring.document.allLost.first { $0.id == id }?.name ?? ""
    }

    private static func node(_ candidate: Candidate) -> ReplyTree {
        .map([
            "name": .text(candidate.name),
            "id": .integer(0),
            "state": .text("candidate"),
            "role": .text("candidate"),
            "phi": .null,
            "last_contact_ms": .null,
            "zone": .text(candidate.zone),
            "weight": .integer(candidate.weight),
            "vnodes": .integer(0),
            "share": .double(0),
            "resp": .text(candidate.respAddress),
            "http": .text(candidate.httpAddress),
            "peer": .text(candidate.peerAddress),
            "disk_free": .integer(Int64(clamping: candidate.diskFree)),
            "disk_total": .integer(Int64(clamping: candidate.diskTotal)),
        ])
    }

    /// How many partitions are at each step, and the ring that it leads to.
    private static func transition(_ transition: RingTransition, _ ring: Ring) -> ReplyTree {
        var counts = [PartitionStep: Int]()
        for step in transition.steps { counts[step, default: 0] += 1 }
        let names = transition.members.map { ReplyTree.text($0.name) }
        return .map([
            "aborting": .boolean(transition.isAborting),
            "steps": .map([
                "current": .integer(counts[.current] ?? 0),
                "write_both": .integer(counts[.writeBoth] ?? 0),
                "read_next": .integer(counts[.readNext] ?? 0),
                "next": .integer(counts[.next] ?? 0),
            ]),
            "members": .array(names),
            "owners": .array(transition.owners.map { .text(name($0, ring)) }),
        ])
    }
}

/// What part a member has in the change that is running.
enum RingPart: String {
    case member
    /// It is in the ring that is being moved to alone.
    case joining
    /// It is not in the ring that is being moved to.
    case leaving

    init(_ id: NodeID, in document: RingDocument) {
        guard let transition = document.transition else {
            self = .member
            return
        }
        if !document.members.contains(where: { $0.id == id }) {
            self = .joining
        } else {
            self = transition.members.contains { $0.id == id } ? .member : .leaving
        }
    }

    /// For `HENGE.RING`. That a node can't be reached counts for more than what becomes of it.
    func state(_ status: PeerStatus) -> String {
        guard self != .member, status.member.liveness == .up else { return status.stateName }
        return rawValue
    }
}

/// What the replicas of a key hold, as `HENGE.INSPECT` shows it, with the field names of
/// `henge inspect --json`.
struct InspectionReport {
    let key: StoredKey
    let reports: [ReplicaReport]
    let ring: Ring

    /// - Parameter wall: a replica with nothing alive by then shows a tombstone.
    func tree(wall: WallTime) -> ReplyTree {
        var names: [ReplyTree] = []
        ring.preferenceList(of: key.token).forEach { names.append(.text(name($0))) }
        return .map([
            "bucket": .bytes(key.bucket),
            "key": .bytes(key.key),
            "token": .text(hexadecimal(key.token.rawValue)),
            "slot": .integer(key.token.slot),
            "partition": .integer(ring.partition(of: key.token)),
            "preference_list": .array(names),
            "replicas": .array(reports.map { replica($0, wall) }),
        ])
    }

    private func replica(_ report: ReplicaReport, _ wall: WallTime) -> ReplyTree {
        var state: String
        var object: EncodedObject?
        switch report.state {
        case .present(let found):
            state = "present"
            object = found
        case .absent: state = "absent"
        case .failed(let failure): state = "failed: \(failure.name)"
        case .unreachable: state = "unreachable"
        }
        guard let object else {
            return .map([
                "node": .text(name(report.node)), "state": .text(state), "context": .null,
                "siblings": .integer(0), "tombstone": .boolean(false), "digest": .null,
            ])
        }
        let context = CausalContext.encode(object.context, key: key.token.rawValue)
        return .map([
            "node": .text(name(report.node)),
            "state": .text(state),
            "context": .text(context),
            "siblings": .integer(object.siblingCount),
            "tombstone": .boolean(!object.isLive(at: wall)),
            "digest": .text(hexadecimal(VersionDigest(of: object).rawValue)),
        ])
    }

    private func name(_ id: NodeID) -> String { ring.member(id)?.name ?? id.description }
}
