import HengeSimulator

/// What a child process tells of one run, in a line.
package struct SimulationRecord: Equatable, Sendable {
    package var seed: UInt64
    package var isRepetition = false
    package var traceHash: String
    package var operations: Int
    package var failures: Int
    package var faults: Int
    package var events: Int
    package var milliseconds: Int
    package var summary: String
    /// Empty when every promise was kept.
    package var violation: String

    package init(
        seed: UInt64,
        traceHash: String,
        operations: Int = 0,
        failures: Int = 0,
        faults: Int = 0,
        events: Int = 0,
        milliseconds: Int = 0,
        summary: String = "",
        violation: String = ""
    ) {
        self.seed = seed
        self.traceHash = traceHash
        self.operations = operations
        self.failures = failures
        self.faults = faults
        self.events = events
        self.milliseconds = milliseconds
        self.summary = summary
        self.violation = violation
    }

    init(_ result: SeedResult) {
        self.init(
            seed: result.seed,
            traceHash: result.traceHash,
            operations: result.counts.operations,
            failures: result.counts.failures,
            faults: result.counts.faults,
            events: result.counts.events,
            milliseconds: Int(clamping: result.time.milliseconds),
            summary: result.summary,
            violation: result.violation.map(\.description) ?? ""
        )
    }

    /// Fields between tabs.
    package var text: String {
        let numbers = [operations, failures, faults, events, milliseconds].map(String.init)
        let head = [String(seed), isRepetition ? "1" : "0", traceHash]
        let words = [summary, violation].map { text in
            String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
        }
        return (head + numbers + words).joined(separator: "\t")
    }

    /// Nil unless the text is what ``text`` writes.
    package init?(text: some StringProtocol) {
        let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 10, let seed = UInt64(fields[0]) else { return nil }
        let numbers = fields[3..<8].compactMap { Int($0) }
        guard numbers.count == 5 else { return nil }
        self.init(
            seed: seed,
            traceHash: String(fields[2]),
            operations: numbers[0],
            failures: numbers[1],
            faults: numbers[2],
            events: numbers[3],
            milliseconds: numbers[4],
            summary: String(fields[8]),
            violation: String(fields[9])
        )
        isRepetition = fields[1] == "1"
    }
}

/// Runs one process's share of the seeds.
enum SimulationWorker {
    /// Before each run a line `> seed`, so that a trap can be told from it; after it its record.
    static func run(_ share: SimulationShare, seeds: ClosedRange<UInt64>, course: SimulationCourse)
    {
        share.forEach(of: seeds) { item in
            Output.line("> \(item.seed)")
            var record = SimulationRecord(SimulationRunner.run(seed: item.seed, as: course))
            record.isRepetition = item.isRepetition
            Output.line(record.text)
            return true
        }
    }
}
