package import HengeBase
package import HengeReplication

/// All that distinguishes one run from another, drawn from its seed.
package struct SimulationOptions: Hashable, Sendable {
    package enum Transport: String, Hashable, Sendable {
        /// As over TCP: in order, lost only with the connection.
        case connections
        /// Messages are lost, repeated and reordered. The protocol promises to bear it, except for
        /// forwarded requests, which its transport must not repeat.
        case datagrams
    }

    package var nodes = 3
    /// Nodes that are no members at first and may become some, numbered after them.
    package var spares = 0
    /// The usual time between two changes of the ring while faults strike; nil for none at all.
    package var ringChangeEvery: Interval?
    package var replicas = 3
    /// Of each node.
    package var shards = 1
    /// How long it usually takes until the other shards of a node adopt a ring that the first goes
    /// by.
    package var adoptionDelay = Interval.milliseconds(2)
    package var partitions = 64
    package var transport = Transport.connections
    package var repair = ReadRepair.blocking
    package var durability = MemoryEngine.Durability.sync
    package var faults: FaultKinds = []
    /// The usual time between two faults.
    package var faultEvery = Interval.milliseconds(300)
    /// How many may be in effect at a time.
    package var faultsMax = 2

    /// Whether delays vary; without, each is exactly the usual one.
    package var hasJitter = true
    package var messageDelay = Interval.milliseconds(1)
    package var lossPerThousand = 0
    package var repeatsPerThousand = 0
    package var readDelay = Interval.microseconds(100)
    package var commitDelay = Interval.milliseconds(1)
    package var clockDriftMax = Interval.seconds(60)
    /// How often each node gossips; what it notices of others follows from it.
    package var gossipInterval = Interval.milliseconds(200)

    package var clients = 6
    package var keys = 4
    /// Requests in the phase with faults, and in the calm one after it.
    package var operations = 300
    package var calmOperations = 40
    package var think = Interval.milliseconds(5)
    package var timeout = Interval.milliseconds(200)
    package var levels: [Consistency] = [.quorum]
    /// How often each of ``MixedWorkload/Kind`` is drawn.
    package var weights = [Int](repeating: 1, count: MixedWorkload.Kind.allCases.count)

    /// Promises that are checked as if they held at all levels, with any repair and durability, so
    /// that a run shows where they do not.
    package var forced: Set<Violation.Promise> = []
    /// Promises whose breach does not end the run, so that it shows what follows from it.
    package var tolerated: Set<Violation.Promise> = []

    /// How many of a hundred requests let others stand in for replicas that are down.
    package var sloppyPercent = 0
    package var hintBytesMax = 1 << 30
    package var hintAgeMax = Interval.seconds(3 * 3_600)

    package var siblingsMax = 100
    package var objectBytesMax = 1 << 20
    package var requestsMax = 1 << 14
    /// Whether replicas are compared all the time. Otherwise only what a run does not outlast is
    /// left to comparisons: reads of what comes from an old copy.
    package var comparesReplicas = true
    package var housekeepingInterval = Interval.milliseconds(250)
    package var compareInterval = Interval.milliseconds(600)
    package var scrubInterval = Interval.seconds(10)
    package var purgeGrace = Interval.seconds(1)
    package var replicaWorkMax = 1 << 16
    /// Whether nodes tell, once faults have ended, when they have done all that they had to do.
    package var awaitsSettled = false

    package init() {}

    /// Whether nodes refuse requests because of few others.
    var isLimited: Bool { requestsMax < 100 || replicaWorkMax < 100 }

    /// One line that tells runs apart.
    package var summary: String {
        let size = shards > 1 ? "n=\(nodes)/\(replicas) shards=\(shards)" : "n=\(nodes)/\(replicas)"
        var parts = [
            size, transport.rawValue, "repair=\(repair.rawValue)",
            durability == .sync ? "sync" : "interval",
            "levels=\(levels.map(\.description).joined(separator: "+"))",
        ]
        if sloppyPercent > 0 { parts.append("sloppy=\(sloppyPercent)%") }
        if hintBytesMax == 0 { parts.append("hints=none") }
        if hintAgeMax < .seconds(3_600) { parts.append("hints<\(hintAgeMax.milliseconds)ms") }
        if awaitsSettled { parts.append("settled") }
        if lossPerThousand > 0 { parts.append("loss=\(lossPerThousand)‰") }
        if let ringChangeEvery {
            parts.append("spares=\(spares) ring<\(ringChangeEvery.milliseconds)ms")
        }
        parts.append("faults=\(faults.isEmpty ? "none" : faults.names.joined(separator: "+"))")
        return parts.joined(separator: " ")
    }
}

extension SimulationOptions {
    /// Draws a run.
    package static func draw(_ dice: inout SeededGenerator) -> SimulationOptions {
        var options = SimulationOptions()
        options.nodes = 3 + dice.below(5)
        options.replicas = min(options.nodes, dice.pick([3, 3, 3, 3, 3, 3, 1, 2, 4, 5]))
        options.transport = dice.chance(2, in: 3) ? .connections : .datagrams
        options.repair = dice.pick([.blocking, .blocking, .blocking, .async, .off])
        options.durability = dice.chance(3, in: 4) ? .sync : .interval
        options.drawFaults(&dice)
        options.drawDelays(&dice)
        options.drawLoad(&dice)
        options.drawLimits(&dice)
        options.drawRingChanges(&dice)
        // Of the copy: what is drawn next stays what it was.
        var rest = dice
        options.awaitsSettled = rest.chance(1, in: 4)
        return options
    }

