import HengeBase
package import HengeCausality
package import HengeMessages
import HengeReplication
import HengeRing

/// Reads that need nobody but this node, as most at ONE are.
///
/// The own replica is asked first and its answer is the answer, so a driver whose storage has the
/// record at hand need not hand such a request in: there is nothing to wait for, to compare or to
/// repair. What the storage does not have at hand goes through ``step(_:at:effects:)``.
extension Shard {
    /// Whether this node's own record answers the read, whatever other replicas hold.
    package func readsAlone(_ request: ClientRequest) -> Bool {
        guard case .read = request.operation, !request.isSloppy, !request.isExplained else {
            return false
        }
        let token = request.key.token
        let roles = ring.roles(partition: ring.partition(of: token))
        // While the partition moves, what a read shows may have to come to others as well.
        guard roles.next == nil, let own = roles.homes.slot(of: node), roles.readers.contains(own)
        else { return false }
        let required = request.levels.read.required(of: roles.readers, quorum: roles.readQuorum)
        return required == 1 && isCompared(token)
    }

    /// A read was answered with the own record, which ``readsAlone(_:)`` allowed.
    package mutating func hasReadAlone(
        _ key: StoredKey,
        _ object: EncodedObject,
        at time: ClockReading
    ) {
        requestedAt = time.now
        if heat == nil { advanceHeat(to: time.now) }
        counters.reads += 1
        hedging.budget.earn()
        budget.record(.zero, of: .read)
        countHeat(key, isWrite: false, bytes: object.bytes.readableBytes)
    }
}
