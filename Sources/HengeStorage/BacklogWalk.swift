import HengeBase
import HengeMessages

/// Sums up, at an opening, the hints that are kept for each node. The family is empty unless a node
/// was away, and then the walk takes a moment for each million hints (docs/decisions/0008).
struct BacklogWalk {
    private var found: [HintBacklog] = []
    private var places: [NodeID: Int] = [:]
    /// Records whose key is none of this family.
    private(set) var strayCount = 0

    /// In the order of the targets.
    var backlogs: [HintBacklog] { found.sorted { $0.target < $1.target } }

    /// - Returns: why it ended early. The node starts all the same: what was not counted is
    ///   delivered nevertheless, and objects that can't be read don't keep it from starting either.
    mutating func run(on database: Database) -> EngineError? {
        let failure = database.withIterator(over: .hints) { iterator -> EngineError? in
            iterator.seek(token: 0)
            while iterator.withRecord({ add($0, $1) }) != nil { iterator.next() }
            return iterator.failure
        }
        return failure ?? Database.closed
    }

    private mutating func add(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let valueLength = value.count - RecordForm.checksumLength
        switch HintForm.key(key) {
        case .hint(let target, let sequence):
            let place = place(of: target)
            found[place].lastSequence = sequence
            found[place].count += 1
            found[place].bytes += key.count + valueLength
            // Only the first is looked into.
            if found[place].oldest == nil {
                found[place].oldest = HintForm.created(key: key, value: value)
            }
        case .standIn(let home):
            let keyLength = key.count - HintForm.standInPrefixLength
            found[place(of: home)].bytes += keyLength + valueLength
        case nil: strayCount += 1
        }
    }

    private mutating func place(of target: NodeID) -> Int {
        if let last = found.last, last.target == target { return found.count - 1 }
        if let place = places[target] { return place }
        places[target] = found.count
        found.append(HintBacklog(target: target))
        return found.count - 1
    }
}
