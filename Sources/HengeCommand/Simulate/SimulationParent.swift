import Glibc
import HengeSimulator

/// Shares seeds out among child processes and gathers what they tell.
struct SimulationParent {
    let seeds: ClosedRange<UInt64>
    let course: SimulationCourse
    let verifies: Bool
    let jobs: Int
    let isJSON: Bool
    let shrinkSeconds: Int
    /// How many failures are shrunk.
    private static let shrinksMax = 3

    private var totals: SimulationTotals
    private var children: [ChildProcess] = []
    private var progress = ProgressLine()
    private let begin = ContinuousClock.now
    private var single: SimulationRecord?

    init(
        seeds: ClosedRange<UInt64>,
        course: SimulationCourse,
        verifies: Bool,
        jobs: Int,
        isJSON: Bool,
        shrinkSeconds: Int
    ) {
        self.seeds = seeds
        self.course = course
        self.verifies = verifies
        // Two runs of one seed must be in different processes.
        let useful = Int(clamping: min(UInt64(jobs), seeds.upperBound - seeds.lowerBound + 1))
        self.jobs = max(verifies ? 2 : 1, useful)
        self.isJSON = isJSON
        self.shrinkSeconds = shrinkSeconds
        totals = SimulationTotals(verifies: verifies)
    }

    /// Returns whether every promise was kept.
    mutating func run() throws(CommandFailure) -> Bool {
        for index in 0..<jobs {
            children.append(try start(SimulationShare(jobs: jobs, index: index, repeats: verifies)))
        }
        while !children.isEmpty {
            ChildProcess.wait(for: children)
            var running: [ChildProcess] = []
            for var child in children {
                for line in child.readLines() { take(line, from: &child) }
                if child.isOpen {
                    running.append(child)
                } else if let next = try ended(child) {
                    running.append(next)
                }
            }
            children = running
            drawProgress()
        }
        progress.clear()
        report()
        if !isJSON, shrinkSeconds > 0, course.kind != .drill { try shrink() }
        return totals.failures.isEmpty
    }

    private func start(_ share: SimulationShare) throws(CommandFailure) -> ChildProcess {
        var arguments = [
            "simulate", "--seeds", "\(seeds.lowerBound)...\(seeds.upperBound)",
            "--share", share.text,
        ]
        arguments += course.arguments
        return try ChildProcess.start(arguments, share: share)
    }

    private mutating func take(_ line: String, from child: inout ChildProcess) {
        if line.hasPrefix("> "), let seed = UInt64(line.dropFirst(2)) {
            child.seed = seed
            return
        }
        guard let record = SimulationRecord(text: line) else { return }
        child.seed = nil
        child.itemsDone += 1
        if single == nil { single = record }
        if let failure = totals.add(record) { tell(failure) }
    }

    /// A child that died in a run is followed by one that does the rest of its share.
    private mutating func ended(_ child: ChildProcess) throws(CommandFailure) -> ChildProcess? {
        guard let ending = child.finish() else { return nil }
        guard let seed = child.seed else {
            throw CommandFailure(.failed, "a child process ended with \(ending)")
        }
        if let failure = totals.addTrap(seed, "the run ended with \(ending)") { tell(failure) }
        var share = child.share
        share.skipped += child.itemsDone + 1
        return try start(share)
    }

    /// In a process of its own, because a run with fewer faults may trap where the whole did not.
    private func shrink() throws(CommandFailure) {
        for failure in totals.failures.filter(\.isViolation).prefix(Self.shrinksMax) {
            var arguments = [
                "simulate", "--seed", "\(failure.seed)", "--shrink",
                "--shrink-seconds", "\(shrinkSeconds)",
            ]
            arguments += course.arguments
            let share = SimulationShare(jobs: 1, index: 0, repeats: false)
            var child = try ChildProcess.start(arguments, share: share)
            var lines: [String] = []
            while child.isOpen {
                ChildProcess.wait(for: [child])
                lines += child.readLines()
            }
            let ending = child.finish()
            if lines.isEmpty {
                lines = ["seed \(failure.seed) can't be shrunk: \(ending ?? "it said nothing")"]
            }
            for line in lines { Output.line(line) }
        }
    }

    private mutating func tell(_ failure: SimulationTotals.Failure) {
        guard !isJSON else { return }
        progress.clear()
        Output.line(SimulationText.failure(failure, course: course))
    }

    private mutating func drawProgress() {
        guard !isJSON else { return }
        let count = Double(seeds.upperBound - seeds.lowerBound + 1) * (verifies ? 2 : 1)
        let fraction = Double(totals.runs) / count
        let color = Output.usesColor
        let bar = Paint.good(Bar.text(fraction, width: 28, padded: true), color: color)
        let failed = totals.failures.isEmpty ? "" : "  \(totals.failures.count) failed"
        progress.draw("\(bar) \(Wording.percent(fraction))  \(totals.runs) runs\(failed)")
    }

    private func report() {
        let seconds = (ContinuousClock.now - begin).seconds
        if isJSON {
            Output.json(
                SimulationText.json(totals, seeds: seeds, course: course, seconds: seconds)
            )
            return
        }
        if seeds.lowerBound == seeds.upperBound, let single {
            Output.line(SimulationText.line(single))
        }
        Output.line(
            SimulationText.summary(totals, seeds: seeds, verifies: verifies, seconds: seconds)
        )
    }
}
