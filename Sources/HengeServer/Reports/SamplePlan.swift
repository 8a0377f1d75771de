package import HengeBase
package import HengeMessages
import HengeRing

/// Who is to look at how many records of which partition, so that each record has the same chance.
package struct SamplePlan {
    package private(set) var spans: [NodeID: [SampleSpan]] = [:]
    /// How many records there are.
    package private(set) var population = 0

    /// - Parameters:
    ///   - records: by partition.
    ///   - wanted: how many to look at, over all; all when there are no more.
    ///   - offset: 0 up to 1, at random: which partitions get the records that can't be divided.
    ///   - reader: who is to read a partition; nil when nobody can.
    package init(records: [Int], wanted: Int, offset: Double, reader: (Int) -> NodeID?) {
        population = records.reduce(0, +)
        guard population > 0, wanted > 0 else { return }
        let rate = min(1, Double(wanted) / Double(population))
        var before = 0
        for (partition, count) in records.enumerated() where count > 0 {
            let after = before + count
            // Systematic sampling: one at each point of a comb laid over all records.
            let share =
                rate == 1
                ? count
                : Int(Double(after) * rate + offset) - Int(Double(before) * rate + offset)
            before = after
            guard share > 0, let node = reader(partition) else { continue }
            spans[node, default: []].append(SampleSpan(partition: partition, records: share))
        }
    }
}
