package import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Where the answer to a coordinated request goes.
enum Origin: Hashable, Sendable {
    case client(Ticket)
    case peer(NodeID, RequestID)
}

/// A read that this node coordinates.
struct ReadFlight: Sendable {
    /// What to do with the merged object.
    enum Purpose: Sendable {
        case answer
        /// The write that wanted to know the object first.
        case write(Mutation)
    }

    let origin: Origin
    let key: StoredKey
    /// Who is asked; a stand-in where the home replica is down and the request is sloppy.
    let replicas: PreferenceList
    let homes: PreferenceList
    /// Of the ring by which these were chosen.
    let epoch: UInt64
    let levels: ConsistencyLevels
    let isSloppy: Bool
    let deadline: Instant
    let purpose: Purpose
    let began: Instant
    var coordinator: ReadCoordinator
    /// Whether a replica has refused, since the ring has become too old.
    var isFenced = false
    /// By slot: how long after `began` its replica was asked last, in units of 2¹⁰ ns, up to 73
    /// minutes.
    var askedAfter = SIMD16<UInt32>(repeating: 0)
    var hedgedAt: Instant?

    /// The request again, with the time that is left.
    func request(at now: Instant) -> ClientRequest {
        let operation: ClientRequest.Operation
        switch purpose {
        case .answer: operation = .read
        case .write(let mutation): operation = .write(mutation)
        }
        return ClientRequest(
            key: key,
            operation: operation,
            levels: levels,
            timeout: deadline.since(now),
            isSloppy: isSloppy
        )
    }

    /// When the replica was asked last.
    func asked(_ slot: Int) -> Instant {
        began + Interval(nanoseconds: UInt64(askedAfter[slot]) << 10)
    }

    mutating func noteAsked(_ slot: Int, at now: Instant) {
        askedAfter[slot] = UInt32(truncatingIfNeeded: now.since(began).nanoseconds >> 10)
    }

    /// The record that the replica at `slot` holds of the key.
    func key(at slot: Int) -> StoredKey { key.held(by: replicas[slot], for: homes[slot]) }
}

extension StoredKey {
    func held(by node: NodeID, for home: NodeID) -> StoredKey {
        node == home ? self : standingIn(for: home)
    }
}

/// A request handed on to a replica of its key.
struct ForwardFlight: Sendable {
    let origin: Origin
    let request: ClientRequest
    let deadline: Instant
    let began: Instant
    /// Slots of the preference list that were tried.
    var tried: ReplicaSet
    var target: NodeID
    /// A second node that was asked because the first one lags; reads alone.
    var hedge: NodeID?
    var hedgedAt: Instant?
}

/// A look at every replica of a key.
struct InspectFlight: Sendable {
    let origin: Origin
    let replicas: PreferenceList
    let deadline: Instant
    var states: [ReplicaReport.State?]
}

/// A scan or a count, which asks nodes and not replicas of one key.
struct CoverageFlight: Sendable {
    enum Kind: Sendable {
        /// - end: the last token that the asked node answers for.
        case scan(ScanRange, end: Token, node: NodeID)
        /// - assigned: for each node asked, which partitions to take its word for.
        case count(assigned: [NodeID?], waiting: [NodeID], sum: Int)
    }

    let ticket: Ticket
    let deadline: Instant
    /// Of the ring by which those who are asked were chosen.
    let epoch: UInt64
    var kind: Kind
}

/// A record that another node, or this one for a scan, asked for.
enum ReplicaFlight: Sendable {
    case fetch(NodeID, RequestID, FetchKind, StoredKey, deadline: Instant)
    case scan(NodeID, RequestID)
}

/// A change of a record that waits for the record, or for its persist.
struct Change: Sendable {
    enum Kind: Sendable {
        /// Mint a dot for this write flight.
        case coordinate(RequestID)
        /// Merge what a coordinator sent.
        case merge(EncodedObject, from: NodeID, RequestID, deadline: Instant)
        /// Merge what this node's own read found, for its read flight.
        case repair(EncodedObject, RequestID)
        /// Merge what was handed over, as a part of this batch.
        case handedOff(EncodedObject, batch: RequestID)
        /// Remove a held record that was handed over, if it is still this version; nil: whatever
        /// version it is. For the delivery of this index.
        case remove(VersionDigest?, delivery: Int)
        /// Remove a record that is dead everywhere, if it is still this version; nil: one that
        /// can't be read.
        case purge(VersionDigest?)
    }

