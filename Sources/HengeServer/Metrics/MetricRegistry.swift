/// Every metric of a node, in the order of the documentation. The page, `docs/metrics.md` and the
/// dashboard are made from this list; nothing is exposed that is not in it.
package enum MetricRegistry {
    package static let groups: [MetricGroup] = [
        RequestMetricList.group,
        ClientMetricList.group,
        PeerMetricList.group,
        StalenessMetricList.group,
        RepairMetricList.group,
        HintMetricList.group,
        EntropyMetricList.group,
        TransferMetricList.group,
        DataMetricList.group,
        StorageMetricList.group,
        EngineMetricList.group,
        NodeMetricList.group,
    ]

    package static let all: [MetricDefinition] = groups.flatMap { group in
        group.panels.flatMap(\.metrics)
    }
}
