/// What the checkers know that replicas of one key hold, from what clients were told.
package struct KnownWrites {
    /// By number of replicas from 1: writes that so many acknowledged, and what those had seen.
    private(set) var acknowledged: [WriteSet]
    /// By number of replicas from 1: what reads with blocking repair have shown.
    private(set) var shown: [WriteSet]
    /// By number of holders from 1: sloppy writes that so many acknowledged, at home or in the
    /// place of others, and what those had seen.
    private(set) var held: [WriteSet]
    /// By number of replicas from 1: what acknowledged writes replaced.
    private(set) var replaced: [WriteSet]

    init(replicas: Int) {
        acknowledged = Array(repeating: WriteSet(), count: replicas)
        shown = acknowledged
        held = acknowledged
        replaced = acknowledged
    }

    private var replicas: Int { acknowledged.count }

    mutating func acknowledge(_ writes: WriteSet, replacing: WriteSet, by level: Int) {
        for index in 0..<min(level, replicas) {
            acknowledged[index].formUnion(writes)
            replaced[index].formUnion(replacing)
        }
    }

    mutating func hold(_ writes: WriteSet, by level: Int) {
        for index in 0..<min(level, replicas) { held[index].formUnion(writes) }
    }

    mutating func show(_ writes: WriteSet, by level: Int) {
        for index in 0..<min(level, replicas) { shown[index].formUnion(writes) }
    }
}

/// How far the answer to a read must go.
struct ReadReach {
    let replicas: Int
    /// How many replicas answered.
    let level: Int
    /// How many have lost records of the key.
    let losers: Int

    /// Of what so many replicas hold the read must have met some; nil when it may miss anything.
    var holders: Int? {
        let needed = max(1, replicas - level + 1 + losers)
        return needed <= replicas ? needed : nil
    }
}
