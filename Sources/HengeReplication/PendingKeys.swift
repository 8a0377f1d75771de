import HengeBase
package import HengeCausality
package import HengeMessages
package import HengeRing

/// Keys that have writes in flight, and what their next write must build on.
///
/// Two writes of one key must not build on the same state: the second would claim the first without
/// holding it. So the first one loads the record while the others wait, and each later one builds
/// on the version before it, durable or not. Readers never look here: they see only what is
/// durable.
///
/// It knows those that wait by numbers alone: a generic of this layer would not be specialised in
/// the one above (docs/decisions/0007), and each write comes here six times.
package struct PendingKeys: Sendable {
    /// Where what is known of a key is, while a load or a persist of it is in flight.
    ///
    /// Those in flight carry it: to find a key by its name costs a write more than what is kept of
    /// it.
    package struct Place: Sendable {
        fileprivate let index: Int
    }

    package enum Admission {
        /// The first: load the record, then call ``loaded(_:_:)``.
        case load(Place)
        /// Behind a load in flight: call ``wait(at:_:)``.
        case waits(Place)
        /// Build on this now.
        case ready(Place, EncodedObject?)
    }

    private struct Entry: Sendable {
        /// Nil of one that is free.
        var key: StoredKey?
        /// Of the key: to read it there would copy the key (6.3).
        var token: Token
        /// The next of the same bucket; -1 after the last.
        var next = -1
        var latest: EncodedObject?
        var durable = RecordWeight.nothing
        var isLoading = true
        var persists = 0
        var waiters: [Int] = []
        /// Whether the record has been forgotten since it was asked for.
        var isForgotten = false

        init(_ key: StoredKey) {
            token = key.token
            self.key = key
        }

        /// Takes the place of another, whose memory it keeps.
        mutating func begin(_ key: StoredKey) {
            token = key.token
            self.key = key
            durable = .nothing
            isLoading = true
            persists = 0
            isForgotten = false
        }

        /// Lets go of what it holds.
        mutating func end() {
            key = nil
            latest = nil
            waiters = []
        }
    }

    private var entries: [Entry] = []
    private var free: [Int] = []
    /// By some bits of the token, which is a hash already: the first entry of the bucket, or -1.
    ///
    /// Not a dictionary, whose hash of the token and copies of keys to compare cost more than what
    /// is kept here.
    private var buckets = [Int](repeating: -1, count: 64)
    /// How many wait for loads in flight.
    package private(set) var waiting = 0

    package init() {}

    package var count: Int { entries.count - free.count }

    // MARK: Places

    private func bucket(of token: Token) -> Int {
        // The high bits are those of the partitions, of which a node holds some.
        Int(truncatingIfNeeded: token.rawValue) & (buckets.count - 1)
    }

    /// Nil of a key that nothing is in flight for.
    package func place(of key: StoredKey) -> Place? {
        var index = buckets[bucket(of: key.token)]
        while index >= 0, entries[index].token != key.token || entries[index].key != key {
            index = entries[index].next
        }
        return index >= 0 ? Place(index: index) : nil
    }

    private mutating func insert(_ key: StoredKey) -> Place {
        if let index = free.popLast() {
            entries[index].begin(key)
            link(index)
            return Place(index: index)
        }
        let index = entries.count
        entries.append(Entry(key))
        if entries.count > buckets.count { spread() } else { link(index) }
        return Place(index: index)
    }

    private mutating func link(_ index: Int) {
        let bucket = bucket(of: entries[index].token)
        entries[index].next = buckets[bucket]
        buckets[bucket] = index
    }

    /// Over twice as many buckets.
    private mutating func spread() {
        buckets = Array(repeating: -1, count: 2 * buckets.count)
        for index in entries.indices where entries[index].key != nil { link(index) }
    }

    private mutating func remove(at index: Int) {
        invariant(entries[index].key != nil, "nothing is at the place")
        let bucket = bucket(of: entries[index].token)
        if buckets[bucket] == index {
            buckets[bucket] = entries[index].next
        } else {
            var before = buckets[bucket]
            while entries[before].next != index { before = entries[before].next }
            entries[before].next = entries[index].next
        }
        entries[index].end()
        free.append(index)
    }

    private var keys: some Sequence<StoredKey> { entries.lazy.compactMap(\.key) }

    /// Where the home records of these tokens are.
    private func homes(_ tokens: ClosedRange<Token>) -> [Int] {
        entries.indices.filter { index in
            guard let key = entries[index].key else { return false }
            return key.standInFor == nil && tokens.contains(key.token)
        }
    }

    // MARK: Loads

    package mutating func admit(_ key: StoredKey) -> Admission {
        guard let place = place(of: key) else { return .load(insert(key)) }
        if entries[place.index].isLoading { return .waits(place) }
        return .ready(place, entries[place.index].latest)
    }

    /// The waiter comes back from ``loaded(_:_:)`` or ``loadFailed(_:)``.
    package mutating func wait(at place: Place, _ waiter: Int) {
        invariant(entries[place.index].isLoading, "a change waits for what nobody loads")
        entries[place.index].waiters.append(waiter)
        waiting += 1
    }

    /// Whether a change waits behind the load.
    package func isWaitedFor(_ place: Place) -> Bool { !entries[place.index].waiters.isEmpty }

    /// The record is here: those that waited for it, in order. Call ``release(_:)`` when all have
    /// been applied.
    package mutating func loaded(_ place: Place, _ object: EncodedObject?) -> [Int] {
        let index = place.index
        ended(loadAt: index) { RecordWeight(of: object, key: $0) }
        entries[index].latest = object
        guard !entries[index].waiters.isEmpty else { return [] }
        let waiters = entries[index].waiters
        entries[index].waiters = []
        waiting -= waiters.count
        return waiters
    }

    /// The version of the record is here, for a change that replaces all of it and that nobody
    /// waits behind: it must be applied, or ``release(_:)`` called, before anything else.
    package mutating func loaded(_ place: Place, _ version: EncodedVersion) {
        invariant(!isWaitedFor(place), "a change waits for what only its version is known of")
        ended(loadAt: place.index) { RecordWeight(of: version, key: $0) }
    }

    private mutating func ended(loadAt index: Int, _ weight: (StoredKey) -> RecordWeight) {
        guard entries[index].isLoading, let key = entries[index].key else {
            preconditionFailure("loaded a key that nobody asked for")
        }
        entries[index].isLoading = false
        // It may have been read before it was forgotten.
        entries[index].durable = entries[index].isForgotten ? .nothing : weight(key)
    }

    /// The load failed: those that waited for it. The place is none of the key's any more.
    package mutating func loadFailed(_ place: Place) -> [Int] {
        let waiters = entries[place.index].waiters
        remove(at: place.index)
        waiting -= waiters.count
        return waiters
    }

    /// What the next write builds on, between ``loaded(_:_:)`` and ``release(_:)``.
    package func latest(_ place: Place) -> EncodedObject? { entries[place.index].latest }

    /// Forgets the key once nothing is in flight for it.
    package mutating func release(_ place: Place) {
        guard !entries[place.index].isLoading, entries[place.index].persists == 0 else { return }
        remove(at: place.index)
    }

    // MARK: Persists

    /// Whether what the next write of the key builds on is already durable.
    package func isDurable(_ place: Place) -> Bool { entries[place.index].persists == 0 }

    /// A persist of this version has been asked for; it carries the place to
    /// ``persisted(_:weight:success:)``.
    package mutating func persisting(_ place: Place, _ object: EncodedObject) {
        entries[place.index].latest = object
        entries[place.index].persists += 1
    }

    /// The removal of the record has been asked for: what comes next builds on nothing. It ends
    /// as a persist of no weight.
    package mutating func removing(_ place: Place) {
        entries[place.index].latest = nil
        entries[place.index].persists += 1
    }

    /// Whether a persist of this key is in flight.
    package func isPersisting(_ key: StoredKey) -> Bool {
        place(of: key).map { !isDurable($0) } ?? false
    }

    /// The home records of this range that have a persist in flight, with what is known to be
    /// durable of each, in order of key.
    package func durable(
        in tokens: ClosedRange<Token>
    ) -> [(key: StoredKey, weight: RecordWeight)] {
        homes(tokens).compactMap { index in
            guard entries[index].persists > 0, let key = entries[index].key else { return nil }
            return (key, entries[index].durable)
        }
        .sorted { $0.0.token < $1.0.token }
    }

    /// Whether any home record of these tokens has a change in flight.
    package func holdsAny(of tokens: ClosedRange<Token>) -> Bool {
        keys.contains { $0.standInFor == nil && tokens.contains($0.token) }
    }

    /// All home records of these tokens have been forgotten, durably. What is in flight of them
    /// adds to nothing from here on.
    package mutating func forgot(_ tokens: ClosedRange<Token>) {
        for index in homes(tokens) {
            entries[index].durable = .nothing
            entries[index].isForgotten = true
        }
    }

    /// Whether any is a record in the place of another node.
    package var hasStandIns: Bool { keys.contains { $0.standInFor != nil } }

    /// A persist has ended. Returns what it added to the partition's counts.
    package mutating func persisted(
        _ place: Place,
        weight: RecordWeight,
        success: Bool
    ) -> RecordWeight {
        let index = place.index
        invariant(entries[index].persists > 0, "a persist ended that never began")
        entries[index].persists -= 1
        var change = RecordWeight.nothing
        if success {
            change = weight - entries[index].durable
            entries[index].durable = weight
        }
        release(place)
        return change
    }
}

extension RecordWeight {
    /// What a record of this object adds to its partition's counts.
    package init(of object: EncodedObject?, key: StoredKey) {
        guard let object else {
            self = .nothing
            return
        }
        self = key.bytes.withUnsafeReadableBytes { RecordWeight(of: object, keyBytes: $0) }
    }

    init(of version: EncodedVersion, key: StoredKey) {
        self = key.bytes.withUnsafeReadableBytes { RecordWeight(of: version, keyBytes: $0) }
    }
}
