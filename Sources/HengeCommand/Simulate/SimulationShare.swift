import ArgumentParser

/// Reads `1...2000`.
package enum SeedRange {
    package static func parse(_ text: String) throws -> ClosedRange<UInt64> {
        guard let dots = text.firstRange(of: "..."),
            let first = UInt64(text[..<dots.lowerBound]),
            let last = UInt64(text[dots.upperBound...]), first <= last, last < .max
        else {
            throw ValidationError("It must be two seeds with three dots between, such as 1...2000.")
        }
        return first...last
    }
}

/// Which of the runs one of several processes does.
///
/// With J processes the run of the i-th seed is done by process i mod J, and its repetition, when
/// there is one, by the process after that.
package struct SimulationShare: Equatable, Sendable {
    package struct Item: Equatable, Sendable {
        package var seed: UInt64
        package var isRepetition: Bool

        package init(seed: UInt64, isRepetition: Bool) {
            self.seed = seed
            self.isRepetition = isRepetition
        }
    }

    package var jobs: Int
    package var index: Int
    package var repeats: Bool
    /// How many of its items are left out, as an earlier process did them.
    package var skipped: Int

    package init(jobs: Int, index: Int, repeats: Bool, skipped: Int = 0) {
        self.jobs = jobs
        self.index = index
        self.repeats = repeats
        self.skipped = skipped
    }

    /// Calls `body` for each item in order, until it returns false.
    package func forEach(of seeds: ClosedRange<UInt64>, _ body: (Item) -> Bool) {
        var passed = 0
        for seed in seeds {
            let place = Int((seed - seeds.lowerBound) % UInt64(jobs))
            for isRepetition in repeats ? [false, true] : [false] {
                guard (place + (isRepetition ? 1 : 0)) % jobs == index else { continue }
                passed += 1
                guard passed > skipped else { continue }
                guard body(Item(seed: seed, isRepetition: isRepetition)) else { return }
            }
        }
    }

    /// The share as an option's value.
    package var text: String { "\(jobs)/\(index)/\(repeats ? 1 : 0)/\(skipped)" }

    package static func parse(_ text: String) throws -> SimulationShare {
        let numbers = text.split(separator: "/").map { Int($0) ?? -1 }
        guard numbers.count == 4, numbers[0] >= 1, (0..<numbers[0]).contains(numbers[1]),
            (0...1).contains(numbers[2]), numbers[3] >= 0
        else { throw ValidationError("It is for child processes only.") }
        return SimulationShare(
            jobs: numbers[0],
            index: numbers[1],
            repeats: numbers[2] == 1,
            skipped: numbers[3]
        )
    }
}
