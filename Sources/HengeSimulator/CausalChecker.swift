import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRing

import struct NIOCore.ByteBuffer

/// Follows every version of every object through the whole cluster, and knows by explicit sets what
/// each should hold.
///
/// Independent of the code under test: that merges vectors, this never does. A write is known from
/// the first object that shows it; what it replaced follows from the request that made it.
struct CausalChecker {
    /// Who asked a node for a write.
    enum Origin: Hashable {
        case client(Ticket)
        case peer(NodeID, RequestID)
    }

    struct Request {
        let origin: Origin
        let mutation: Mutation
    }

    /// What one record may rightly claim to know of its key; what has to do with messages and
    /// requests is kept with the node's own record.
    struct Hand {
        var stored = WriteSet()
        /// Came with messages, and may still find its way into a record.
        var passing = WriteSet()
        var epoch = 0
        var persistsInFlight = 0
        /// Writes that this node was asked to make and may still make, in order.
        var requested: [Request] = []
    }

    private(set) var keys: [StoredKey] = []
    /// Keys below this number are of earlier rounds.
    private var retired = 0
    private var numbers: [StoredKey: Int] = [:]
    var histories: [KeyHistory] = []
    /// By ``Place/row``, then by key.
    var hands: [[Hand]]
    let nodes: Int
    /// By node: rises whenever the node has nothing in flight, so that nothing is passing any more.
    private var epochs: [Int]
    /// By key: the nodes that have lost records of it.
    private(set) var losers: [UInt64] = []
    /// By key: what a record that was purged held or had replaced. All home replicas had it then,
    /// so each may have forgotten it and none need show it.
    private(set) var purged: [WriteSet] = []
    /// By node: the key of each request that it has not answered.
    private var keysOfRequests: [[Origin: Int]]
    var keyOfDot: [Dot: Int] = [:]
    var burned: [ActorID: Bool] = [:]

    /// Whether all clocks are within the bound that replicas accept.
    let clocksAgree: Bool

    init(nodes: Int, clocksAgree: Bool) {
        self.clocksAgree = clocksAgree
        self.nodes = nodes
        hands = Array(repeating: [], count: nodes * (nodes + 1))
        keysOfRequests = Array(repeating: [:], count: nodes)
        epochs = Array(repeating: 0, count: nodes)
    }

    mutating func follow(_ key: StoredKey) -> Int {
        numbers[key] = keys.count
        keys.append(key)
        histories.append(KeyHistory())
        losers.append(0)
        purged.append(WriteSet())
        for row in hands.indices { hands[row].append(Hand()) }
        return keys.count - 1
    }

    /// Forgets all about the keys so far but their names.
    mutating func retire() {
        retired = keys.count
        for key in histories.indices {
            numbers[keys[key]] = nil
            histories[key] = KeyHistory()
            purged[key] = WriteSet()
            for row in hands.indices { hands[row][key] = Hand() }
        }
    }

    /// The number of a key, whoever's record of it is meant.
    func number(of key: StoredKey) -> Int? { numbers[key.standingIn(for: nil)] }

    /// How many writes of a key have been seen.
    func writeCount(of key: StoredKey) -> Int {
        number(of: key).map { histories[$0].writes.count } ?? 0
    }

    /// The hand of a record: the node's own, or one that it holds in the place of another.
    subscript(place: Place, key: Int) -> Hand {
        _read { yield hands[place.row(nodes)][key] }
        _modify { yield &hands[place.row(nodes)][key] }
    }

    /// The key that an object is of, by the writes in it.
    func key(of object: EncodedObject) -> Int? {
        guard let dot = object.decoded().siblings.first?.dot, let key = keyOfDot[dot] else {
            return nil
        }
        return key < retired ? nil : key
    }

    // MARK: What reaches a node

    mutating func requested(
        _ mutation: Mutation,
        of key: StoredKey,
        at node: Int,
        by origin: Origin
    ) {
        guard let key = number(of: key) else { return }
        hands[node][key].requested.append(Request(origin: origin, mutation: mutation))
        keysOfRequests[node][origin] = key
    }

    /// A node has answered a request.
    ///
    /// - Parameter wroteNothing: the node will never make the write.
    mutating func ended(_ origin: Origin, wroteNothing: Bool, at node: Int) {
        guard let key = keysOfRequests[node].removeValue(forKey: origin), wroteNothing else {
            return
        }
        hands[node][key].requested.removeAll { $0.origin == origin }
    }

