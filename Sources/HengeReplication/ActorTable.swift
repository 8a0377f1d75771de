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
    private let node: NodeID
    private var generator: SeededGenerator
    /// By partition: whether its actor comes from a stop after which another life of this node may
    /// have used it, and has not been confirmed. Empty when there is none such.
    private var isProvisional: [Bool]
    /// How often an actor was renewed because of a loss.
    package private(set) var renewals = 0
    /// How often a saved actor was not used because nobody had confirmed it.
    package private(set) var provisionalRenewals = 0

    /// - Parameters:
    ///   - saved: the entries of a clean stop, one a partition; empty after any other. They are
    ///     not used before ``confirm(_:)``: a data directory may be an old copy of one whose node
    ///     has lived on.
    ///   - generator: must be seeded afresh in each incarnation.
    package init(
        node: NodeID,
        partitions: Int,
        saved: [Entry?],
        generator: SeededGenerator
    ) {
        invariant(saved.isEmpty || saved.count == partitions)
        entries = saved.isEmpty ? Array(repeating: nil, count: partitions) : saved
        isProvisional = saved.map { $0 != nil }
        self.node = node
        self.generator = generator
    }

    /// Whether the saved actors may go on. Those renewed by then stay renewed.
    package mutating func confirm(_ isConfirmed: Bool) {
        if !isConfirmed {
            for partition in isProvisional.indices where isProvisional[partition] {
                dropProvisional(partition)
            }
        }
        isProvisional = []
    }

    private mutating func dropProvisional(_ partition: Int) {
        entries[partition] = nil
        isProvisional[partition] = false
        provisionalRenewals += 1
    }

    /// A dot that was never minted before.
    package mutating func mint(partition: Int) -> Dot {
        if !isProvisional.isEmpty, isProvisional[partition] { dropProvisional(partition) }
        if var entry = entries[partition] {
            entry.counter += 1
            entries[partition] = entry
            return Dot(actor: entry.actor, counter: entry.counter)
        }
        let actor = ActorID(node: node, random: generator.next())
        entries[partition] = Entry(actor: actor, counter: 1)
        return Dot(actor: actor, counter: 1)
    }

    /// Never uses the partition's actor again.
    package mutating func renew(partition: Int) {
        guard entries[partition] != nil else { return }
        entries[partition] = nil
        if !isProvisional.isEmpty { isProvisional[partition] = false }
        renewals += 1
    }

    /// Under which actor the replica writes now, if it has written.
    package func live(partition: Int) -> ActorID? { entries[partition]?.actor }

    /// What a clean stop saves, one a partition; also those that were not confirmed, since this
    /// life has not used them.
    package var saved: [Entry?] { entries }
}
