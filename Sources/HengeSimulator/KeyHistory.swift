import HengeBase
import HengeCausality

/// Every write of one key, with the full set of writes that each replaced.
struct KeyHistory {
    struct Write {
        let dot: Dot
        /// All that tells this write from others: payload, timestamp, expiry.
        let sibling: Sibling
        /// What it replaced, and all that those had replaced.
        let replaced: WriteSet
        /// The context of the object as its coordinator left it.
        let context: VersionVector
        /// What that object held or had replaced, this write included.
        let known: WriteSet
    }

    private(set) var writes: [Write] = []
    private var indexes: [Dot: Int] = [:]
    private var byActor: [ActorID: [(counter: UInt64, write: Int)]] = [:]
    /// All that contexts have claimed so far.
    private(set) var claimed = VersionVector()
    /// Versions that were found right, by the hash of their bytes.
    private var versions: [UInt64: WriteSet] = [:]

    func index(of dot: Dot) -> Int? { indexes[dot] }

    /// The writes so far that a context claims.
    func covered(by context: VersionVector) -> WriteSet {
        var covered = WriteSet()
        for entry in context.entries {
            for (counter, write) in byActor[entry.actor] ?? [] where counter <= entry.counter {
                covered.insert(write)
            }
        }
        return covered
    }

    /// Those of `known` that no other of them replaced.
    func survivors(of known: WriteSet) -> WriteSet {
        var replaced = WriteSet()
        for write in known.members { replaced.formUnion(writes[write].replaced) }
        return known.subtracting(replaced)
    }

    /// The write whose coordinator left this context; each write leaves another.
    func write(leaving context: VersionVector) -> Int? {
        writes.lastIndex { $0.context == context }
    }

    mutating func record(_ sibling: Sibling, replacing: WriteSet, leaving context: VersionVector) {
        let number = writes.count
        var replaced = replacing
        for write in replacing.members { replaced.formUnion(writes[write].replaced) }
        var known = covered(by: context)
        known.insert(number)
        writes.append(
            Write(
                dot: sibling.dot,
                sibling: sibling,
                replaced: replaced,
                context: context,
                known: known
            )
        )
        indexes[sibling.dot] = number
        byActor[sibling.dot.actor, default: []].append((sibling.dot.counter, number))
    }

    func known(ofVersion hash: UInt64) -> WriteSet? { versions[hash] }

    mutating func accept(version hash: UInt64, known: WriteSet, context: VersionVector) {
        versions[hash] = known
        claimed.join(context)
    }
}
