import HengeBase

/// For each actor, the greatest counter known; an entry claims every dot of its actor up to that
/// counter.
///
/// Entries are kept in order of actor, so that equal vectors have equal bytes.
package struct VersionVector: Hashable, Sendable {
    /// In order of actor, one an actor, counters from 1.
    package private(set) var entries: [Dot]

    package init() {
        entries = []
    }

    /// - Parameter entries: in strictly rising order of actor, with counters from 1.
    package init(sorted entries: [Dot]) {
        self.entries = entries
        checkInvariants()
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// The greatest counter known of `actor`; 0 when none is.
    package func counter(of actor: ActorID) -> UInt64 {
        for entry in entries where entry.actor == actor { return entry.counter }
        return 0
    }

    /// Whether the write that `dot` names is among those this vector claims.
    package func covers(_ dot: Dot) -> Bool {
        counter(of: dot.actor) >= dot.counter
    }

    /// Whether this vector claims every write that `other` claims.
    package func descends(from other: VersionVector) -> Bool {
        other.entries.allSatisfy(covers)
    }

    /// Claims `dot` and all of its actor's earlier dots.
    package mutating func record(_ dot: Dot) {
        invariant(dot.counter >= 1)
        let index = entries.firstIndex { $0.actor >= dot.actor } ?? entries.endIndex
        if index < entries.endIndex, entries[index].actor == dot.actor {
            if entries[index].counter < dot.counter { entries[index] = dot }
        } else {
            entries.insert(dot, at: index)
        }
    }

    /// Claims everything that either vector claims.
    package mutating func join(_ other: VersionVector) {
        guard !entries.isEmpty else {
            entries = other.entries
            return
        }
        // Both are in order of actor, so one walk over both suffices.
        var index = 0
        for entry in other.entries {
            while index < entries.count, entries[index].actor < entry.actor { index += 1 }
            if index < entries.count, entries[index].actor == entry.actor {
                if entries[index].counter < entry.counter { entries[index] = entry }
            } else {
                entries.insert(entry, at: index)
            }
        }
    }

    /// What both vectors claim: the lesser counter of each actor that both know.
    package static func minimum(_ a: VersionVector, _ b: VersionVector) -> VersionVector {
        var entries: [Dot] = []
        var index = 0
        for entry in a.entries {
            while index < b.entries.count, b.entries[index].actor < entry.actor { index += 1 }
            guard index < b.entries.count else { break }
            let other = b.entries[index]
            if other.actor == entry.actor { entries.append(min(entry, other)) }
        }
        return VersionVector(sorted: entries)
    }

    private func checkInvariants() {
        for (a, b) in zip(entries, entries.dropFirst()) {
            invariant(a.actor < b.actor, "entries out of order")
        }
        invariant(entries.allSatisfy { $0.counter >= 1 }, "a counter of 0 claims nothing")
    }
}
