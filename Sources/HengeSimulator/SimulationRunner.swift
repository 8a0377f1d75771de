package import HengeBase

/// What became of one seed.
package struct SeedResult: Sendable {
    package let seed: UInt64
    /// One line on the options that the seed drew.
    package let summary: String
    /// 16 hexadecimal digits: equal for equal runs, in whatever process.
    package let traceHash: String
    package let counts: SimulationCounts
    /// Virtual time that passed.
    package let time: Interval
    /// nil when all promises were kept.
    package let violation: Violation?
    /// The command that shows the run again, event by event.
    package let replay: String
}

/// Runs the simulator over seeds, as `henge simulate` does.
package enum SimulationRunner {
    /// - Parameters:
    ///   - hours: virtual hours to run each seed for; nil for one round, which is some seconds.
    ///   - durability: nil to let each seed choose.
    ///   - starting: called before each seed, so that a trap can be traced to it.
    ///   - line: called with each line of the event log, if given.
    ///   - report: called after each seed; return false to stop.
    /// - Returns: whether every promise was kept.
    @discardableResult
    package static func run(
        seeds: ClosedRange<UInt64>,
        hours: Double? = nil,
        durability: MemoryEngine.Durability? = nil,
        starting: (UInt64) -> Void = { _ in },
        line: ((String) -> Void)? = nil,
        report: (SeedResult) -> Bool
    ) -> Bool {
        var allKept = true
        for seed in seeds {
            starting(seed)
            let result = run(seed: seed, hours: hours, durability: durability, line: line)
            if result.violation != nil { allKept = false }
            guard report(result) else { break }
        }
        return allKept
    }

    package static func run(
        seed: UInt64,
        hours: Double? = nil,
        durability: MemoryEngine.Durability? = nil,
        skippedFaults: SkippedFaults = .none,
        line: ((String) -> Void)? = nil
    ) -> SeedResult {
        let simulation = Simulation(
            seed: seed,
            durability: durability,
            skippedFaults: skippedFaults,
            line: line
        )
        simulation.run(for: time(hours))
        return SeedResult(
            seed: seed,
            summary: simulation.options.summary,
            traceHash: simulation.trace.digits,
            counts: simulation.counts,
            time: simulation.now.since(Instant(nanoseconds: 0)),
            violation: simulation.violation,
            replay: replay(seed: seed, hours: hours, skippedFaults: skippedFaults)
        )
    }

    /// Finds out which faults of a seed it takes to break the promise that it breaks; nil when it
    /// breaks none.
    ///
    /// - Parameter goesOn: asked before each run; false once there is no more time.
    package static func shrink(
        seed: UInt64,
        hours: Double? = nil,
        while goesOn: @escaping () -> Bool
    ) -> FaultShrinker.Result? {
        FaultShrinker.shrink(while: goesOn) { skipped in
            let simulation = Simulation(seed: seed, skippedFaults: skipped)
            simulation.run(for: time(hours))
            return FaultShrinker.Outcome(
                violation: simulation.violation,
                strikes: simulation.strikes
            )
        }
    }

    /// The command that shows a run again, event by event.
    package static func replay(
        seed: UInt64,
        hours: Double?,
        skippedFaults: SkippedFaults = .none
    ) -> String {
        var command = "henge simulate --seed \(seed)"
        if let hours { command += " --hours \(hours)" }
        if !skippedFaults.isEmpty { command += " --skip-faults \(skippedFaults.text)" }
        return command + " --trace"
    }

    private static func time(_ hours: Double?) -> Interval {
        // Nanoseconds in 64 bits end after 584 years.
        .milliseconds(UInt64(min(max(hours ?? 0, 0), 1_000_000) * 3_600_000))
    }
}
