import HengeBase
import HengeMessages
import HengeNode

/// Which of the clients' requests a node takes on. Reads and writes have bounds of their own: when
/// the disk is slow writes queue and reads don't, and what fills the node with the one must not
/// refuse the other.
struct Admission {
    private var reads: AdmissionControl
    private var writes: AdmissionControl
    private var readsInFlight = 0
    private var writesInFlight = 0

    /// - Parameter timeout: of requests; a quarter of it may pass with an empty queue.
    init(requestsMax: Int, timeout: Interval, now: Instant) {
        let limits = AdmissionControl.Limits(
            requestsMax: requestsMax,
            baseMax: Interval(nanoseconds: timeout.nanoseconds / 4)
        )
        reads = AdmissionControl(limits: limits, now: now)
        writes = AdmissionControl(limits: limits, now: now)
    }

    /// The bounds as they are now.
    var readsMax: Int { reads.requestsMax }
    var writesMax: Int { writes.requestsMax }

    /// Takes a request on, or tells why not.
    mutating func begin(isWrite: Bool) -> RequestFailure? {
        if isWrite {
            guard writes.admits(inFlight: writesInFlight) else {
                return .overloaded(inFlight: writesInFlight, limit: writes.requestsMax)
            }
            writesInFlight += 1
        } else {
            guard reads.admits(inFlight: readsInFlight) else {
                return .overloaded(inFlight: readsInFlight, limit: reads.requestsMax)
            }
            readsInFlight += 1
        }
        return nil
    }

    /// A request that was taken on has been answered.
    mutating func end(isWrite: Bool, since begin: Instant, now: Instant) {
        let delay = now.since(begin)
        if isWrite {
            writesInFlight -= 1
            writes.answered(after: delay, now: now)
        } else {
            readsInFlight -= 1
            reads.answered(after: delay, now: now)
        }
    }
}
