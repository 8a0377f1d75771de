import ArgumentParser
import Glibc
import HengeRing
import HengeSimulator

/// `henge simulate`
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run whole clusters in virtual time, with faults, from seeds.",
        discussion: """
            A seed decides everything: nodes, load, network, disks, clocks and what fails when. \
            Each run is checked against models of what Henge promises; a failure prints its seed \
            and the command that replays it. Seeds are shared out among child processes, so that a \
            trap costs one run. With --verify each seed runs in two of them, whose hashing differs \
            and their traces must be the same. Exits 1 when a promise was broken.

            Each fault of a run has a number. --skip-faults leaves some out, and the others stay \
            as they are; --shrink finds few that still break the same promise, and tells them. \
            After a run of many seeds that is done for the first failures.

            With --drills seeds stand for set courses, and without --seeds all \(Drill.count) are \
            run: one node is killed, frozen or cut off at each step of each change of the ring, in \
            each part that it can have; a majority is lost for good in the middle of a change or \
            without one, and the others go on by an unsafe recovery.

            Example: henge simulate --seeds 1...2000 --verify
            Example: henge simulate --drills
            Example: henge simulate --seed 17 --trace
            Example: henge simulate --seed 17 --skip-faults 1-4,6,9- --trace
            """,
        subcommands: [SimulateGossipCommand.self, SimulateRingCommand.self]
    )

    @Option(help: "The seed to run. (default: one drawn at random)")
    var seed: UInt64?

    @Option(
        help: ArgumentHelp("The seeds to run, both ends included.", valueName: "first...last"),
        transform: SeedRange.parse
    )
    var seeds: ClosedRange<UInt64>?

    @Option(help: "Virtual hours for each seed. (default: one round of faults, some seconds)")
    var hours: Double?

    @Flag(help: "Run drills of changes of the ring.")
    var drills = false

    @Option(help: "Shards of each node, a power of two from 1 to 64.")
    var shards = 1

    @Flag(help: "Print every event of the run; for one seed.")
    var trace = false

    @Option(
        help: ArgumentHelp(
            "Faults to leave out, by number; for one seed.",
            valueName: "list"
        ),
        transform: SkippedFaults.parse
    )
    var skipFaults = SkippedFaults.none

    @Flag(help: "Find few faults that break what the seed breaks; for one seed.")
    var shrink = false

    @Option(help: "How long to look for fewer faults, for each seed; 0 for not at all.")
    var shrinkSeconds = 60

    @Flag(help: "Run each seed in two processes and compare the hashes of their traces.")
    var verify = false

    @Option(help: "Child processes. (default: as many as there are cores, at least 2)")
    var jobs: Int?

    @Flag(help: "Print JSON.")
    var json = false

    /// Set for child processes: `jobs/index/first item`, see ``SimulationShare``.
    @Option(help: .hidden, transform: SimulationShare.parse)
    var share: SimulationShare?

    func validate() throws {
        if seed != nil, seeds != nil {
            throw ValidationError("Give --seed or --seeds, not both.")
        }
        if trace, seeds.map({ $0.lowerBound != $0.upperBound }) ?? false {
            throw ValidationError("--trace is for one seed.")
        }
        if trace, verify || json {
            throw ValidationError("--trace goes with no --verify or --json.")
        }
        if seed == nil, shrink || !skipFaults.isEmpty {
            throw ValidationError("--shrink and --skip-faults go with --seed.")
        }
        if shrink, trace || verify || json || !skipFaults.isEmpty {
            throw ValidationError("--shrink goes with --seed, --hours and --shards alone.")
        }
        if !skipFaults.isEmpty, verify || json {
            throw ValidationError("--skip-faults goes with no --verify or --json.")
        }
        if !(0...86_400).contains(shrinkSeconds) {
            throw ValidationError("--shrink-seconds must be from 0 to 86400.")
        }
        if drills, hours != nil || shrink || !skipFaults.isEmpty {
            throw ValidationError("--drills goes with no --hours, --shrink or --skip-faults.")
        }
        if !ShardSlice.isCount(shards) {
            throw ValidationError("--shards must be a power of two from 1 to 64.")
        }
        if let hours, !(hours > 0 && hours <= 1_000_000) {
            throw ValidationError("--hours must be above 0, and at most 1000000.")
        }
        if let jobs, !(1...256).contains(jobs) {
            throw ValidationError("--jobs must be from 1 to 256.")
        }
    }

    func run() async throws {
        let seeds = seeds ?? drawn
        if let share { return SimulationWorker.run(share, seeds: seeds, course: course) }
        if shrink { return try runShrinking(seeds.lowerBound) }
        if trace || !skipFaults.isEmpty { return try runHere(seeds.lowerBound) }
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        var parent = SimulationParent(
            seeds: seeds,
            course: course,
            verifies: verify,
            jobs: jobs ?? max(2, cores),
            isJSON: json,
            shrinkSeconds: shrinkSeconds
        )
        guard try parent.run() else { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    private var course: SimulationCourse {
        var course = drills ? SimulationCourse.drill : hours.map { .hours($0) } ?? .round
        course.shards = shards
        return course
    }

    private var drawn: ClosedRange<UInt64> {
        if drills, seed == nil { return 1...UInt64(Drill.count) }
        let seed = seed ?? UInt64.random(in: 1...999_999_999)
        return seed...seed
    }

    /// In this process, and line by line, so that a trap leaves everything before it on the screen.
    private func runHere(_ seed: UInt64) throws {
        let result = SimulationRunner.run(
            seed: seed,
            as: course,
            skippedFaults: skipFaults,
            line: trace ? { Output.line($0) } : nil
        )
        Output.line(SimulationText.line(SimulationRecord(result)))
        if result.violation != nil { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    private func runShrinking(_ seed: UInt64) throws {
        let end = ContinuousClock.now + .seconds(shrinkSeconds)
        let result = SimulationRunner.shrink(seed: seed, as: course) {
            ContinuousClock.now < end
        }
        guard let result else {
            return Output.line("seed \(seed): all promises kept, nothing to shrink")
        }
        for line in SimulationText.shrunk(result, seed: seed, course: course) { Output.line(line) }
        throw ExitCode(ExitStatus.failed.rawValue)
    }
}

extension SkippedFaults {
    /// Reads `1-4,6,9-`.
    fileprivate static func parse(_ text: String) throws -> SkippedFaults {
        guard let skipped = SkippedFaults(text) else {
            throw ValidationError("It must be numbers and ranges from 1 on, such as 1-4,6,9-.")
        }
        return skipped
    }
}
