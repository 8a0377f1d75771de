package import HengeBase
import HengeMembership
package import HengeNode

/// What a node knows of a member of its cluster.
package struct PeerStatus: Hashable, Sendable {
    package var member: MemberStatus
    /// Where its clients connect; empty until it was first seen.
    package var respAddress: String
    package var httpAddress: String

    package init(member: MemberStatus, respAddress: String, httpAddress: String) {
        self.member = member
        self.respAddress = respAddress
        self.httpAddress = httpAddress
    }

    package init(isUp: Bool, respAddress: String, httpAddress: String) {
        let member = MemberStatus(liveness: isUp ? .up : .down, isConnected: isUp)
        self.init(member: member, respAddress: respAddress, httpAddress: httpAddress)
    }

    /// Whether it is asked for anything; a suspect still is.
    package var isUp: Bool { member.liveness != .down }

    /// For `HENGE.STATUS` and `HENGE.RING`.
    package var stateName: String {
        switch member.liveness {
        case .up: "up"
        case .suspect: "suspect"
        case .down: "down"
        }
    }

    var phi: ReplyTree { .double(member.phi.toTenths) }

    var lastContact: ReplyTree {
        member.sinceContact.map { .integer(Int64(clamping: $0.milliseconds)) } ?? .null
    }
}

extension NodeDriver {
    /// What is known of a member, from the failure detector and from its handshake.
    package func peerStatus(_ id: NodeID) -> PeerStatus {
        let isUp = shard.isUp(id)
        let simple = MemberStatus(liveness: isUp ? .up : .down, isConnected: isUp)
        // Other shards than the first know no more than that.
        var member = control?.status(of: id, at: now) ?? simple
        // Not all shards have their link to it.
        if !isUp { member.liveness = .down }
        guard id != node else {
            return PeerStatus(
                member: member,
                respAddress: settings.respAddress.description,
                httpAddress: settings.httpAddress?.description ?? ""
            )
        }
        let hello = link(to: id)?.lastHello
        return PeerStatus(
            member: member,
            respAddress: hello?.respAddress ?? "",
            httpAddress: hello?.httpAddress ?? ""
        )
    }
}
