package import HengeBase

/// The delays at one replica of one write and of one read after it: the write to the replica and
/// the acknowledgement back (W, A), the read to it and its answer back (R, S).
///
/// Source: Bailis et al., *Probabilistically Bounded Staleness for Practical Partial Quorums*, VLDB
/// 2012, section 4.1. In any one unit.
package struct WARSDelays: Hashable, Sendable {
    /// Until the replica has the write, so that a read finds it.
    package var write: Double
    package var acknowledgement: Double
    package var read: Double
    package var answer: Double

    package init(write: Double, acknowledgement: Double, read: Double, answer: Double) {
        self.write = write
        self.acknowledgement = acknowledgement
        self.read = read
        self.answer = answer
    }

    package static let zero = WARSDelays(write: 0, acknowledgement: 0, read: 0, answer: 0)
}

/// How stale reads are after writes, by Monte Carlo simulation of the WARS model.
///
/// A write goes to all N replicas and is acknowledged once W of them have it; a read begins some
/// time after. It is fresh when one of the replicas that answer it had the write before the read
/// came to it. Failures, later writes and read repair are left out, as in the paper.
package struct StalenessModel: Hashable, Sendable {
    /// Whom a read asks.
    package enum FanOut: Hashable, Sendable {
        /// All N replicas, of which the first R answers count: Dynamo, and the paper.
        case all
        /// R of them, any equally likely: Henge, which asks no more than it needs.
        case required
    }

    package var replicas: Int
    package var readQuorum: Int
    package var writeQuorum: Int
    package var fanOut: FanOut

    package init(replicas: Int, readQuorum: Int, writeQuorum: Int, fanOut: FanOut) {
        invariant(replicas >= 1)
        invariant((1...replicas).contains(readQuorum) && (1...replicas).contains(writeQuorum))
        self.replicas = replicas
        self.readQuorum = readQuorum
        self.writeQuorum = writeQuorum
        self.fanOut = fanOut
    }

    /// - Parameter draw: sets the delays of a write and a read at each of the N replicas.
    package func run(
        trials: Int,
        seed: UInt64,
        _ draw: (inout SeededGenerator, inout [WARSDelays]) -> Void
    ) -> StalenessResult {
        var generator = SeededGenerator(seed: seed)
        var delays = Array(repeating: WARSDelays.zero, count: replicas)
        var slots = Array(0..<replicas)
        var result = StalenessResult(trials: trials)
        for _ in 0..<trials {
            draw(&generator, &delays)
            slots.sort { delays[$0].writeTrip < delays[$1].writeTrip }
            let commit = delays[slots[writeQuorum - 1]].writeTrip
            switch fanOut {
            case .all: slots.sort { delays[$0].readTrip < delays[$1].readTrip }
            case .required: choose(&slots, &generator)
            }
            var fresh = Double.infinity
            var slowest = 0.0
            for slot in slots[..<readQuorum] {
                fresh = min(fresh, delays[slot].write - delays[slot].read - commit)
                slowest = max(slowest, delays[slot].readTrip)
            }
            result.add(fresh: fresh, write: commit, read: slowest)
        }
        result.sort()
        return result
    }

    /// Puts R slots at random in front.
    private func choose(_ slots: inout [Int], _ generator: inout SeededGenerator) {
        for index in 0..<readQuorum {
            slots.swapAt(index, index + generator.below(replicas - index))
        }
    }
}

extension WARSDelays {
    fileprivate var writeTrip: Double { write + acknowledgement }
    fileprivate var readTrip: Double { read + answer }
}

/// What came out of the trials, in the unit of the delays.
package struct StalenessResult: Sendable {
    /// How long after the acknowledgement a read must begin at least to be fresh; below zero where
    /// it may begin before. In ascending order, as the others.
    private var freshTimes: [Double] = []
    private var writeTimes: [Double] = []
    private var readTimes: [Double] = []

    fileprivate init(trials: Int) {
        freshTimes.reserveCapacity(trials)
        writeTimes.reserveCapacity(trials)
        readTimes.reserveCapacity(trials)
    }

    fileprivate mutating func add(fresh: Double, write: Double, read: Double) {
        freshTimes.append(fresh)
        writeTimes.append(write)
        readTimes.append(read)
    }

    fileprivate mutating func sort() {
        freshTimes.sort()
        writeTimes.sort()
        readTimes.sort()
    }

    /// The probability that a read which begins so long after the acknowledgement is fresh.
    package func freshProbability(after time: Double) -> Double {
        var low = 0
        var high = freshTimes.count
        while low < high {
            let middle = (low + high) / 2
            if freshTimes[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return freshTimes.isEmpty ? 0 : Double(low) / Double(freshTimes.count)
    }

    /// How long after the acknowledgement reads are fresh with this probability: the paper's t for
    /// p_st = 1 − probability.
    package func freshTime(probability: Double) -> Double {
        max(0, Self.quantile(probability, of: freshTimes))
    }

    package func writeTime(quantile: Double) -> Double { Self.quantile(quantile, of: writeTimes) }

    package func readTime(quantile: Double) -> Double { Self.quantile(quantile, of: readTimes) }

    private static func quantile(_ quantile: Double, of times: [Double]) -> Double {
        guard !times.isEmpty else { return 0 }
        return times[min(Int(Double(times.count) * quantile), times.count - 1)]
    }
}
