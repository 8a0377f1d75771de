package import HengeNode
package import HengeStorage

/// The numbers of structs of counters that are metrics, so that none is forgotten.
package enum MetricTables {
    /// All but those that are shown by reason.
    static let shard: [[MeasuredNumber<ShardCounters>]] = [
        RequestMetricList.coordinated, RequestMetricList.hedges,
        RepairMetricList.reads, RepairMetricList.replica, RepairMetricList.damage,
        HintMetricList.counters, HintMetricList.bytes, HintMetricList.handOffs,
        EntropyMetricList.counters, EntropyMetricList.records,
        TransferMetricList.counters, DataMetricList.counters, DataMetricList.purged,
    ]

    /// All but those that are shown by kind.
    static let storage: [[MeasuredNumber<StorageMetrics>]] = [
        StorageMetricList.pending, StorageMetricList.operations, StorageMetricList.bytes,
        StorageMetricList.hints, StorageMetricList.rare,
    ]

    /// What each metric of these counters shows.
    package static func values(of counters: ShardCounters) -> [Int] {
        shard.flatMap { $0.map { $0.read(counters) } }
            + RequestMetricList.reasons.map { $0.read(counters) }
    }

    package static func values(of metrics: StorageMetrics) -> [Int] {
        storage.flatMap { $0.map { $0.read(metrics) } }
            + StorageMetricList.kinds.map { $0.read(metrics) }
    }
}