    private mutating func drawFaults(_ dice: inout SeededGenerator) {
        let rare: FaultKinds = [.wildClock, .hourJumps]
        for kind in FaultKinds.all.members {
            let odds = rare.contains(kind) ? 8 : kind == .rot ? 4 : 2
            if dice.chance(1, in: odds) { faults.formUnion(kind) }
        }
        if dice.chance(1, in: 20) { faults = [] }
        // A record that rots where fewer than three hold it can't always be made whole by reads.
        if replicas < 3 { faults.remove(.rot) }
        faultEvery = .milliseconds(dice.pick([20, 60, 200]))
        faultsMax = dice.pick([1, 1, 2, 2, 4])
        clockDriftMax = .milliseconds(dice.pick([1_000, 10_000, 60_000]))
        if transport == .datagrams {
            lossPerThousand = dice.pick([0, 5, 30, 100])
            repeatsPerThousand = dice.pick([0, 10, 100])
        }
    }

    private mutating func drawDelays(_ dice: inout SeededGenerator) {
        messageDelay = .microseconds(dice.pick([50, 500, 2_000, 10_000]))
        readDelay = .microseconds(dice.pick([0, 50, 500, 3_000]))
        commitDelay = .microseconds(dice.pick([50, 1_000, 5_000]))
        // Far above what a message takes now and then, or silence would say nothing.
        let least = 20 * messageDelay.milliseconds
        gossipInterval = .milliseconds(max(least, dice.pick([30, 50, 100, 200, 1_000])))
    }

    private mutating func drawLoad(_ dice: inout SeededGenerator) {
        clients = 2 + dice.below(9)
        keys = dice.pick([1, 2, 4, 8])
        operations = dice.pick([300, 600, 1_200])
        think = .microseconds(dice.pick([200, 5_000, 40_000]))
        timeout = .milliseconds(dice.pick([20, 100, 400, 2_000]))
        let numbers = (1...replicas).map { Consistency.count(UInt8($0)) }
        levels = dice.pick([
            [.quorum], [.quorum], [.one, .quorum, .all], [.one], [.one, .quorum], numbers,
            [.quorum, .quorum, .quorum, .one, .all],
        ])
        weights = MixedWorkload.Kind.allCases.map { kind in
            kind.isBasic ? 2 + dice.below(6) : dice.pick([0, 0, 1, 3])
        }
    }

    private mutating func drawRingChanges(_ dice: inout SeededGenerator) {
        guard dice.chance(1, in: 4) else { return }
        spares = dice.below(3)
        ringChangeEvery = .milliseconds(dice.pick([200, 1_000, 5_000]))
    }

    mutating func drawAdoptions(_ dice: inout SeededGenerator) {
        adoptionDelay = .milliseconds(dice.pick([1, 5, 20]))
    }

    private mutating func drawLimits(_ dice: inout SeededGenerator) {
        if dice.chance(1, in: 5) { siblingsMax = 2 + dice.below(6) }
        if dice.chance(1, in: 10) { objectBytesMax = 400 + dice.below(1_000) }
        if dice.chance(1, in: 10) { requestsMax = 1 + dice.below(4) }
        if dice.chance(1, in: 10) { replicaWorkMax = 1 + dice.below(4) }
        if dice.chance(1, in: 6) { hintBytesMax = dice.pick([0, 500, 5_000]) }
        if dice.chance(1, in: 4) { hintAgeMax = .milliseconds(dice.pick([10, 50, 200, 1_000])) }
        // Most cuts then last longer than a hint does.
        if hintAgeMax < .seconds(3_600), !faults.isEmpty { faults.formUnion(.partitions) }
        sloppyPercent = dice.pick([0, 0, 30, 100])
        // Then only reads and comparisons make replicas equal.
        if dice.chance(1, in: 6) { hintBytesMax = 0 }
    }
}

extension SeededGenerator {
    package mutating func pick<T>(_ choices: [T]) -> T {
        choices[below(choices.count)]
    }

    /// A length of time around `usual`, now and then far longer.
    mutating func delay(around usual: Interval) -> Interval {
        let half = usual.nanoseconds / 2
        let spread = half + UInt64(below(Int(usual.nanoseconds) + 1))
        return Interval(nanoseconds: chance(1, in: 40) ? spread * 8 : spread)
    }

    mutating func interval(_ range: ClosedRange<UInt64>) -> Interval {
        let span = Int(range.upperBound - range.lowerBound)
        return .microseconds(range.lowerBound * 1_000 + UInt64(below(span * 1_000 + 1)))
    }

    /// The position of one of the weights, each as likely as it is heavy.
    mutating func weighted(_ weights: [Int]) -> Int {
        var rest = below(max(1, weights.reduce(0, +)))
        for (index, weight) in weights.enumerated() {
            if rest < weight { return index }
            rest -= weight
        }
        return 0
    }
}
