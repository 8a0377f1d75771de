import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Sloppy quorums: nodes that stand in for home replicas which are down (Dynamo, section 4.6).
///
/// What a stand-in holds counts as a replica, so it is never dropped for want of room or for its
/// age: past the bound it refuses instead.
extension Shard {
    /// The preference list with the next healthy nodes beyond it in place of those that are down:
    /// the first such node for the first that is down, and so on. Slots keep their meaning.
    func withStandIns(_ homes: PreferenceList, _ request: ClientRequest) -> PreferenceList {
        // A look at every home replica has no use for others.
        if case .inspect = request.operation { return homes }
        let down = ReplicaSet.first(homes.count).subtracting(aliveSlots(of: homes))
        guard !down.isEmpty else { return homes }
        let isUp = self.isUp
        let outsider = hasHeardOfRing ? nil : node
        let standIns = ring.standIns(
            partition: ring.partition(of: request.key.token),
            limit: down.count
        ) { isUp[Int($0.rawValue)] && !homes.contains($0) && $0 != outsider }
        var replicas = homes
        var next = 0
        for slot in 0..<homes.count where down.contains(slot) && next < standIns.count {
            replicas = replicas.replacing(slot, with: standIns[next])
            next += 1
        }
        return replicas
    }

    /// Whether this node may stand in for others.
    ///
    /// One that began on an empty disk, and that no other member has told its ring, may not: it may
    /// have left the ring before it lost its disk, and is gone as soon as it hears of that.
    private var hasHeardOfRing: Bool {
        !isNew || ring.document.members.count == 1
            || epochs.indices.contains { $0 != Int(node.rawValue) && epochs[$0] > 0 }
    }

    /// Whether this node coordinates the request, as a home replica or, when none is up, in place
    /// of one.
    func coordinates(
        _ origin: Origin,
        _ route: Route,
        by epoch: UInt64
    ) -> Bool {
        if let own = route.homes.slot(of: node) {
            // By a newer ring this node may be one that reads ask.
            if route.roles.readers.contains(own) || epoch > route.epoch { return true }
        }
        // The node that forwarded it may see others up than this one does; it must not bounce.
        if case .peer = origin, epoch >= route.epoch { return route.replicas.contains(node) }
        return standInCoordinator(route).map { route.replicas[$0] == node } ?? false
    }

    /// Who may coordinate a request that this node holds nothing of: the home replicas that are up,
    /// or when none is, the first stand-in.
    func coordinators(_ route: Route) -> ReplicaSet {
        let alive = aliveSlots(of: route.homes).intersection(route.roles.readers)
        guard alive.isEmpty else { return alive }
        return standInCoordinator(route).map { .only($0) } ?? ReplicaSet()
    }

    /// The first stand-in for one of those that coordinate, when all of these are down.
    private func standInCoordinator(_ route: Route) -> Int? {
        let readers = route.roles.readers
        guard aliveSlots(of: route.homes).isDisjoint(with: readers) else { return nil }
        return route.readable.lowest
    }

    // MARK: Room

    func hasRoomForStandIn(_ bytes: Int) -> Bool {
        !isStorageTight && !hints.isFull(adding: bytes, bytesMax: configuration.hintBytesMax)
    }

    /// Counts a write that this node can't hold in place of another.
    mutating func standInRefused() -> RequestFailure {
        counters.standInsRefused += 1
        return .overloaded(inFlight: hints.bytes, limit: configuration.hintBytesMax)
    }

    /// Whether to store a record that a peer sent: any at home, and in place of another node only
    /// one that has its home there, as long as this node is to stay in the ring and knows it.
    mutating func mayStandIn(for key: StoredKey, _ bytes: Int) -> Bool {
        guard let home = key.standInFor else { return true }
        let homes = ring.homes(of: key.token)
        let isPlace = home != node && homes.contains(home) && !homes.contains(node)
        if isPlace, !leavesRing, hasHeardOfRing, hasRoomForStandIn(bytes) { return true }
        counters.standInsRefused += 1
        return false
    }

    // MARK: Removal

    /// The home replica has the record, or nobody is to get it any more.
    mutating func removeHeld(
        _ change: Change,
        _ latest: EncodedObject?,
        in place: PendingKeys.Place,
        ifStill version: VersionDigest?,
        _ delivery: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if let version {
            let isSame = VersionDigest(of: latest) == version
            guard isSame, pending.isDurable(place) else {
                // A newer version has come, and with it a later hint.
                return advance(delivery: delivery, .removed(success: true), at: time, &effects)
            }
        }
        pending.removing(place)
        renewActor(of: change.key, &effects)
        let flight = PersistFlight(change, place)
        let id = RequestID(.persist, persists.insert(flight))
        ask(storage: .remove(change.key, StorageToken(id)), &effects)
    }

    mutating func heldRemoved(
        wasDropped: Bool,
        _ failure: StorageFailure?,
        _ delivery: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if failure == nil {
            if wasDropped {
                counters.standInsDropped += 1
            } else {
                counters.standInsHandedOver += 1
            }
        }
        advance(delivery: delivery, .removed(success: failure == nil), at: time, &effects)
    }
}
