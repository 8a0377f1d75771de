import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import HengeSimulator

import struct NIOCore.ByteBuffer

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
            case .sendBulk(
                let target,
                .entropy(let id, .rootsCompared(let differing, let unready, var told))
            ):
                for index in told.clocks.indices { told.clocks[index].clock = seen }
                let answer = EntropyMessage.rootsCompared(
                    differing: differing,
                    unready: unready,
                    clocks: told
                )
                return [.sendBulk(target, .entropy(id, answer))]
            case .sendBulk(let target, .entropy(let id, .agreed(let partitions, _))):
                let clocks = partitions.map { PartitionClock(partition: $0, clock: seen) }
                return [.sendBulk(target, .entropy(id, .agreed(partitions, clocks: clocks)))]
            default: return [effect]
            }
        }
        return mutant
    }

    /// Puts back on its disk, in the place of what it purges, the first value that it had there.
    static func bringsBack() -> Mutant {
        let mutant = Mutant()
        var first: [StoredKey: ByteBuffer] = [:]
        // Nobody else uses it, and the node is not told of it.
        let own = StorageToken(rawValue: .max)
        mutant.input = { input in
            if case .storage(.persisted(own, _)) = input { return [] }
            return [input]
        }
        mutant.effect = { effect in
            switch effect {
            case .storage(.persist(let key, let bytes, _, _)):
                if first[key] == nil, let object = try? EncodedObject(bytes), object.holdsValue {
                    first[key] = bytes
                }
                return [effect]
            case .storage(.remove(let key, _)):
                guard key.standInFor == nil, let old = first[key] else { return [effect] }
                return [effect, .storage(.persist(key, old, hints: [], own))]
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
