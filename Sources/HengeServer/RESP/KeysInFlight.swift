import HengeBase
package import HengeRing

/// The keys of one connection's requests in flight, to keep commands on one key in their order.
///
/// Keys are told apart by token: two of one token wait for each other for no need, which is rare
/// and harmless. A few are searched one by one; many are counted in a dictionary.
package struct KeysInFlight {
    private struct Uses {
        var reads = 0
        var writes = 0
    }

    /// Up to here a search is faster than a hash.
    package static let fewMax = 32

    /// Tokens whose lowest bit says whether the request writes.
    private var few: [UInt64] = []
    /// All of them, once there were too many to search; `few` is empty then.
    private var many: [UInt64: Uses] = [:]
    package private(set) var count = 0

    package init() {}

    /// Whether a request must wait for an earlier one on its key: when either of the two writes.
    package func conflicts(_ token: Token, isWrite: Bool) -> Bool {
        let key = token.rawValue & ~1
        if !many.isEmpty {
            guard let uses = many[key] else { return false }
            return isWrite || uses.writes > 0
        }
        for entry in few where entry & ~1 == key && (isWrite || entry & 1 == 1) { return true }
        return false
    }

    package mutating func insert(_ token: Token, isWrite: Bool) {
        count += 1
        if many.isEmpty, few.count < Self.fewMax {
            few.append(token.rawValue & ~1 | (isWrite ? 1 : 0))
            return
        }
        for entry in few { add(entry & ~1, isWrite: entry & 1 == 1) }
        few.removeAll(keepingCapacity: true)
        add(token.rawValue & ~1, isWrite: isWrite)
    }

    /// Removes one use; it must have been inserted.
    package mutating func remove(_ token: Token, isWrite: Bool) {
        count -= 1
        let key = token.rawValue & ~1
        guard !many.isEmpty else {
            let index = few.firstIndex(of: key | (isWrite ? 1 : 0))
            guard let index else { preconditionFailure("a key left that never came") }
            few.swapAt(index, few.count - 1)
            few.removeLast()
            return
        }
        guard var uses = many[key] else { preconditionFailure("a key left that never came") }
        if isWrite { uses.writes -= 1 } else { uses.reads -= 1 }
        invariant(uses.reads >= 0 && uses.writes >= 0)
        many[key] = uses.reads + uses.writes == 0 ? nil : uses
    }

    private mutating func add(_ key: UInt64, isWrite: Bool) {
        if isWrite {
            many[key, default: Uses()].writes += 1
        } else {
            many[key, default: Uses()].reads += 1
        }
    }
}