    mutating func received(
        _ object: EncodedObject,
        of key: StoredKey,
        at node: Int
    ) throws(Violation) {
        guard let key = number(of: key) else { return }
        try received(object, of: key, at: node)
    }

    mutating func received(_ object: EncodedObject, of key: Int, at node: Int) throws(Violation) {
        pass(try check(object, of: key, seenAt: node), of: key, at: node)
    }

    /// A node may put these into a record until it has nothing in flight.
    mutating func pass(_ known: WriteSet, of key: Int, at node: Int) {
        if hands[node][key].epoch != epochs[node] {
            hands[node][key].epoch = epochs[node]
            hands[node][key].passing = WriteSet()
        }
        hands[node][key].passing.formUnion(known)
    }

    mutating func loaded(
        _ object: EncodedObject,
        of key: Int,
        at place: Place
    ) throws(Violation) {
        self[place, key].stored.formUnion(try check(object, of: key, seenAt: place.node))
        // A request may hold what it read although the record has gone since.
        try received(object, of: key, at: place.node)
    }

    /// The same of a record of which the node has seen the version alone.
    mutating func loaded(
        _ version: EncodedVersion,
        of key: Int,
        at place: Place
    ) throws(Violation) {
        var siblings: [Sibling] = []
        for write in version.writes {
            guard let index = histories[key].index(of: write.dot) else {
                throw Violation(.uniqueDots, "\(write.dot) at \(place) came from nowhere")
            }
            siblings.append(histories[key].writes[index].sibling)
        }
        let object = VersionedObject(context: version.context, siblings: siblings).encoded()
        guard version.isVersion(of: object) else {
            throw Violation(.codec, "a version at \(place) is not that of its writes")
        }
        try loaded(object, of: key, at: place)
    }

    mutating func foundRotten(_ key: Int, at place: Place) {
        if self[place, key].persistsInFlight == 0 { self[place, key].stored = WriteSet() }
    }

    /// A node has asked its disk to forget a record.
    mutating func removing(_ key: Int, at place: Place) { self[place, key].stored = WriteSet() }

    /// A home replica has asked its disk to forget a record that is dead everywhere.
    mutating func purging(_ object: EncodedObject, of key: Int) {
        purged[key].formUnion(histories[key].covered(by: object.context))
    }

    /// What there is of an object beside what was purged: the writes that it holds, and those that
    /// it holds or has replaced.
    func view(of object: EncodedObject?, of key: Int) -> [WriteSet] {
        guard let object else { return [WriteSet(), WriteSet()] }
        return view(of: object.decoded(), of: key)
    }

    func view(of object: VersionedObject, of key: Int) -> [WriteSet] {
        var held = WriteSet()
        for sibling in object.siblings {
            if let write = histories[key].index(of: sibling.dot) { held.insert(write) }
        }
        let known = histories[key].covered(by: object.context)
        return [held.subtracting(purged[key]), known.subtracting(purged[key])]
    }

    /// - Parameter left: what is on the disk now.
    mutating func persisted(
        _ work: StorageWork,
        failed: Bool,
        left: EncodedObject?,
        at place: Place
    ) throws(Violation) {
        guard let key = work.key else { return }
        if work.kind == .persist { self[place, key].persistsInFlight -= 1 }
        guard failed else { return }
        if let minted = work.minted {
            burned[histories[key].writes[minted].dot.actor] = true
        }
        guard self[place, key].persistsInFlight == 0 else { return }
        self[place, key].stored = WriteSet()
        if let left { try loaded(left, of: key, at: place) }
    }

    mutating func becameIdle(_ node: Int) { epochs[node] += 1 }

    mutating func started(_ node: Int) {
        for place in Place.all(of: node, nodes) {
            for key in hands[node].indices { self[place, key] = Hand() }
        }
        keysOfRequests[node].removeAll()
        epochs[node] += 1
    }

    mutating func lost(_ key: Int, at node: Int) { losers[key] |= 1 << UInt64(node) }

    // MARK: What leaves a node

    /// Notes in `work` the write that this object is the first to show.
    mutating func persisting(
        _ object: EncodedObject,
        _ work: inout StorageWork,
        at place: Place
    ) throws(Violation) {
        guard let key = work.key else { return }
        self[place, key].persistsInFlight += 1
        let before = histories[key].writes.count
        try emitted(object, of: key, by: place.node, from: place)
        if histories[key].writes.count > before { work.minted = before }
        let known = try check(object, of: key, seenAt: place.node)
        self[place, key].stored.formUnion(known)
    }

