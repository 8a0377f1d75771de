import HengeRing
import HengeServer

/// How much a sample tells.
enum SampleWording {
    /// `from all 1,200 records` or `estimated from 20,000 of 1,000,000 records`.
    static func extent(_ sample: RecordSample) -> String {
        sample.isComplete
            ? "from all \(Wording.grouped(sample.records)) records"
            : "estimated from \(Wording.grouped(sample.records)) of "
                + "\(Wording.grouped(sample.population)) records"
    }
}

/// What a change of the ring would take, in sentences.
enum ChangeWording {
    static func sentence(_ moves: DistributionChange, of total: KeyLoad) -> String {
        let part =
            total.keys > 0 ? Double(moves.touched.keys) / Double(total.keys) : 0
        let keys =
            "\(Wording.grouped(moves.touched.keys)) keys (\(Wording.percent(part))) get a "
            + "replica elsewhere: \(Wording.grouped(moves.moved.keys)) replicas, "
            + "\(Wording.bytes(moves.moved.bytes)) to move"
        guard let vnodes = moves.vnodeMoves, let least = moves.vnodeMovesLeast else {
            return keys + "; a ring with another number of partitions is placed anew"
        }
        return keys + "; \(Wording.grouped(vnodes)) vnodes (\(Wording.grouped(least)) must)"
    }

    static func efficiency(before: DistributionReport, after: DistributionReport) -> String {
        func text(_ report: DistributionReport) -> String {
            Wording.decimal(report.nodeStatistics.keys.efficiency, places: 3)
        }
        return "load-balancing efficiency: \(text(before)) before, \(text(after)) after"
    }
}

/// Loads of partitions as a strip of characters of rising height.
struct PartitionStrip {
    private static let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let cellsMax = 256
    private static let width = 64

    /// Partitions that one character stands for.
    let perCell: Int
    let lines: [String]

    init(_ loads: [Double]) {
        let cells = max(1, min(Self.cellsMax, loads.count))
        let perCell = max(1, loads.count / cells)
        let sums = stride(from: 0, to: loads.count, by: perCell).map { start in
            loads[start..<min(loads.count, start + perCell)].reduce(0, +)
        }
        let most = sums.max() ?? 0
        let characters = sums.map { sum -> Character in
            guard sum > 0, most > 0 else { return "·" }
            let level = Int((sum / most * Double(Self.levels.count)).rounded(.up)) - 1
            return Self.levels[min(Self.levels.count - 1, max(0, level))]
        }
        self.perCell = perCell
        lines = stride(from: 0, to: characters.count, by: Self.width).map { start in
            String(characters[start..<min(characters.count, start + Self.width)])
        }
    }
}
