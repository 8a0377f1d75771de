import HengeBase
import HengeMessages

/// Hints in the order of targets, then sequences, as a disk keeps them.
struct HintTable: Sendable {
    struct Entry: Sendable {
        let hint: Hint
        var isCorrupt = false
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }

    subscript(target: NodeID, sequence: UInt64) -> Entry? {
        get {
            let index = firstIndex(target, from: sequence)
            return holds(target, sequence, at: index) ? entries[index] : nil
        }
        set {
            let index = firstIndex(target, from: sequence)
            let isPresent = holds(target, sequence, at: index)
            switch (newValue, isPresent) {
            case (let entry?, true): entries[index] = entry
            case (let entry?, false): entries.insert(entry, at: index)
            case (nil, true): entries.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// Removes the hints for a node up to and with this sequence; what they were.
    mutating func drop(_ target: NodeID, through: UInt64) -> [Entry] {
        let start = firstIndex(target, from: 0)
        var end = start
        while end < entries.count, entries[end].hint.target == target,
            entries[end].hint.sequence <= through
        {
            end += 1
        }
        let dropped = Array(entries[start..<end])
        entries.removeSubrange(start..<end)
        return dropped
    }

    /// The hints for a node above a sequence, at most so many; those that have rotten are passed
    /// over.
    func page(_ target: NodeID, after: UInt64, limit: Int) -> [Hint] {
        guard after < .max else { return [] }
        var page: [Hint] = []
        var index = firstIndex(target, from: after + 1)
        while index < entries.count, entries[index].hint.target == target, page.count < limit {
            if !entries[index].isCorrupt { page.append(entries[index].hint) }
            index += 1
        }
        return page
    }

    /// Sums, in the order of the targets, of the hints alone.
    var backlogs: [HintBacklog] {
        var found: [HintBacklog] = []
        for entry in entries {
            let hint = entry.hint
            if found.last?.target != hint.target { found.append(HintBacklog(target: hint.target)) }
            let last = found.count - 1
            found[last].lastSequence = hint.sequence
            found[last].count += 1
            found[last].bytes += hint.byteCount
            if found[last].oldest == nil, !entry.isCorrupt { found[last].oldest = hint.created }
        }
        return found
    }

    private func holds(_ target: NodeID, _ sequence: UInt64, at index: Int) -> Bool {
        index < entries.count && entries[index].hint.target == target
            && entries[index].hint.sequence == sequence
    }

    private func firstIndex(_ target: NodeID, from sequence: UInt64) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let hint = entries[middle].hint
            let isBelow =
                hint.target == target ? hint.sequence < sequence : hint.target < target
            if isBelow { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
