/// What can go wrong in a run. Runs with some kinds switched off reach states that the others never
/// do (swarm testing: Groce et al., ISSTA 2012).
package struct FaultKinds: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The process dies; what it had handed to the operating system stays.
    package static let kills = FaultKinds(rawValue: 1 << 0)
    /// The machine dies; what was not synced is gone.
    package static let powerFailures = FaultKinds(rawValue: 1 << 1)
    package static let cleanStops = FaultKinds(rawValue: 1 << 2)
    /// Groups of nodes that can't reach each other.
    package static let partitions = FaultKinds(rawValue: 1 << 3)
    /// Messages get through in one direction alone.
    package static let oneWayPartitions = FaultKinds(rawValue: 1 << 4)
    package static let droppedConnections = FaultKinds(rawValue: 1 << 5)
    /// Loads and persists fail for a while.
    package static let diskErrors = FaultKinds(rawValue: 1 << 6)
    /// Records rot on the disk.
    package static let rot = FaultKinds(rawValue: 1 << 7)
    package static let slowDisks = FaultKinds(rawValue: 1 << 8)
    /// Wall clocks differ, within the bound that replicas accept.
    package static let clockSkew = FaultKinds(rawValue: 1 << 9)
    package static let clockJumps = FaultKinds(rawValue: 1 << 10)
    /// One node's wall clock is beyond the bound.
    package static let wildClock = FaultKinds(rawValue: 1 << 11)
    /// A process stands still and goes on later, with all that piled up before it.
    package static let pauses = FaultKinds(rawValue: 1 << 12)
    /// One node's messages take far longer, both ways.
    package static let slowNodes = FaultKinds(rawValue: 1 << 13)
    /// A wall clock is an hour ahead or behind for a while.
    package static let hourJumps = FaultKinds(rawValue: 1 << 14)
    /// A node loses its disk and starts with an empty one.
    package static let wipes = FaultKinds(rawValue: 1 << 15)
    /// A node's disk is replaced by a copy that was made at an earlier clean stop.
    package static let oldCopies = FaultKinds(rawValue: 1 << 16)

    package static let all = FaultKinds(rawValue: 1 << 17 - 1)

    /// Those after which wall clocks differ by more than replicas accept.
    static let wrongClocks: FaultKinds = [.wildClock, .hourJumps]

    private static let names = [
        "kills", "power", "stops", "partitions", "oneway", "drops", "diskerrors", "rot", "slow",
        "skew", "jumps", "wild", "pauses", "slownodes", "hours", "wipes", "copies",
    ]

    package var names: [String] {
        Self.names.indices.filter { rawValue & (1 << UInt32($0)) != 0 }.map { Self.names[$0] }
    }

    /// Each kind on its own, in order.
    var members: [FaultKinds] {
        Self.names.indices.map { FaultKinds(rawValue: 1 << UInt32($0)) }.filter(contains)
    }

    /// The kinds that strike now and then; the rest are so from the start.
    var striking: FaultKinds { subtracting([.clockSkew, .wildClock]) }
}
