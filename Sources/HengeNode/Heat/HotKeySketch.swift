import HengeBase
package import HengeMessages

import struct NIOCore.ByteBuffer

/// The keys that a stream of requests asks for most, in memory that is fixed at the start.
///
/// Space-Saving (Metwally, Agrawal and El Abbadi, *Efficient Computation of Frequent and Top-k
/// Elements in Data Streams*, ICDT 2005): a key that is not among those counted takes the place of
/// the one counted least, and its count as the error. So no count is too low, none is too high by
/// more than its error, and every key with more than 1 / capacity of all requests is here.
///
/// Keys are told apart by their tokens: two of 2⁵⁰ in one slot would be counted as one.
package struct HotKeySketch: Sendable {
    package let capacity: Int
    /// All requests counted.
    package private(set) var total = Load()
    private var entries: [HotKey]
    /// Entries by rising count.
    private var order: [UInt16]
    /// By rank, so rising: ``HotKey/requests`` of the entry there. A search looks at nothing else.
    private var counts: [Int]
    /// By entry: where it stands in `order`.
    private var ranks: [UInt16]
    private var table: TokenTable
    /// The highest rank with the lowest count: most keys are asked for once and stand there, with
    /// many others.
    private var leastLast: Int

    /// - Parameter capacity: keys counted at a time, 1...16,384.
    package init(capacity: Int) {
        self.capacity = capacity
        entries = Array(repeating: HotKey(token: .init(rawValue: 0)), count: capacity)
        counts = Array(repeating: 0, count: capacity)
        order = (0..<capacity).map { UInt16($0) }
        ranks = order
        table = TokenTable(capacity: capacity)
        leastLast = capacity - 1
    }

    /// The lowest count: what a key that is not here has at most.
    package var countMin: Int { counts[0] }

    /// What has been counted at all, most requests first; by token where they are equal.
    package var keys: [HotKey] {
        counted.sorted {
            ($1.requests, $0.token.rawValue) < ($0.requests, $1.token.rawValue)
        }
    }

    /// By rising count.
    private var counted: [HotKey] {
        counts.indices.filter { counts[$0] > 0 }.map { entries[Int(order[$0])] }
    }

    /// Counts one request.
    ///
    /// - Parameter bytes: of the object that was read or written.
    package mutating func count(_ key: StoredKey, isWrite: Bool, bytes: Int) {
        let load = Load(reads: isWrite ? 0 : 1, writes: isWrite ? 1 : 0, bytes: bytes)
        total += load
        let entry: Int
        if let known = table[key.token.rawValue] {
            entry = known
            // Most of those that are seen once are not seen again before another takes their place.
            if entries[entry].stored == nil { keep(key, at: entry) }
        } else {
            entry = replaceLeast(by: key)
        }
        entries[entry].load += load
        raise(entry)
    }

    private mutating func keep(_ key: StoredKey, at entry: Int) {
        // A copy, since the key may be a slice of all that a connection has received.
        let bytes = key.bytes.readableBytesView.prefix(HotKey.storedBytesMax)
        entries[entry].stored = ByteBuffer(bytes: bytes)
        entries[entry].storedLength = key.bytes.readableBytes
    }

    private mutating func replaceLeast(by key: StoredKey) -> Int {
        let entry = Int(order[0])
        if counts[0] > 0 { table.remove(entries[entry].token.rawValue) }
        entries[entry] = HotKey(token: key.token)
        entries[entry].error = counts[0]
        table.insert(key.token.rawValue, entry)
        return entry
    }

    /// Adds one to the count, behind the last of those that have the same.
    private mutating func raise(_ entry: Int) {
        let rank = Int(ranks[entry])
        let last = rank <= leastLast ? leastLast : lastRank(from: rank)
        if last != rank {
            let other = order[last]
            order[last] = UInt16(entry)
            order[rank] = other
            ranks[entry] = UInt16(last)
            ranks[Int(other)] = UInt16(rank)
        }
        counts[last] += 1
        if last == leastLast { leastLast = last > 0 ? last - 1 : lastRank(from: 0) }
    }

    /// The highest rank with the count of this one, by steps that double and then halve: a hot key
    /// has few of its count above it.
    private func lastRank(from rank: Int) -> Int {
        let count = counts[rank]
        var low = rank
        var step = 1
        while low + step < capacity, counts[low + step] == count {
            low += step
            step *= 2
        }
        while step > 0 {
            if low + step < capacity, counts[low + step] == count { low += step }
            step /= 2
        }
        return low
    }

    /// One sketch of all that these have counted; the errors add up.
    ///
    /// A key that one of them lacks may have had up to that one's lowest count there (Agarwal and
    /// others, *Mergeable Summaries*, PODS 2012).
    ///
    /// - Parameter capacity: at most that of each, since what a full one had no room for would
    ///   else pass for never seen.
    package static func merged(_ sketches: [HotKeySketch], capacity: Int) -> HotKeySketch {
        invariant(sketches.allSatisfy { $0.capacity >= capacity })
        var tallies: [UInt64: HotKey] = [:]
        var total = Load()
        let missed = sketches.reduce(0) { $0 + $1.countMin }
        for sketch in sketches {
            total += sketch.total
            let least = sketch.countMin
            for key in sketch.counted {
                var sum = tallies[key.token.rawValue] ?? Self.unknown(key, error: missed)
                sum.load += key.load
                sum.error += key.error - least
                if sum.stored == nil {
                    sum.stored = key.stored
                    sum.storedLength = key.storedLength
                }
                tallies[key.token.rawValue] = sum
            }
        }
        var merged = HotKeySketch(capacity: capacity)
        merged.total = total
        merged.fill(
            tallies.values.sorted {
                ($1.requests, $0.token.rawValue) < ($0.requests, $1.token.rawValue)
            }
        )
        return merged
    }

    private static func unknown(_ key: HotKey, error: Int) -> HotKey {
        var unknown = HotKey(token: key.token)
        unknown.error = error
        return unknown
    }

    /// - Parameter keys: most requests first.
    private mutating func fill(_ keys: [HotKey]) {
        for (entry, key) in keys.prefix(capacity).enumerated() {
            entries[entry] = key
            counts[capacity - 1 - entry] = key.requests
            table.insert(key.token.rawValue, entry)
            ranks[entry] = UInt16(capacity - 1 - entry)
        }
        let filled = min(keys.count, capacity)
        for entry in filled..<capacity { ranks[entry] = UInt16(capacity - 1 - entry) }
        for entry in 0..<capacity { order[Int(ranks[entry])] = UInt16(entry) }
        leastLast = lastRank(from: 0)
    }
}
