import Glibc
import HengeBase
package import HengeReplication

/// Latencies of a production system as Bailis et al. fit them (*Probabilistically Bounded Staleness
/// for Practical Partial Quorums*, VLDB 2012, table 3), and what the paper found with them (table 4
/// and section 5.6). All times in milliseconds.
package struct PublishedFit: Sendable {
    /// A Pareto distribution's body with an exponential one's tail, or the other way round.
    package struct Mixture: Sendable {
        let paretoShare: Double
        let paretoMinimum: Double
        let paretoShape: Double
        let exponentialRate: Double

        func draw(_ generator: inout SeededGenerator) -> Double {
            let isPareto = generator.unit() < paretoShare
            let chance = 1 - generator.unit()
            return isPareto
                ? paretoMinimum / pow(chance, 1 / paretoShape) : -log(chance) / exponentialRate
        }
    }

    /// Of the paper, for N = 3.
    package struct Row: Sendable {
        package let reads: Int
        package let writes: Int
        /// At the 99.9th percentile.
        package let readTime: Double
        package let writeTime: Double
        /// When 99.9 % of reads are fresh.
        package let freshTime: Double

        init(_ reads: Int, _ writes: Int, _ readTime: Double, _ writeTime: Double, _ fresh: Double)
        {
            self.reads = reads
            self.writes = writes
            self.readTime = readTime
            self.writeTime = writeTime
            freshTime = fresh
        }
    }

    package let name: String
    package let about: String
    /// Of W; A, R and S have `others`.
    let writes: Mixture
    let others: Mixture
    /// One way between data centres, where the replicas are in three; clients are in any.
    let wayBetween: Double
    package let rows: [Row]
    /// The part of the reads at R = W = 1 that are fresh at once.
    package let freshAtOnce: Double

    static let replicas = 3

    package func run(_ row: Row, trials: Int, seed: UInt64) -> StalenessResult {
        let model = StalenessModel(
            replicas: Self.replicas,
            readQuorum: row.reads,
            writeQuorum: row.writes,
            fanOut: .all
        )
        return model.run(trials: trials, seed: seed) { generator, delays in
            let writer = generator.below(Self.replicas)
            let reader = generator.below(Self.replicas)
            for slot in 0..<Self.replicas {
                let write = slot == writer ? 0 : wayBetween
                let read = slot == reader ? 0 : wayBetween
                delays[slot] = WARSDelays(
                    write: write + writes.draw(&generator),
                    acknowledgement: write + others.draw(&generator),
                    read: read + others.draw(&generator),
                    answer: read + others.draw(&generator)
                )
            }
        }
    }

    // MARK: The paper's figures

    private static let solid = Mixture(
        paretoShare: 0.9122,
        paretoMinimum: 0.235,
        paretoShape: 10,
        exponentialRate: 1.66
    )
    private static let disk = Mixture(
        paretoShare: 0.38,
        paretoMinimum: 1.05,
        paretoShape: 1.51,
        exponentialRate: 0.183
    )
    private static let yammerWrites = Mixture(
        paretoShare: 0.939,
        paretoMinimum: 3,
        paretoShape: 3.35,
        exponentialRate: 0.0028
    )
    private static let yammerOthers = Mixture(
        paretoShare: 0.982,
        paretoMinimum: 1.5,
        paretoShape: 3.8,
        exponentialRate: 0.0217
    )

    package static let all: [PublishedFit] = [
        PublishedFit(
            name: "LNKD-SSD",
            about: "LinkedIn's Voldemort on SSDs",
            writes: solid,
            others: solid,
            wayBetween: 0,
            rows: [
                Row(1, 1, 0.66, 0.66, 1.85), Row(1, 2, 0.66, 1.63, 1.79),
                Row(2, 1, 1.63, 0.65, 0), Row(2, 2, 1.62, 1.64, 0),
                Row(3, 1, 4.14, 0.65, 0), Row(1, 3, 0.65, 4.09, 0),
            ],
            freshAtOnce: 0.974
        ),
        PublishedFit(
            name: "LNKD-DISK",
            about: "LinkedIn's Voldemort on disks",
            writes: disk,
            others: solid,
            wayBetween: 0,
            rows: [
                Row(1, 1, 0.66, 10.99, 45.5), Row(1, 2, 0.65, 20.97, 43.3),
                Row(2, 1, 1.63, 10.9, 13.6), Row(2, 2, 1.64, 20.96, 0),
                Row(3, 1, 4.12, 10.89, 0), Row(1, 3, 0.65, 112.65, 0),
            ],
            freshAtOnce: 0.439
        ),
        PublishedFit(
            name: "YMMR",
            about: "Yammer's Riak",
            writes: yammerWrites,
            others: yammerOthers,
            wayBetween: 0,
            rows: [
                Row(1, 1, 5.58, 10.83, 1364), Row(1, 2, 5.61, 427.12, 1352),
                Row(2, 1, 32.6, 10.73, 202), Row(2, 2, 33.18, 428.11, 0),
                Row(3, 1, 219.27, 10.79, 0), Row(1, 3, 5.63, 1870.86, 0),
            ],
            freshAtOnce: 0.893
        ),
        PublishedFit(
            name: "WAN",
            about: "LNKD-DISK in three data centres, 75 ms apart",
            writes: disk,
            others: solid,
            wayBetween: 75,
            rows: [
                Row(1, 1, 3.4, 55.12, 113), Row(1, 2, 3.4, 167.64, 0),
                Row(2, 1, 151.3, 56.36, 30.2), Row(2, 2, 151.31, 167.72, 0),
                Row(3, 1, 153.86, 55.19, 0), Row(1, 3, 3.44, 241.55, 0),
            ],
            freshAtOnce: 0.33
        ),
    ]
}
