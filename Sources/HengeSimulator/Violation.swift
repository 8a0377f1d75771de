/// What a checker found.
package struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which promise is broken; `docs/consistency.md` names the same.
    package enum Promise: String, Hashable, Sendable, CaseIterable {
        /// An acknowledged write survives or was replaced by one that had seen it.
        case nothingLost = "nothing lost"
        /// The siblings of every version are those that full causal histories give.
        case exactSiblings = "exact siblings"
        /// No replica claims a write that it never held.
        case honestContexts = "honest contexts"
        /// A dot names one write.
        case uniqueDots = "unique dots"
        /// A dead record is purged only when every home replica has all that it held.
        case safePurges = "safe purges"
        /// With R + W > N, a read sees what was acknowledged before it began.
        case freshReads = "fresh reads"
        /// With R + W > N, a client sees its own acknowledged writes, from whatever node.
        case readYourWrites = "read your writes"
        /// With R + R > N and blocking repair, a read never sees less than one that ended before
        /// it began.
        case monotonicReads = "monotonic reads"
        /// What an acknowledged write replaced, a delete above all, never shows again: with
        /// R + W > N at once, at any level once replicas have converged.
        case noResurrection = "no resurrection"
        /// After healing and a read at ALL, every replica holds the same bytes.
        case convergence
        /// Comparisons alone make all replicas equal, and the hash trees are those of the disk.
        case agreement
        /// Once all nodes have said that what they had to do is done, hints are delivered, the ring
        /// is still, and replicas are equal.
        case settled
        /// Hints alone make replicas equal, when there is one for every write that was missed.
        case handedOver = "handed over"
        /// Every request is answered once, in time.
        case oneAnswer = "one answer"
        /// An answer that says that nothing was written is true.
        case nothingWritten = "nothing written"
        /// The numbers of a failure are true: so many replicas at least hold the write.
        case honestFailures = "honest failures"
        /// A request is carried out once at most.
        case carriedOutOnce = "carried out once"
        /// In calm every request succeeds.
        case liveness
        /// With nothing to do, nothing is in flight.
        case quiescence
        /// The counts of records are those of the disk.
        case exactTallies = "exact tallies"
        /// Scans and counts of a quiet cluster are exact.
        case exactScans = "exact scans"
        /// Hybrid timestamps follow causality and do not run away from the wall clocks.
        case soundClocks = "sound clocks"
        /// There is one ring of each epoch, and nobody proposes one that can't follow.
        case oneRing = "one ring"
        /// Messages are read back as they were written.
        case codec
        /// What users of a cart added stays in it.
        case fullCarts = "full carts"
    }

    package let promise: Promise
    package let message: String

    package init(_ promise: Promise, _ message: String) {
        self.promise = promise
        self.message = message
    }

    package var description: String { "\(promise.rawValue): \(message)" }
}
