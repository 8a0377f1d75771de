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
    package enum Admission {
        /// The first: load the record, then call ``loaded(_:_:)``.
        case load
        /// Behind a load in flight: call ``wait(for:_:)``.
        case waits
        /// Build on this now.
        case ready(EncodedObject?)
    }

    private struct Entry: Sendable {
        /// Nil of one that is free.
        var key: StoredKey?
        var latest: EncodedObject?
        var durable = RecordWeight.nothing
        var isLoading = true
        var persists = 0
        var waiters: [Int] = []
        /// Whether the record has been forgotten since it was asked for.
        var isForgotten = false
    }

    private var places: [StoredKey: Int] = [:]
    /// Apart from the keys: reading one field of a dictionary's value copied all of it (6.3).
    private var entries: [Entry] = []
    private var free: [Int] = []
    /// How many wait for loads in flight.
    package private(set) var waiting = 0

    package init() {}

    package var count: Int { places.count }

    private mutating func insert(_ key: StoredKey) {
        let entry = Entry(key: key)
        if let place = free.popLast() {
            entries[place] = entry
            places[key] = place
        } else {
            places[key] = entries.count
            entries.append(entry)
        }
    }

    private mutating func remove(at place: Int) {
        if let key = entries[place].key { places[key] = nil }
        entries[place] = Entry()
        free.append(place)
    }

    /// Where the home records of these tokens are.
    private func homes(_ tokens: ClosedRange<Token>) -> [Int] {
        entries.indices.filter { place in
            guard let key = entries[place].key else { return false }
            return key.standInFor == nil && tokens.contains(key.token)
        }
    }

    package mutating func admit(_ key: StoredKey) -> Admission {
        guard let place = places[key] else {
            insert(key)
            return .load
        }
        if entries[place].isLoading { return .waits }
        return .ready(entries[place].latest)
    }

    /// The waiter comes back from ``loaded(_:_:)`` or ``loadFailed(_:)``.
    package mutating func wait(for key: StoredKey, _ waiter: Int) {
        guard let place = places[key], entries[place].isLoading else {
            preconditionFailure("a change waits for what nobody loads")
        }
        entries[place].waiters.append(waiter)
        waiting += 1
    }

    /// The record is here: those that waited for it, in order. Call ``release(_:)`` when all have
    /// been applied.
    package mutating func loaded(_ key: StoredKey, _ object: EncodedObject?) -> [Int] {
        guard let place = places[key] else {
            preconditionFailure("loaded a key that nobody asked for")
        }
        invariant(entries[place].isLoading)
        entries[place].isLoading = false
        entries[place].latest = object
        // It may have been read before it was forgotten.
        entries[place].durable =
            entries[place].isForgotten ? .nothing : RecordWeight(of: object, key: key)
        guard !entries[place].waiters.isEmpty else { return [] }
        let waiters = entries[place].waiters
        entries[place].waiters = []
        waiting -= waiters.count
        return waiters
    }

    /// The load failed: those that waited for it.
    package mutating func loadFailed(_ key: StoredKey) -> [Int] {
        guard let place = places[key] else { return [] }
        let waiters = entries[place].waiters
        remove(at: place)
        waiting -= waiters.count
        return waiters
    }

    /// What the next write builds on, between ``loaded(_:_:)`` and ``release(_:)``.
    package func latest(_ key: StoredKey) -> EncodedObject? {
        places[key].flatMap { entries[$0].latest }
    }

    /// Whether ``latest(_:)`` is already durable.
    package func isDurable(_ key: StoredKey) -> Bool {
        places[key].map { entries[$0].persists == 0 } ?? false
    }

    /// A persist of this version has been asked for.
    package mutating func persisting(_ key: StoredKey, _ object: EncodedObject) {
        guard let place = places[key] else {
            preconditionFailure("a write was applied to a key that was not admitted")
        }
        entries[place].latest = object
        entries[place].persists += 1
    }

    /// The removal of the record has been asked for: what comes next builds on nothing. It ends
    /// as a persist of no weight.
    package mutating func removing(_ key: StoredKey) {
        guard let place = places[key] else {
            preconditionFailure("a removal of a key that was not admitted")
        }
        entries[place].latest = nil
        entries[place].persists += 1
    }

    /// Whether a persist of this key is in flight.
    package func isPersisting(_ key: StoredKey) -> Bool {
        places[key].map { entries[$0].persists > 0 } ?? false
    }

    /// The home records of this range that have a persist in flight, with what is known to be
    /// durable of each, in order of key.
    package func durable(
        in tokens: ClosedRange<Token>
    ) -> [(key: StoredKey, weight: RecordWeight)] {
        homes(tokens).compactMap { place in
            guard entries[place].persists > 0, let key = entries[place].key else { return nil }
            return (key, entries[place].durable)
        }
        .sorted { $0.0.token < $1.0.token }
    }

    /// Whether any home record of these tokens has a change in flight.
    package func holdsAny(of tokens: ClosedRange<Token>) -> Bool {
        places.keys.contains { $0.standInFor == nil && tokens.contains($0.token) }
    }

    /// All home records of these tokens have been forgotten, durably. What is in flight of them
    /// adds to nothing from here on.
    package mutating func forgot(_ tokens: ClosedRange<Token>) {
        for place in homes(tokens) {
            entries[place].durable = .nothing
            entries[place].isForgotten = true
        }
    }

    /// Whether any is a record in the place of another node.
    package var hasStandIns: Bool { places.keys.contains { $0.standInFor != nil } }

    /// A persist has ended. Returns what it added to the partition's counts.
    package mutating func persisted(
        _ key: StoredKey,
        weight: RecordWeight,
        success: Bool
    ) -> RecordWeight {
        guard let place = places[key] else {
            preconditionFailure("a persist ended that never began")
        }
        invariant(entries[place].persists > 0)
        entries[place].persists -= 1
        var change = RecordWeight.nothing
        if success {
            change = weight - entries[place].durable
            entries[place].durable = weight
        }
        release(at: place)
        return change
    }

    /// Forgets the key once nothing is in flight for it.
    package mutating func release(_ key: StoredKey) {
        if let place = places[key] { release(at: place) }
    }

    private mutating func release(at place: Int) {
        guard !entries[place].isLoading, entries[place].persists == 0 else { return }
        remove(at: place)
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
}
