import HengeBase
import HengeMessages

/// Blocking repair: the answer waits until R of the replicas that reads ask hold it, and R of those
/// that they ask after the next step of the ring, or asked before the last one.
extension ReadCoordinator {
    /// Whether these suffice for an answer.
    func isHeld(by replicas: ReplicaSet) -> Bool {
        isEnough(replicas) && holders?.isMet(by: replicas) ?? true
    }

    private func isEnough(_ replicas: ReplicaSet) -> Bool {
        replicas.intersection(readers).count >= required
    }

    /// Has as many more take a repair as are needed, and answers once enough have.
    ///
    /// - Parameter inPlaceOfFailed: whether those take the places of others that failed.
    mutating func settleRepair(
        inPlaceOfFailed: Bool,
        _ effects: inout EffectBuffer<Effect>
    ) {
        var more = ReplicaSet()
        while let slot = nextToRepair {
            if inPlaceOfFailed { replacements += 1 }
            planRepair(of: slot)
            more.insert(slot)
        }
        if let merged, !more.isEmpty { effects.emit(.repair(more, merged)) }
        if isHeld(by: known) {
            if !isHeld(by: known.subtracting(hedged)) { wonByHedge = true }
            finish(.object(merged), &effects)
        } else if !isHeld(by: known.union(awaitingRepair)) {
            finish(.timedOut(received: received, required: required), &effects)
        }
    }

    /// One replica more, without waiting for any to fail.
    mutating func hedgeRepair(_ effects: inout EffectBuffer<Effect>) {
        // A replica that has yet to answer the fetch would be no faster with a repair.
        guard let merged, let slot = unasked(in: unmet) else { return }
        hedged.insert(slot)
        planRepair(of: slot)
        effects.emit(.repair(.only(slot), merged))
    }

    private mutating func planRepair(of slot: Int) {
        release(slot)
        repairedUnasked.insert(slot)
        awaitingRepair.insert(slot)
    }

    /// The replicas of the quorums that do not hold the answer yet.
    var unmet: ReplicaSet {
        var slots = isEnough(known) ? ReplicaSet() : readers
        if let holders, !holders.isMet(by: known) { slots = slots.union(holders.slots) }
        return slots
    }

    /// One that a quorum needs beside those that hold the answer or are about to; of both quorums
    /// if both need one.
    private var nextToRepair: Int? {
        let expected = known.union(awaitingRepair)
        guard let holders, !holders.isMet(by: expected) else {
            return isEnough(expected) ? nil : spare(in: readers)
        }
        guard !isEnough(expected) else { return spare(in: holders.slots) }
        return spare(in: holders.slots.intersection(readers)) ?? spare(in: readers)
    }

    /// One that was never asked, or has not answered, can hold the object as well as one that was
    /// found stale.
    private func spare(in slots: ReplicaSet) -> Int? {
        unasked(in: slots) ?? awaitingObject.union(awaitingDigest).intersection(slots).lowest
    }

    /// The best of those that were sent nothing yet.
    func unasked(in slots: ReplicaSet) -> Int? {
        let fresh = slots.subtracting(repairedUnasked)
        for index in asked..<order.count where fresh.contains(order[index]) { return order[index] }
        return reserve.intersection(fresh).lowest
    }
}
