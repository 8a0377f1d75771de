import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Giving away what is held for others before this node leaves the ring.
///
/// A record that is held in another's place counts as a replica, and may be the only one. The one
/// that it is held for gets it, as ever. While that one can't be reached the other home replicas
/// get it in its stead: all that are up, and a majority at least. So what W ≤ N/2 + 1 nodes had
/// acknowledged is at as many or more after this, and a node that stays away for hours does not
/// keep this one in the ring. Not other stand-ins: a record that went from one to the next could
/// be missed by those who ask each in turn whether it holds any (``askHeld(_:)``).
///
/// Other hints name records of partitions that this node has handed over. Where their targets are
/// down they go with it: comparing finds what those lack.
extension Shard {
    private static let relayTimeout = Interval.seconds(10)

    /// Whether this node is in the ring no more once the change that is running is through. It
    /// takes nothing more in the place of others.
    var leavesRing: Bool { ring.leaving.contains(node) }

    /// Whether nothing is left of the change but that this node gives away what it holds.
    var mustDrain: Bool { ring.isMoved && leavesRing }

    /// Whether this node can leave the ring. Stays so for as long as the ring does.
    var isDrained: Bool { mustDrain && !holdsForOthers }

    /// Whether a hint's target is to have its record.
    func canTake(_ key: StoredKey, _ delivery: TargetDelivery) -> Bool {
        let target = delivery.target
        guard isUp(target), ring.homes(of: key.token).contains(target) else { return false }
        guard delivery.machine.isFutile else { return true }
        // It takes nothing, for want of room perhaps. That is no worse than too few others.
        let others = otherHomes(than: target, of: key)
        return key.standInFor == target && others.up.count < others.required
    }

    /// The other home replicas that are up, and how many of them have to take what is held for one.
    private func otherHomes(
        than target: NodeID,
        of key: StoredKey
    ) -> (up: [NodeID], required: Int) {
        let homes = ring.homes(of: key.token)
        var up: [NodeID] = []
        homes.forEach { if $0 != target, $0 != node, isUp($0) { up.append($0) } }
        return (up, homes.count / 2 + 1)
    }

    /// Finds another place for a hint's record than its target.
    mutating func drain(
        _ object: EncodedObject,
        of load: HintLoad,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let target = deliveries[load.delivery].target
        guard load.key.standInFor == target else {
            let nothing = HintDelivery.Input.recordLoaded(load.key, .success(nil))
            return advance(delivery: load.delivery, nothing, at: time, &effects)
        }
        let (up, required) = otherHomes(than: target, of: load.key)
        let relay = HintRelay(load: load, object: object, required: required, waiting: up)
        let isEnough = relay.canSucceed
        let index = relays.insert(relay).index
        if isEnough {
            sendRelay(index, at: time, &effects)
        } else {
            endRelay(index, at: time, &effects)
        }
    }

    /// Sends the record, once the throttle lets it go.
    private mutating func sendRelay(
        _ index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard let generation = relays.generation(at: index), hintThrottle.isOpen(now: time.now),
            budget.isOpen(to: .hints, now: time.now)
        else { return }
        let relay = relays[index]
        let record = HandedRecord(key: relay.load.key.standingIn(for: nil), object: relay.object)
        let bytes = record.key.bytes.readableBytes + record.object.bytes.readableBytes
        let takers = relay.waiting.count
        let cost = HintThrottle.cost(records: takers, bytes: bytes * takers)
        hintThrottle.charge(cost, now: time.now)
        budget.charge(cost, to: .hints, now: time.now)
        relays[index].due = time.now + Self.relayTimeout
        let id = RequestID(.relay, (index, generation))
        for taker in relay.waiting { effects.emit(.sendBulk(taker, .handOff(id, [record]))) }
    }

    mutating func relayAnswered(
        _ id: RequestID,
        _ result: HandOffResult,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard relays.contains(id.index, id.generation),
            let place = relays[id.index].waiting.firstIndex(of: sender)
        else {
            counters.lateAnswers += 1
            return
        }
        relays[id.index].waiting.remove(at: place)
        if result == .durable(refused: 0) { relays[id.index].durable += 1 }
        if relays[id.index].waiting.isEmpty { endRelay(id.index, at: time, &effects) }
    }

    /// The connection to a node is gone.
    mutating func relaysLost(
        _ peer: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        for index in 0..<relays.indexBound where relays.generation(at: index) != nil {
            guard let place = relays[index].waiting.firstIndex(of: peer) else { continue }
            relays[index].waiting.remove(at: place)
            if !relays[index].canSucceed || relays[index].waiting.isEmpty {
                endRelay(index, at: time, &effects)
            }
        }
    }

    /// Time has passed.
    mutating func tickRelays(at time: ClockReading, _ effects: inout EffectBuffer<ShardEffect>) {
        for index in 0..<relays.indexBound where relays.generation(at: index) != nil {
            if let due = relays[index].due {
                if time.now >= due { endRelay(index, at: time, &effects) }
            } else {
                sendRelay(index, at: time, &effects)
            }
        }
    }

    private mutating func endRelay(
        _ index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let relay = relays.remove(index)
        let load = relay.load
        guard deliveries[load.delivery].page == load.page else { return }
        let input: HintDelivery.Input =
            relay.durable >= relay.required
            ? .bequeathed(load.key, VersionDigest(of: relay.object))
            : .recordLoaded(load.key, .failure(.io))
        advance(delivery: load.delivery, input, at: time, &effects)
    }
}

/// A record that was held in the place of one home replica, on its way to the others.
struct HintRelay: Sendable {
    let load: HintLoad
    let object: EncodedObject
    /// How many have to take it.
    let required: Int
    /// Those that it goes to and that have not answered.
    var waiting: [NodeID]
    var durable = 0
    /// When the last answers are due; nil before it was sent.
    var due: Instant?

    init(load: HintLoad, object: EncodedObject, required: Int, waiting: [NodeID]) {
        self.load = load
        self.object = object
        self.required = required
        self.waiting = waiting
    }

    var canSucceed: Bool { durable + waiting.count >= required }
}
