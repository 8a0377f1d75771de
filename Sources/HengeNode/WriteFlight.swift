import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// A write that this node coordinates as a replica of the key, or in place of one.
struct WriteFlight: Sendable {
    let origin: Origin
    let key: StoredKey
    /// Who is written to; a stand-in where the home replica is down and the request is sloppy.
    let replicas: PreferenceList
    let homes: PreferenceList
    /// Of the ring by which these were chosen.
    let epoch: UInt64
    let levels: ConsistencyLevels
    let isSloppy: Bool
    let deadline: Instant
    let mutation: Mutation
    /// When the request came.
    let began: Instant
    /// What a read before the write found.
    let found: EncodedObject?
    /// The context and the previous value, once the write has been made.
    var context = VersionVector()
    var previous: LiveValue?
    var coordinator: WriteCoordinator
    var hasBegun = false
    /// When it went to the replicas.
    var sentAt = Instant(nanoseconds: 0)
    /// What is being stored, once it has been made.
    var object: EncodedObject?
    /// Whether it goes on by a newer ring, as another flight.
    var isSuperseded = false

    /// - Parameter route: with enough replicas up; see ``Route/writeUnavailability(_:)``.
    init(
        _ request: ClientRequest,
        _ mutation: Mutation,
        _ route: Route,
        _ origin: Origin,
        deadline: Instant,
        began: Instant,
        found: EncodedObject? = nil
    ) {
        self.origin = origin
        key = request.key
        replicas = route.replicas
        homes = route.homes
        epoch = route.epoch
        levels = request.levels
        isSloppy = request.isSloppy
        self.deadline = deadline
        self.mutation = mutation
        self.began = began
        self.found = found
        let (current, next) = route.quorums(request.levels.write)
        coordinator = WriteCoordinator(alive: route.alive, current: current, next: next)
    }

    /// The record that the replica at `slot` holds of the key.
    func key(at slot: Int) -> StoredKey { key.held(by: replicas[slot], for: homes[slot]) }

    /// The request again, with the time that is left.
    func request(at now: Instant) -> ClientRequest {
        ClientRequest(
            key: key,
            operation: .write(mutation),
            levels: levels,
            timeout: deadline.since(now),
            isSloppy: isSloppy
        )
    }

    /// What its client is told.
    func response(to outcome: WriteCoordinator.Outcome) -> ClientResponse {
        switch outcome {
        case .stored:
            if mutation.returnsObject, let object { return .object(object) }
            return .written(context: context, previous: previous)
        case .timedOut(let stored, let required):
            return .failed(.timedOut(required: required, received: stored))
        case .rejected(.storage(let failure), let stored, let required):
            return .failed(.storage(failure, required: required, received: stored))
        case .rejected(.clockDrift, let stored, let required):
            return .failed(.clockDrift(required: required, received: stored))
        case .rejected(.overloaded, let stored, let required),
            .rejected(.lost, let stored, let required),
            .rejected(.staleRing, let stored, let required):
            // Some replica may hold the write, so it must not read like "nothing was done".
            return .failed(.timedOut(required: required, received: stored))
        }
    }

    /// The same write for those that another ring names.
    func rerouted(_ route: Route, at now: Instant) -> WriteFlight {
        var flight = WriteFlight(
            request(at: now),
            mutation,
            route,
            origin,
            deadline: deadline,
            began: began,
            found: found
        )
        flight.context = context
        flight.previous = previous
        flight.object = object
        return flight
    }
}
