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
        var latest: EncodedObject?
        var durable = RecordWeight.nothing
        var isLoading = true
        var persists = 0
        var waiters: [Int] = []
        /// Whether the record has been forgotten since it was asked for.
        var isForgotten = false
    }

    private var entries: [StoredKey: Entry] = [:]
    /// How many wait for loads in flight.
    package private(set) var waiting = 0

    package init() {}

    package var count: Int { entries.count }

    package mutating func admit(_ key: StoredKey) -> Admission {
        guard let index = entries.index(forKey: key) else {
            entries[key] = Entry()
            return .load
        }
        if entries.values[index].isLoading { return .waits }
        return .ready(entries.values[index].latest)
    }

    /// The waiter comes back from ``loaded(_:_:)`` or ``loadFailed(_:)``.
    package mutating func wait(for key: StoredKey, _ waiter: Int) {
        guard let index = entries.index(forKey: key), entries.values[index].isLoading else {
            preconditionFailure("a change waits for what nobody loads")
        }
        entries.values[index].waiters.append(waiter)
        waiting += 1
    }

    /// The record is here: those that waited for it, in order. Call ``release(_:)`` when all have
    /// been applied.
    package mutating func loaded(_ key: StoredKey, _ object: EncodedObject?) -> [Int] {
        guard let index = entries.index(forKey: key) else {
            preconditionFailure("loaded a key that nobody asked for")
        }
        invariant(entries.values[index].isLoading)
        entries.values[index].isLoading = false
        entries.values[index].latest = object
        // It may have been read before it was forgotten.
        entries.values[index].durable =
            entries.values[index].isForgotten ? .nothing : RecordWeight(of: object, key: key)
        guard !entries.values[index].waiters.isEmpty else { return [] }
        let waiters = entries.values[index].waiters
        entries.values[index].waiters = []
        waiting -= waiters.count
        return waiters
    }

    /// The load failed: those that waited for it.
    package mutating func loadFailed(_ key: StoredKey) -> [Int] {
        let waiters = entries.removeValue(forKey: key)?.waiters ?? []
        waiting -= waiters.count
        return waiters
    }

    /// What the next write builds on, between ``loaded(_:_:)`` and ``release(_:)``.
    package func latest(_ key: StoredKey) -> EncodedObject? {
        entries[key]?.latest
    }

    /// Whether ``latest(_:)`` is already durable.
    package func isDurable(_ key: StoredKey) -> Bool {
        entries[key]?.persists == 0
    }

    /// A persist of this version has been asked for.
    package mutating func persisting(_ key: StoredKey, _ object: EncodedObject) {
        guard let index = entries.index(forKey: key) else {
            preconditionFailure("a write was applied to a key that was not admitted")
        }
        entries.values[index].latest = object
        entries.values[index].persists += 1
    }

    /// The removal of the record has been asked for: what comes next builds on nothing. It ends
    /// as a persist of no weight.
    package mutating func removing(_ key: StoredKey) {
        guard let index = entries.index(forKey: key) else {
            preconditionFailure("a removal of a key that was not admitted")
        }
        entries.values[index].latest = nil
        entries.values[index].persists += 1
    }

    /// Whether a persist of this key is in flight.
    package func isPersisting(_ key: StoredKey) -> Bool {
        entries[key].map { $0.persists > 0 } ?? false
    }

    /// The home records of this range that have a persist in flight, with what is known to be
    /// durable of each, in order of key.
    package func durable(
        in tokens: ClosedRange<Token>
    ) -> [(key: StoredKey, weight: RecordWeight)] {
        entries.filter {
            $0.value.persists > 0 && $0.key.standInFor == nil && tokens.contains($0.key.token)
        }
        .map { ($0.key, $0.value.durable) }
        .sorted { $0.0.token < $1.0.token }
    }

    /// Whether any home record of these tokens has a change in flight.
    package func holdsAny(of tokens: ClosedRange<Token>) -> Bool {
        entries.keys.contains { $0.standInFor == nil && tokens.contains($0.token) }
    }

    /// All home records of these tokens have been forgotten, durably. What is in flight of them
    /// adds to nothing from here on.
    package mutating func forgot(_ tokens: ClosedRange<Token>) {
        for index in entries.indices {
            let key = entries.keys[index]
            guard key.standInFor == nil, tokens.contains(key.token) else { continue }
            entries.values[index].durable = .nothing
            entries.values[index].isForgotten = true
        }
    }

    /// Whether any is a record in the place of another node.
    package var hasStandIns: Bool { entries.keys.contains { $0.standInFor != nil } }

    /// A persist has ended. Returns what it added to the partition's counts.
    package mutating func persisted(
        _ key: StoredKey,
        weight: RecordWeight,
        success: Bool
    ) -> RecordWeight {
        guard let index = entries.index(forKey: key) else {
            preconditionFailure("a persist ended that never began")
        }
        invariant(entries.values[index].persists > 0)
        entries.values[index].persists -= 1
        var change = RecordWeight.nothing
        if success {
            change = weight - entries.values[index].durable
            entries.values[index].durable = weight
        }
        release(at: index)
        return change
    }

    /// Forgets the key once nothing is in flight for it.
    package mutating func release(_ key: StoredKey) {
        if let index = entries.index(forKey: key) { release(at: index) }
    }

    private mutating func release(at index: Dictionary<StoredKey, Entry>.Index) {
        guard !entries.values[index].isLoading, entries.values[index].persists == 0 else { return }
        entries.remove(at: index)
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
