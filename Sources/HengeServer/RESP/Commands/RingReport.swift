import HengeBase
import HengeCausality
import HengeMessages
import HengeRESP
import HengeRing
import NIOCore

/// The ring document as `HENGE.RING` shows it, with the field names of `henge ring show --json`.
struct RingReport {
    let tree: ReplyTree

    init(_ driver: NodeDriver) {
        self.init(ring: driver.ring, status: driver.peerStatus)
    }

    init(ring: Ring, status: (NodeID) -> PeerStatus) {
        let document = ring.document
        let nodes = document.members.map { member in
            let status = status(member.id)
            let vnodes = ring.vnodes(of: member.id)
            return ReplyTree.map([
                "name": .text(member.name),
                "id": .integer(Int(member.id.rawValue)),
                "state": .text(status.stateName),
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
        tree = .map([
            "cluster": .text(hexadecimal(document.clusterID)),
            "epoch": .integer(Int64(clamping: document.epoch)),
            "partitions": .integer(ring.partitions),
            "replicas": .integer(document.replicas),
            "nodes": .array(nodes),
            "owners": .array(document.owners.map { .text(ring.member($0)?.name ?? "") }),
            "transition": .null,
        ])
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
