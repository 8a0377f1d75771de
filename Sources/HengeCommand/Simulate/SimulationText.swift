import HengeBase
package import HengeSimulator

/// What `henge simulate` prints.
package enum SimulationText {
    /// One run, for people.
    package static func line(_ record: SimulationRecord) -> String {
        let verdict = record.violation.isEmpty ? "all promises kept" : record.violation
        return "seed \(record.seed)  \(verdict)  trace \(record.traceHash)  "
            + "\(record.operations) operations, \(record.failures) refused or late, "
            + "\(record.faults) faults in \(virtualTime(record.milliseconds))  \(record.summary)"
    }

    private static func virtualTime(_ milliseconds: Int) -> String {
        let seconds = Double(milliseconds) / 1000
        if seconds < 120 { return Wording.decimal(seconds, places: 1) + " virtual seconds" }
        if seconds < 7200 { return Wording.decimal(seconds / 60, places: 1) + " virtual minutes" }
        return Wording.decimal(seconds / 3600, places: 1) + " virtual hours"
    }

    package static func failure(
        _ failure: SimulationTotals.Failure, course: SimulationCourse
    ) -> String {
        "seed \(failure.seed): \(failure.message); replay: \(replay(failure.seed, course))"
    }

    package static func replay(_ seed: UInt64, _ course: SimulationCourse) -> String {
        SimulationRunner.replay(seed: seed, as: course)
    }

    package static func summary(
        _ totals: SimulationTotals,
        seeds: ClosedRange<UInt64>,
        verifies: Bool,
        seconds: Double
    ) -> String {
        let count = Wording.grouped(Int(clamping: seeds.upperBound - seeds.lowerBound + 1))
        let broken = Set(totals.failures.map(\.seed)).count
        let verdict = broken == 0 ? "all promises kept" : "\(Wording.grouped(broken)) failed"
        let twice = verifies && broken == 0 ? ", each twice with equal traces" : ""
        let noun = count == "1" ? "seed" : "seeds"
        return "\(count) \(noun)\(twice): \(verdict); "
            + "\(Wording.grouped(totals.operations)) operations and "
            + "\(Wording.grouped(totals.faults)) faults in \(virtualTime(totals.milliseconds)), "
            + "\(Wording.decimal(seconds, places: 1)) s "
            + "(\(rate(Double(totals.milliseconds) / 1000, seconds)) virtual seconds and "
            + "\(rate(Double(totals.events), seconds)) events a second)"
    }

    private static func rate(_ count: Double, _ seconds: Double) -> String {
        let rate = count / max(seconds, 0.001)
        return rate < 10 ? Wording.decimal(rate, places: 1) : Wording.grouped(Int(rate))
    }

    /// The faults that it takes to break what a seed breaks.
    package static func shrunk(
        _ result: FaultShrinker.Result,
        seed: UInt64,
        course: SimulationCourse
    ) -> [String] {
        let left = result.strikes.count
        let count = left == 0 ? "no fault" : left == 1 ? "1 fault" : "\(left) faults"
        let runs = "\(result.runs) \(result.runs == 1 ? "run" : "runs")"
        let ending = result.isMinimal ? "" : ", and more to try"
        var lines = [
            "seed \(seed) breaks it with \(count) of \(result.strikesBefore) (\(runs)\(ending)): "
                + "\(result.violation)"
        ]
        for strike in result.strikes {
            let time = Wording.decimal(Double(strike.time.nanoseconds) / 1_000_000, places: 1)
            lines.append("  fault \(strike.number) at \(time) ms: \(strike.description)")
        }
        let replay = SimulationRunner.replay(
            seed: seed,
            as: course,
            skippedFaults: result.skipped
        )
        return lines + ["  replay: \(replay)"]
    }

    package static func json(
        _ totals: SimulationTotals,
        seeds: ClosedRange<UInt64>,
        course: SimulationCourse,
        seconds: Double
    ) -> JSON {
        let failures = totals.failures.map { failure in
            JSON.object(
                ("seed", .integer(Int64(clamping: failure.seed))),
                ("message", .string(failure.message)),
                ("replay", .string(replay(failure.seed, course)))
            )
        }
        return .object(
            ("first", .integer(Int64(clamping: seeds.lowerBound))),
            ("last", .integer(Int64(clamping: seeds.upperBound))),
            ("runs", .integer(totals.runs)), ("operations", .integer(totals.operations)),
            ("faults", .integer(totals.faults)), ("events", .integer(totals.events)),
            ("virtual_ms", .integer(totals.milliseconds)), ("seconds", .number(seconds)),
            ("failures", .array(failures))
        )
    }
}
