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
    ///   - durability: nil to let each seed choose.
    ///   - starting: called before each seed, so that a trap can be traced to it.
    ///   - line: called with each line of the event log, if given.
    ///   - report: called after each seed; return false to stop.
    /// - Returns: whether every promise was kept.
    @discardableResult
    package static func run(
        seeds: ClosedRange<UInt64>,
        as course: SimulationCourse = .round,
        durability: MemoryEngine.Durability? = nil,
        starting: (UInt64) -> Void = { _ in },
        line: ((String) -> Void)? = nil,
        report: (SeedResult) -> Bool
    ) -> Bool {
        var allKept = true
        for seed in seeds {
            starting(seed)
            let result = run(seed: seed, as: course, durability: durability, line: line)
            if result.violation != nil { allKept = false }
            guard report(result) else { break }
        }
        return allKept
    }

    package static func run(
        seed: UInt64,
        as course: SimulationCourse = .round,
        durability: MemoryEngine.Durability? = nil,
        skippedFaults: SkippedFaults = .none,
        line: ((String) -> Void)? = nil
    ) -> SeedResult {
        let drill = course.kind == .drill ? Drill(seed: seed) : nil
        let simulation = Simulation(
            seed: seed,
            options: drill?.options(seed: seed),
            durability: durability,
            shards: course.shards,
            skippedFaults: skippedFaults,
            line: line
        )
        if let drill { simulation.run(drill) } else { simulation.run(for: course.time) }
        return SeedResult(
            seed: seed,
            summary: drill?.description ?? simulation.options.summary,
            traceHash: simulation.trace.digits,
            counts: simulation.counts,
            time: simulation.now.since(Instant(nanoseconds: 0)),
            violation: simulation.violation,
            replay: replay(seed: seed, as: course, skippedFaults: skippedFaults)
        )
    }

    /// Finds out which faults of a seed it takes to break the promise that it breaks; nil when it
    /// breaks none. Not for drills, of which nothing can be left out.
    ///
    /// - Parameter goesOn: asked before each run; false once there is no more time.
    package static func shrink(
        seed: UInt64,
        as course: SimulationCourse = .round,
        while goesOn: @escaping () -> Bool
    ) -> FaultShrinker.Result? {
        FaultShrinker.shrink(while: goesOn) { skipped in
            let simulation = Simulation(
                seed: seed,
                shards: course.shards,
                skippedFaults: skipped
            )
            simulation.run(for: course.time)
            return FaultShrinker.Outcome(
                violation: simulation.violation,
                strikes: simulation.strikes
            )
        }
    }

    /// The command that shows a run again, event by event.
    package static func replay(
        seed: UInt64,
        as course: SimulationCourse,
        skippedFaults: SkippedFaults = .none
    ) -> String {
        var command = "henge simulate --seed \(seed)"
        for argument in course.arguments { command += " \(argument)" }
        if !skippedFaults.isEmpty { command += " --skip-faults \(skippedFaults.text)" }
        return command + " --trace"
    }
}
