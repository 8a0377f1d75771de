import HengeBase

/// A run whose course is set: one change of the ring, one trouble at one moment, and clients who go
/// on all the time.
///
/// The swarm, ``Simulation/run(for:workloads:)``, draws whatever may come; drills go through all
/// combinations, one seed after another. What the combination leaves open is drawn from the seed.
package enum Drill: Hashable, Sendable, CustomStringConvertible {
    case failure(RingDrill)
    case recovery(RecoveryDrill)

    /// Seeds 1 to so many are all combinations, each once; then they come again, in other clusters.
    package static let count = RingDrill.combinations + RecoveryDrill.combinations

    package init(seed: UInt64) {
        var dice = SeededGenerator(seed: ~seed)
        // Seed 0 is that of the last one.
        let number = Int((seed &- 1) % UInt64(Self.count))
        if number < RingDrill.combinations {
            self = .failure(RingDrill(combination: number, &dice))
        } else {
            self = .recovery(
                RecoveryDrill(combination: number - RingDrill.combinations, &dice)
            )
        }
    }

    package var description: String {
        switch self {
        case .failure(let drill): drill.description
        case .recovery(let drill): drill.description
        }
    }

    /// Of the cluster that it is played in.
    package func options(seed: UInt64) -> SimulationOptions {
        var options = SimulationOptions()
        options.nodes = 5
        options.repair = [.blocking, .async, .off][Int(seed % 3)]
        options.keys = 10
        options.think = .milliseconds(30)
        options.timeout = .milliseconds(1_000)
        switch self {
        case .failure: options.spares = 1
        case .recovery: options.spares = 3
        }
        return options
    }
}