    mutating func emitted(
        _ object: EncodedObject,
        of key: StoredKey,
        by node: Int,
        from place: Place? = nil
    ) throws(Violation) {
        guard let key = number(of: key) else { return }
        try emitted(object, of: key, by: node, from: place)
    }

    /// - Parameter place: the record that it comes from; nil when that may be any of the node's.
    mutating func emitted(
        _ object: EncodedObject,
        of key: Int,
        by node: Int,
        from place: Place? = nil
    ) throws(Violation) {
        if histories[key].known(ofVersion: hash(object)) == nil {
            try discover(object, of: key, by: node, from: place)
        }
        // A false claim is the cause, wrong siblings its consequence.
        let claimed =
            histories[key].known(ofVersion: hash(object))
            ?? histories[key].covered(by: object.context)
        let unseen = unseen(claimed, of: key, at: node, in: place)
        guard unseen.isEmpty else {
            throw Violation(
                .honestContexts,
                "n\(node + 1) claims \(dots(unseen, of: key)) of key \(key), which it never held"
            )
        }
        _ = try check(object, of: key, seenAt: node)
    }

    /// Those of `known` that never were in this node's hands.
    ///
    /// - Parameter place: the record that claims them; nil when that may be any of the node's.
    func unseen(
        _ known: WriteSet,
        of key: Int,
        at node: Int,
        in place: Place? = nil
    ) -> WriteSet {
        let hand = hands[node][key]
        var unseen = known.subtracting(purged[key])
        if hand.epoch == epochs[node] { unseen = unseen.subtracting(hand.passing) }
        if let place { return unseen.subtracting(self[place, key].stored) }
        for place in Place.all(of: node, nodes) where !unseen.isEmpty {
            unseen = unseen.subtracting(self[place, key].stored)
        }
        return unseen
    }

    /// A context given to a client with a write; returns the write.
    func answered(_ context: VersionVector, of key: Int) throws(Violation) -> Int {
        guard let write = histories[key].write(leaving: context) else {
            throw Violation(
                .honestContexts,
                "a client got a context that no write left: \(context)"
            )
        }
        return write
    }

    // MARK: Checking versions

    /// What a version holds or has replaced; it must hold exactly what that leaves.
    private mutating func check(
        _ encoded: EncodedObject,
        of key: Int,
        seenAt node: Int
    ) throws(Violation) -> WriteSet {
        let hash = hash(encoded)
        if let known = histories[key].known(ofVersion: hash) { return known }
        let object = encoded.decoded()
        let known = histories[key].covered(by: object.context)
        var held = WriteSet()
        for sibling in object.siblings {
            guard let write = histories[key].index(of: sibling.dot) else {
                throw Violation(.uniqueDots, "\(sibling.dot) at n\(node + 1) came from nowhere")
            }
            guard histories[key].writes[write].sibling == sibling else {
                throw Violation(.uniqueDots, "\(sibling.dot) names two writes of key \(key)")
            }
            held.insert(write)
        }
        let expected = histories[key].survivors(of: known)
        // A replica may know that a sibling was replaced and purged without knowing by what.
        let wrong = held.subtracting(expected).union(expected.subtracting(held))
        guard wrong.isSubset(of: purged[key]) else {
            throw Violation(
                .exactSiblings,
                "n\(node + 1) holds \(dots(held, of: key)) of key \(key), "
                    + "and should hold \(dots(expected, of: key))"
            )
        }
        histories[key].accept(version: hash, known: known, context: object.context)
        return known
    }

    private func dots(_ set: WriteSet, of key: Int) -> String {
        let names = set.members.map { histories[key].writes[$0].dot.description }
        return "{\(names.joined(separator: ", "))}"
    }

    /// What the object that a client was given holds or has replaced.
    mutating func shown(
        _ object: EncodedObject,
        of key: Int,
        by node: Int
    ) throws(Violation) -> WriteSet {
        try check(object, of: key, seenAt: node).union(purged[key])
    }

    private func hash(_ object: EncodedObject) -> UInt64 {
        object.bytes.withUnsafeReadableBytes { XXH3.hash64($0) }
    }
}
