import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

/// Whom a request for one key goes to, by one ring and as of one moment.
struct Route {
    let roles: PartitionRoles
    /// ``homes`` with stand-ins in place of those that are down, if the request is sloppy.
    let replicas: PreferenceList
    /// Those of ``replicas`` that are up.
    let alive: ReplicaSet
    /// Of the ring.
    let epoch: UInt64

    var homes: PreferenceList { roles.homes }
    /// Those that hold all of the key's partition and are up, or stand in for such.
    var readable: ReplicaSet { alive.intersection(roles.readers) }

    /// W of the current, and of the next replicas if the partition moves. Only when
    /// ``writeUnavailability(_:)`` is nil: a level may want more replicas than there are.
    func quorums(_ level: Consistency) -> (current: WriteQuorum, next: WriteQuorum?) {
        let current = WriteQuorum(
            slots: roles.current,
            required: level.required(of: roles.current, quorum: roles.currentQuorum)
        )
        guard let next = roles.next else { return (current, nil) }
        let required = level.required(of: next, quorum: roles.nextQuorum)
        return (current, WriteQuorum(slots: next, required: required))
    }

    /// Before anything is written: are enough replicas up for every level that the request needs?
    func unavailability(_ request: ClientRequest) -> RequestFailure? {
        switch request.operation {
        case .inspect: return lack(of: 1, in: .first(replicas.count))
        case .read: return lackOfReaders(request.levels.read)
        case .write(let mutation):
            if mutation.readsFirst, let lack = lackOfReaders(request.levels.read) { return lack }
            return writeUnavailability(request.levels.write)
        }
    }

    func writeUnavailability(_ level: Consistency) -> RequestFailure? {
        let required = level.required(of: roles.current, quorum: roles.currentQuorum)
        if let lack = lack(of: required, in: roles.current) { return lack }
        return roles.next.flatMap { next in
            lack(of: level.required(of: next, quorum: roles.nextQuorum), in: next)
        }
    }

    /// R of the readers.
    func readRequired(_ level: Consistency) -> Int {
        level.required(of: roles.readers, quorum: roles.readQuorum)
    }

    /// While the partition moves: the replicas that reads ask after its next step, or that asked
    /// before its last one. What a read shows has to come to R of these as well, or a later one may
    /// see less: while some coordinators know of a step and others don't, reads of both go on side
    /// by side. Nil for sloppy requests, which promise nothing of the kind.
    func others(_ request: ClientRequest) -> ReplicaSet? {
        guard let next = roles.next, !request.isSloppy else { return nil }
        return roles.readers == next ? roles.current : next
    }

    private func lackOfReaders(_ level: Consistency) -> RequestFailure? {
        lack(of: readRequired(level), in: roles.readers)
    }

    private func lack(of required: Int, in slots: ReplicaSet) -> RequestFailure? {
        let count = alive.intersection(slots).count
        return count < required ? .unavailable(required: required, alive: count) : nil
    }
}

extension Consistency {
    /// - Parameter quorum: of these replicas.
    func required(of replicas: ReplicaSet, quorum: Int) -> Int {
        self == .quorum ? quorum : required(of: replicas.count)
    }
}

extension Shard {
    func route(_ request: ClientRequest) -> Route {
        let roles = ring.roles(partition: ring.partition(of: request.key.token))
        let replicas = request.isSloppy ? withStandIns(roles.homes, request) : roles.homes
        return Route(
            roles: roles,
            replicas: replicas,
            alive: aliveSlots(of: replicas),
            epoch: ring.document.epoch
        )
    }
}