    let key: StoredKey
    let kind: Kind

    /// Whether it is a write of an actor of this node's own replica.
    var isCoordinated: Bool {
        if case .coordinate = kind { return key.standInFor == nil }
        return false
    }

    var purpose: PersistFlight.Purpose {
        switch kind {
        case .coordinate(let write): .coordinate(write)
        case .merge(_, let sender, let id, _): .merge(from: sender, id)
        case .repair(_, let read): .repair(read)
        case .handedOff(_, let batch): .handedOff(batch: batch)
        case .remove(let version, let delivery):
            .remove(wasDropped: version == nil, delivery: delivery)
        case .purge: .purge
        }
    }
}

/// The load of a record for the first change that is to build on it.
struct KeyLoad: Sendable {
    let change: Change
    let place: PendingKeys.Place
}

/// A change whose persist, or whose removal, the storage has been asked for. Of the change it keeps
/// what its end needs: nothing whose references would have to be counted again.
struct PersistFlight: Sendable {
    /// What is left of a ``Change/Kind``.
    enum Purpose: Sendable {
        case coordinate(RequestID)
        case merge(from: NodeID, RequestID)
        case repair(RequestID)
        case handedOff(batch: RequestID)
        /// - wasDropped: whatever version it was.
        case remove(wasDropped: Bool, delivery: Int)
        case purge
    }

    let token: Token
    let standInFor: NodeID?
    let purpose: Purpose
    let place: PendingKeys.Place
    let weight: RecordWeight
    let hints: [Hint]
    /// Of ``OwnClaims``.
    let epoch: Int

    init(
        _ change: Change,
        _ place: PendingKeys.Place,
        weight: RecordWeight = .nothing,
        hints: [Hint] = [],
        epoch: Int = 0
    ) {
        token = change.key.token
        standInFor = change.key.standInFor
        purpose = change.purpose
        self.place = place
        self.weight = weight
        self.hints = hints
        self.epoch = epoch
    }
}

/// Which table a request id or a storage token belongs to; kept in the low bits of its slot.
enum FlightKind: UInt32 {
    case read = 0
    case write
    case forward
    case inspect
    case coverage
    case replica
    case keyLoad
    case persist
    /// A page of hints; also the name of the batch that it becomes.
    case delivery
    case hintLoad
    case hintWrite
    case handOff
    /// What a comparison with another node has asked last: it, its storage or itself.
    case comparison
    case pushLoad
    /// A list for another node that compares.
    case listing
    /// Looking after this node's own records.
    case upkeep
    /// Taking a partition over: what another node was asked for, and what is saved of it. The index
    /// is the partition.
    case transfer
    /// A page for a node that takes a partition over; and, of writes, that all before the last
    /// change of the ring have ended.
    case transferSource
    /// That a partition be forgotten. The index is the partition.
    case partitionDrop
    /// A record that was held in the place of a node, handed to its other home replicas.
    case relay

    static let bits: UInt32 = 5
}

extension RequestID {
    init(_ kind: FlightKind, _ place: (index: Int, generation: UInt32)) {
        self.init(
            slot: UInt32(place.index) << FlightKind.bits | kind.rawValue,
            generation: place.generation
        )
    }

    /// Of what tells a node that something it handed over is obsolete; nobody awaits an answer.
    package static let notice = RequestID(.handOff, (0, 0))

    var kind: FlightKind? { FlightKind(rawValue: UInt32(slot) & ((1 << FlightKind.bits) - 1)) }
    var index: Int { slot >> Int(FlightKind.bits) }
}

extension StorageToken {
    init(_ id: RequestID) {
        self.init(rawValue: id.rawValue)
    }

    var id: RequestID { RequestID(rawValue: rawValue) }
}
