import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import HengeSimulator

/// Nodes that compare and purge wrongly.
extension Mutant {
    /// Claims to have taken in every write that anyone has stored, as soon as it is asked.
    static func boastfulClocks() -> Mutant {
        let mutant = Mutant()
        var seen = VersionVector()
        mutant.effect = { effect in
            switch effect {
            case .storage(.persist(_, let bytes, _, _)):
                if let object = try? EncodedObject(bytes) { seen.join(object.context) }
                return [effect]
            case .sendBulk(let target, .entropy(let id, .roots(let roots, _))):
                let clocks = roots.map { PartitionClock(partition: $0.partition, clock: seen) }
                return [.sendBulk(target, .entropy(id, .roots(roots, clocks: ToldClocks(clocks))))]
            case .sendBulk(let target, .entropy(let id, .agreed(let partitions, _))):
                let clocks = partitions.map { PartitionClock(partition: $0, clock: seen) }
                return [.sendBulk(target, .entropy(id, .agreed(partitions, clocks: clocks)))]
            default: return [effect]
            }
        }
        return mutant
    }

    /// Starts after each clean stop with hash trees that are not those of its disk.
    static func wrongTrees() -> Mutant {
        let mutant = Mutant()
        mutant.savedState = { state, _ in
            guard var state, var counts = state.counts else { return state }
            counts.trees = counts.trees.map { tree in
                var tree = tree
                tree.set(tree.sums[0] &+ 1, leaf: 0)
                return tree
            }
            state.counts = counts
            return state
        }
        return mutant
    }
}
