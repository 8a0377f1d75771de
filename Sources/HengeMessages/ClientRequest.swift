package import HengeBase
package import HengeCausality

package import struct NIOCore.ByteBuffer

/// One request on one key, as a coordinator takes it from a client or from a node that forwards it.
package struct ClientRequest: Hashable, Sendable {
    package enum Operation: Hashable, Sendable {
        /// The merged object of the read level's replicas.
        case read
        case write(Mutation)
        /// Every replica's version, for ``ClientResponse/inspected(_:)``.
        case inspect
    }

    package var key: StoredKey
    package var operation: Operation
    package var levels: ConsistencyLevels
    /// How long the client waits, from when the request came in.
    package var timeout: Interval
    /// Whether the next healthy nodes stand in for home replicas that are down, and count (Dynamo's
    /// sloppy quorum, section 4.6).
    package var isSloppy: Bool
    /// Whether the answer is to come with an ``Explanation``. It changes nothing of what is done.
    package var isExplained: Bool

    package init(
        key: StoredKey,
        operation: Operation,
        levels: ConsistencyLevels,
        timeout: Interval,
        isSloppy: Bool = false,
        isExplained: Bool = false
    ) {
        self.key = key
        self.operation = operation
        self.levels = levels
        self.timeout = timeout
        self.isSloppy = isSloppy
        self.isExplained = isExplained
    }

    package var isWrite: Bool {
        if case .write = operation { return true }
        return false
    }
}

/// What a write does to its key.
package struct Mutation: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// With what its writer says about it, never empty; see ``Sibling/Payload``.
        case value(ByteBuffer, metadata: ByteBuffer? = nil)
        case tombstone
        /// The newest live value again, with another expiry (EXPIRE, PERSIST, GETEX).
        case unchanged
    }

    /// Which of the siblings the new one replaces.
    package enum Basis: Hashable, Sendable {
        /// Those that the coordinating replica has seen: a plain `SET`.
        case coordinator
        /// Those that this context covers.
        case context(VersionVector)
        /// None: the write is concurrent with everything.
        case nothing
    }

    package enum Expiry: Hashable, Sendable {
        case never
        case at(WallTime)
        /// That of the newest live sibling.
        case keep
    }

    /// What must hold of the key for the write to happen; else
    /// ``ClientResponse/notApplied(previous:)``.
    package enum Condition: Hashable, Sendable, CaseIterable {
        case always
        case absent
        case present
        /// Present without an expiry (EXPIRE NX).
        case presentWithoutExpiry
        /// Present with an expiry (EXPIRE XX, PERSIST).
        case presentWithExpiry
        /// Present, and its expiry earlier than the new one (EXPIRE GT); none counts as infinite.
        case expiryEarlier
        /// Present, and its expiry later than the new one or none (EXPIRE LT).
        case expiryLater
    }

    package var content: Content
    package var basis: Basis
    package var expiry: Expiry
    package var condition: Condition
    /// Whether the response carries the value before the write.
    package var returnsPrevious: Bool
    /// Whether the response to a write that is stored is the object that it left, in place of
    /// ``ClientResponse/written(context:previous:)``.
    package var returnsObject: Bool

    package init(
        content: Content,
        basis: Basis = .coordinator,
        expiry: Expiry = .never,
        condition: Condition = .always,
        returnsPrevious: Bool = false,
        returnsObject: Bool = false
    ) {
        self.content = content
        self.basis = basis
        self.expiry = expiry
        self.condition = condition
        self.returnsPrevious = returnsPrevious
        self.returnsObject = returnsObject
    }

    /// Whether the coordinator reads at the read level before it writes, to decide on more than its
    /// own replica's state.
    package var readsFirst: Bool {
        if case .unchanged = content { return true }
        return returnsPrevious || expiry == .keep || condition != .always
    }
}

package enum ClientResponse: Hashable, Sendable {
    /// The merged object; nil where nothing was ever stored. Also of a write that asked for it:
    /// then what its coordinator stored.
    case object(EncodedObject?)
    /// Stored at the write level. `context` covers the write.
    case written(context: VersionVector, previous: LiveValue?)
    /// The condition did not hold; nothing was written.
    case notApplied(previous: LiveValue?)
    case inspected([ReplicaReport])
    case failed(RequestFailure)
}

/// What one replica holds of an inspected key.
package struct ReplicaReport: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case present(EncodedObject)
        case absent
        case failed(StorageFailure)
        case unreachable
    }

    package var node: NodeID
    package var state: State

    package init(node: NodeID, state: State) {
        self.node = node
        self.state = state
    }
}

/// Why a request failed, with all the numbers; words come at the edge.
package enum RequestFailure: Error, Hashable, Sendable {
    /// Fewer replicas are up than the level needs. Nothing was written.
    case unavailable(required: Int, alive: Int)
    /// Too few answers in time, or replicas were lost on the way. A write may still take effect.
    case timedOut(required: Int, received: Int)
    /// Too many replicas failed to store or load for a reason of their own. A write may have taken
    /// effect on `received` replicas.
    case storage(StorageFailure, required: Int, received: Int)
    /// The node has too much in flight. Nothing was done.
    case overloaded(inFlight: Int, limit: Int)
    /// The write would leave this many siblings. Nothing was written; read, merge, write again.
    case conflict(siblings: Int, limit: Int)
    /// The object with all its siblings would be larger than a record may be. Nothing was written.
    case tooLarge(bytes: Int, limit: Int)
    /// A write came from a clock too far ahead of the replica's. `received` replicas stored it.
    case clockDrift(required: Int, received: Int)
}
