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

    package static func failure(_ failure: SimulationTotals.Failure, hours: Double?) -> String {
        "seed \(failure.seed): \(failure.message); replay: \(replay(failure.seed, hours))"
    }

    package static func replay(_ seed: UInt64, _ hours: Double?) -> String {
        "henge simulate --seed \(seed)" + (hours.map { " --hours \($0)" } ?? "") + " --trace"
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
            + "\(Wording.decimal(seconds, places: 1)) s"
    }

    package static func json(
        _ totals: SimulationTotals,
        seeds: ClosedRange<UInt64>,
        hours: Double?,
        seconds: Double
    ) -> JSON {
        let failures = totals.failures.map { failure in
            JSON.object(
                ("seed", .integer(Int64(clamping: failure.seed))),
                ("message", .string(failure.message)),
                ("replay", .string(replay(failure.seed, hours)))
            )
        }
        return .object(
            ("first", .integer(Int64(clamping: seeds.lowerBound))),
            ("last", .integer(Int64(clamping: seeds.upperBound))),
            ("runs", .integer(totals.runs)), ("operations", .integer(totals.operations)),
            ("faults", .integer(totals.faults)),
            ("virtual_ms", .integer(totals.milliseconds)), ("seconds", .number(seconds)),
            ("failures", .array(failures))
        )
    }
}
