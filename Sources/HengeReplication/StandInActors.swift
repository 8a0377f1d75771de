package import HengeBase
package import HengeCausality

/// The actors under which this node mints dots for records that it holds in place of others.
///
/// An entry of a version vector claims every dot of its actor up to the counter, for that key. A
/// place that was handed over is empty again, so the actor that wrote there must not write there
/// once more: the new version would claim the dots of the one that is gone, and a home replica
/// that has not merged those would drop what they name. So actors are per partition and home,
/// never saved, and renewed as soon as any record of theirs is removed or lost.
package struct StandInActors: Sendable {
    private struct Place: Hashable, Sendable {
        let partition: Int
        let home: NodeID
    }

    private var entries: [Place: ActorTable.Entry] = [:]
    private let node: NodeID
    private var generator: SeededGenerator

    /// - Parameter generator: must be seeded afresh in each incarnation.
    package init(node: NodeID, generator: SeededGenerator) {
        self.node = node
        self.generator = generator
    }

    /// A dot that was never minted before.
    package mutating func mint(partition: Int, home: NodeID) -> Dot {
        let place = Place(partition: partition, home: home)
        var entry =
            entries[place]
            ?? ActorTable.Entry(actor: ActorID(node: node, random: generator.next()), counter: 0)
        entry.counter += 1
        entries[place] = entry
        return Dot(actor: entry.actor, counter: entry.counter)
    }

    /// Never uses the place's actor again.
    package mutating func renew(partition: Int, home: NodeID) {
        entries[Place(partition: partition, home: home)] = nil
    }
}
