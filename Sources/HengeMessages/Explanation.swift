package import HengeBase

/// How one request went, as the nodes that worked on it saw it: whom they asked, who answered when
/// and with what, what was merged, repaired, stored and hinted.
///
/// Made only for requests that ask for it (``ClientRequest/isExplained``).
package struct Explanation: Hashable, Sendable {
    /// More legs than this say nothing that anyone would read: a request is forwarded twice at most
    /// while rings differ.
    package static let legsMax = 8

    /// The first is that of the node that the client has asked; then those of nodes that the
    /// request was forwarded to, in the order in which they told of it.
    package var legs: [Leg]

    package init(legs: [Leg]) {
        self.legs = legs
    }

    /// What one node did and saw.
    package struct Leg: Hashable, Sendable {
        /// A request at the most replicas with repairs and hints takes fewer than 100.
        package static let stepsMax = 256

        package var node: NodeID
        /// Of the ring that the node had when the request came to it.
        package var epoch: UInt64
        /// In the order of time.
        package var steps: [Step]
        /// Whether there were more than are kept here.
        package var isCut: Bool

        package init(node: NodeID, epoch: UInt64, steps: [Step] = [], isCut: Bool = false) {
            self.node = node
            self.epoch = epoch
            self.steps = steps
            self.isCut = isCut
        }
    }

    package struct Step: Hashable, Sendable {
        /// Since the request came to the node, on its own monotonic clock.
        package var after: Interval
        package var event: Event

        package init(after: Interval, event: Event) {
            self.after = after
            self.event = event
        }
    }

    /// Something that happened. A node that it names is the other side; itself where the node is a
    /// replica of its own request.
    package enum Event: Hashable, Sendable {
        /// It takes the request on itself; how many replicas must answer reads and store writes, 0
        /// for what it does not do. While the key moves, `writes` counts in both sets of replicas.
        case coordinates(reads: UInt8, writes: UInt8)
        /// The home replica is down: nobody asks it.
        case skips(NodeID)
        /// The first node is asked in place of the second one, which is down.
        case standsIn(NodeID, for: NodeID)
        case forwards(NodeID, isHedge: Bool)
        case forwardAnswered(NodeID)
        case asks(NodeID, FetchKind)
        case answers(NodeID, Finding)
        /// An answer is late: one node more is asked.
        case hedges
        /// What was found differs; this is all of it.
        case merges(Version)
        case repairs(NodeID)
        case repaired(NodeID, StoreResult)
        /// The write is made, with what it leaves of older siblings.
        case makes(Version)
        case sends(NodeID)
        case stores(NodeID, StoreResult)
        case hints(NodeID, HintFate)
        /// The node refuses: the sender's ring is too old for what it asks.
        case refusesRing(NodeID)
        /// The request waits for a ring newer than that of this epoch.
        case waitsForRing(UInt64)
        /// It goes on with the ring of this epoch.
        case resumes(UInt64)
        /// The connection to the node is gone, and with it what it was asked for.
        case loses(NodeID)
        case deadline
        /// The answer is given, to the client or to the node that has forwarded the request.
        case replies(isSuccess: Bool)
    }

    /// What a replica told of its record.
    package enum Finding: Hashable, Sendable {
        case absent
        case object(Version)
        case digest(VersionDigest)
        case failed(StorageFailure)
        case overloaded
    }

    package enum HintFate: UInt8, Hashable, Sendable, CaseIterable {
        case kept = 0
        /// One for the same key waits already and will bring this write along.
        case covered
        /// There is no room, so comparing replicas will have to find it.
        case refused
    }

    /// Which version an object is, and how much of it there is.
    package struct Version: Hashable, Sendable {
        package var digest: VersionDigest
        package var siblings: UInt32
        /// Of the stored object.
        package var bytes: UInt32

        package init(digest: VersionDigest, siblings: UInt32, bytes: UInt32) {
            self.digest = digest
            self.siblings = siblings
            self.bytes = bytes
        }
    }
}
