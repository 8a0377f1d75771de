/// Finds out which of the faults of a failing run it takes to break the same promise.
///
/// By delta debugging (Zeller, Hildebrandt: *Simplifying and Isolating Failure-Inducing Input*,
/// IEEE TSE 2002): runs the seed again and again with fewer faults. The faults that are left are
/// as they were, because each depends on the seed and its number alone.
package struct FaultShrinker {
    /// What one run shows.
    package struct Outcome: Sendable {
        package let violation: Violation?
        package let strikes: [Strike]

        package init(violation: Violation?, strikes: [Strike]) {
            self.violation = violation
            self.strikes = strikes
        }
    }

    package struct Result: Sendable {
        /// As the last failing run showed it, with the faults that are left.
        package let violation: Violation
        package let strikes: [Strike]
        /// How many faults the run had at first.
        package let strikesBefore: Int
        package let runs: Int
        /// Whether leaving out any one more would keep the promise; false when time ran out.
        package let isMinimal: Bool

        /// What leaves just these faults in.
        package var skipped: SkippedFaults { SkippedFaults(allBut: strikes.map(\.number)) }
    }

    private let run: (SkippedFaults) -> Outcome
    private let goesOn: () -> Bool
    private var runs = 0
    private var best: Outcome
    private let promise: Violation.Promise

    /// - Parameters:
    ///   - goesOn: asked before each run; false once there is no more time.
    ///   - run: runs the seed without some faults.
    /// - Returns: nil when the whole run keeps all promises.
    package static func shrink(
        while goesOn: @escaping () -> Bool,
        run: @escaping (SkippedFaults) -> Outcome
    ) -> Result? {
        let whole = run(.none)
        guard let violation = whole.violation else { return nil }
        var shrinker = FaultShrinker(
            run: run,
            goesOn: goesOn,
            best: whole,
            promise: violation.promise
        )
        let isMinimal = shrinker.reduce()
        return Result(
            violation: shrinker.best.violation ?? violation,
            strikes: shrinker.best.strikes,
            strikesBefore: whole.strikes.count,
            runs: shrinker.runs + 1,
            isMinimal: isMinimal
        )
    }

    private init(
        run: @escaping (SkippedFaults) -> Outcome,
        goesOn: @escaping () -> Bool,
        best: Outcome,
        promise: Violation.Promise
    ) {
        self.run = run
        self.goesOn = goesOn
        self.best = best
        self.promise = promise
    }

    /// Leaves out ever smaller parts while the promise stays broken; false when time ran out.
    private mutating func reduce() -> Bool {
        // Some failures need no fault at all.
        guard !best.strikes.isEmpty else { return true }
        guard goesOn() else { return false }
        if fails(with: []) { return true }
        var parts = 2
        while best.strikes.count > 1 {
            let numbers = best.strikes.map(\.number)
            parts = min(parts, numbers.count)
            var isSmaller = false
            for part in 0..<parts {
                guard goesOn() else { return false }
                let cut = numbers.count * part / parts..<numbers.count * (part + 1) / parts
                let kept = Array(numbers[..<cut.lowerBound] + numbers[cut.upperBound...])
                if fails(with: kept) {
                    isSmaller = true
                    break
                }
            }
            if isSmaller {
                parts = max(2, parts - 1)
            } else if parts == numbers.count {
                return true
            } else {
                parts *= 2
            }
        }
        return true
    }

    private mutating func fails(with kept: [Int]) -> Bool {
        runs += 1
        let outcome = run(SkippedFaults(allBut: kept))
        guard outcome.violation?.promise == promise else { return false }
        best = outcome
        return true
    }
}
