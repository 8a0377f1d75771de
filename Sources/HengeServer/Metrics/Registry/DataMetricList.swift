import HengeMessages
import HengeNode

/// What the node holds.
enum DataMetricList {
    static let counting = MetricDefinition.gauge(
        "henge_counting",
        "1 while the records on disk are counted after a crash, and what follows is incomplete"
    )
    static let keys = MetricDefinition.gauge(
        "henge_keys",
        "Records of this node that hold a value, expired or not"
    )
    static let tombstones = MetricDefinition.gauge(
        "henge_tombstones",
        "Records of this node that hold no value any more and are kept until every replica knows"
    )
    static let waiting = MetricDefinition.gauge(
        "henge_tombstones_to_purge",
        "Records, dead or expired, that the last look found to wait for their purge"
    )
    static let expiring = MetricDefinition.gauge(
        "henge_expiring_records",
        "Records with a sibling that expires some day or has expired"
    )
    static let bytes = MetricDefinition.gauge(
        "henge_data_bytes",
        "Keys and objects of this node, before compression",
        unit: .bytes
    )
    static let siblings = MetricDefinition.counter(
        "henge_read_objects_total",
        "Objects that reads found, by the siblings in them: 0 to 3, 4+ (to 9), 10+, 25+ or 100+",
        by: ["siblings"]
    )
    static let conflicts = MetricDefinition.counter(
        "henge_conflicts_seen_total",
        "Plain reads that found several live siblings and showed the newest"
    )

    static let counters: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter(
                "henge_sibling_warnings_total",
                "Writes that left more siblings than the warning allows"
            )
        ) { $0.siblingWarnings }
    ]
    static let purged: [MeasuredNumber<ShardCounters>] = [
        .init(.counter("henge_records_purged_total", "Records purged")) { $0.purged }
    ]

    static let group = MetricGroup(
        "Data",
        "What this node holds, and in what state reads find it.",
        [
            MetricPanel("Records", [keys, tombstones, expiring, waiting, counting]),
            MetricPanel("Bytes of data", [bytes]),
            MetricPanel("Siblings in objects read a second", [siblings]),
            MetricPanel(
                "Conflicts and purges a second",
                [conflicts] + (counters + purged).map(\.definition)
            ),
        ]
    )
}
