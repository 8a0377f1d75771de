package import HengeBase
package import HengeCausality

/// The actors under which this node's partition replicas mint dots.
///
/// An actor is made when its replica coordinates its first write. It is renewed whenever the
/// replica may have lost a write that it named, because a reused actor's entry in a context would
/// claim that write.
package struct ActorTable: Sendable {
    package struct Entry: Hashable, Sendable {
        package var actor: ActorID
        package var counter: UInt64

        package init(actor: ActorID, counter: UInt64) {
            self.actor = actor
            self.counter = counter
        }
    }

    private var entries: [Entry?]
    private var generator: SeededGenerator
    /// How often an actor was renewed because of a loss.
    package private(set) var renewals = 0

    /// - Parameters:
    ///   - saved: the entries of a clean stop, one a partition; empty after any other.
    ///   - generator: must be seeded afresh in each incarnation.
    package init(partitions: Int, saved: [Entry?], generator: SeededGenerator) {
        invariant(saved.isEmpty || saved.count == partitions)
        entries = saved.isEmpty ? Array(repeating: nil, count: partitions) : saved
        self.generator = generator
    }

    /// A dot that was never minted before.
    package mutating func mint(partition: Int) -> Dot {
        if var entry = entries[partition] {
            entry.counter += 1
            entries[partition] = entry
            return Dot(actor: entry.actor, counter: entry.counter)
        }
        let actor = ActorID(rawValue: generator.next())
        entries[partition] = Entry(actor: actor, counter: 1)
        return Dot(actor: actor, counter: 1)
    }

    /// Never uses the partition's actor again.
    package mutating func renew(partition: Int) {
        guard entries[partition] != nil else { return }
        entries[partition] = nil
        renewals += 1
    }

    /// What a clean stop saves, one a partition.
    package var saved: [Entry?] { entries }
}
