/// What became of all seeds: sums, broken promises, and runs of one seed that differ.
package struct SimulationTotals: Sendable {
    package struct Failure: Equatable, Sendable {
        package var seed: UInt64
        package var message: String
        /// Whether a checker found it in a run that came to its end, so that it can be shrunk.
        package var isViolation: Bool

        package init(seed: UInt64, message: String, isViolation: Bool = false) {
            self.seed = seed
            self.message = message
            self.isViolation = isViolation
        }
    }

    package private(set) var runs = 0
    package private(set) var operations = 0
    package private(set) var faults = 0
    package private(set) var events = 0
    package private(set) var milliseconds = 0
    package private(set) var failures: [Failure] = []
    /// Hashes of first runs that wait for their repetition, or the other way round.
    private var hashes: [UInt64: String] = [:]
    private let verifies: Bool

    package init(verifies: Bool) {
        self.verifies = verifies
    }

    /// How many seeds had both runs with equal traces, or, without --verify, how many ran.
    package private(set) var seedsDone = 0

    package mutating func add(_ record: SimulationRecord) -> Failure? {
        runs += 1
        operations += record.operations
        faults += record.faults
        events += record.events
        milliseconds += record.milliseconds
        var failure: Failure?
        if !record.violation.isEmpty, !record.isRepetition {
            failure = Failure(seed: record.seed, message: record.violation, isViolation: true)
        }
        if verifies, let other = hashes.removeValue(forKey: record.seed) {
            seedsDone += 1
            if other != record.traceHash {
                failure = Failure(
                    seed: record.seed,
                    message: "two runs differ (traces \(other) and \(record.traceHash)): something "
                        + "depends on more than the seed"
                )
            }
        } else if verifies {
            hashes[record.seed] = record.traceHash
        } else {
            seedsDone += 1
        }
        if let failure { failures.append(failure) }
        return failure
    }

    /// A run that ended its process.
    package mutating func addTrap(_ seed: UInt64, _ message: String) -> Failure? {
        runs += 1
        guard !failures.contains(where: { $0.seed == seed }) else { return nil }
        let failure = Failure(seed: seed, message: message)
        failures.append(failure)
        return failure
    }
}
