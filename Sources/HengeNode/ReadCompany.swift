import HengeBase
import HengeRing

/// Whom the reads of one turn of the loop ask together.
///
/// Each node that is asked in a turn costs both sides a system call and a wake-up, whether for one
/// read or for twenty. So reads that begin at the same time ask the same one where they can, and
/// those of the next turn another, which spreads them over the replicas all the same.
struct ReadCompany: Sendable {
    /// In a turn with more reads several nodes work side by side.
    static let readsMax = 16

    /// Rises with each company, to spread them.
    private(set) var turns = 0
    private var since = Instant(nanoseconds: 0)
    private var reads = 0
    private var chosen: NodeID?

    /// The node to be asked first among equals, by a read that begins now; nil when that is open.
    mutating func peer(at now: Instant) -> NodeID? {
        if now != since || reads >= Self.readsMax {
            since = now
            reads = 0
            chosen = nil
            turns &+= 1
        }
        reads += 1
        return chosen
    }

    /// The read will ask this node before any other but its own.
    mutating func asks(_ peer: NodeID) {
        if chosen == nil { chosen = peer }
    }
}
