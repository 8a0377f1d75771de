import HengeMessages
import HengeNode

/// Changes of the ring, and the budget of all background work.
enum TransferMetricList {
    static let epoch = MetricDefinition.gauge(
        "henge_ring_epoch",
        "The version of the ring that this node has adopted"
    )
    static let changing = MetricDefinition.gauge(
        "henge_ring_changing",
        "1 while the ring changes"
    )
    static let owned = MetricDefinition.gauge(
        "henge_ring_partitions",
        "Partitions that this node claims (primary), or is a home replica of (replica)",
        by: ["role"]
    )
    static let waiting = MetricDefinition.gauge(
        "henge_transfer_waiting",
        "1 for the reason why no partition moves to this node, while one should",
        by: ["reason"]
    )
    static let share = MetricDefinition.gauge(
        "henge_background_share_ratio",
        "What part of its rate all background work may take, as the foreground's p99 allows",
        unit: .ratio
    )
    static let background = MetricDefinition.counter(
        "henge_background_bytes_total",
        "Bytes that background work has taken of its budget",
        by: ["work"],
        unit: .bytes
    )
    static let foreground = MetricDefinition.gauge(
        "henge_foreground_p99_seconds",
        "The 99th percentile of requests that the background follows, of late; absent at rest",
        unit: .seconds
    )

    static let progress: [MeasuredNumber<TransferProgress>] = [
        .init(
            .gauge(
                "henge_transfer_partitions_done",
                "Partitions that this node has taken over in the change of the ring that is running"
            )
        ) { $0.partitionsDone },
        .init(.gauge("henge_transfer_partitions_left", "Partitions that are still to come")) {
            $0.partitionsLeft
        },
        .init(.gauge("henge_transfer_keys_done", "Keys that came with them")) { $0.keysDone },
        .init(
            .gauge(
                "henge_transfer_records_skipped",
                "Records that could not be read at their source and were left out"
            )
        ) { $0.recordsSkipped },
    ]
    static let progressBytes: [MeasuredNumber<TransferProgress>] = [
        .init(.gauge("henge_transfer_done_bytes", "Bytes that came with them", unit: .bytes)) {
            $0.bytesDone
        },
        .init(
            .gauge(
                "henge_transfer_left_bytes",
                "Bytes that are still to come, by what their sources hold",
                unit: .bytes
            )
        ) { $0.bytesLeft },
        .init(
            .gauge("henge_transfer_rate_bytes", "Bytes a second that came of late", unit: .bytes)
        ) { $0.bytesPerSecond },
    ]
    static let counters: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter(
                "henge_partitions_taken_over_total",
                "Partitions that this node has taken over"
            )
        ) { $0.partitionsTakenOver },
        .init(
            .counter(
                "henge_records_taken_over_total",
                "Records that came with them, and that changed this node"
            )
        ) { $0.recordsTakenOver },
        .init(
            .counter(
                "henge_transfer_pages_served_total",
                "Pages of records sent to nodes that take partitions over"
            )
        ) { $0.transferPagesServed },
        .init(
            .counter(
                "henge_transfer_records_skipped_total",
                "Records of these pages that could not be read here"
            )
        ) { $0.transferRecordsSkipped },
        .init(
            .counter(
                "henge_partitions_dropped_total",
                "Partitions forgotten because other nodes hold them"
            )
        ) { $0.partitionsDropped },
    ]

    static let group = MetricGroup(
        "Ring and transfers",
        "Changes of the ring, the partitions that move in them, and the background's budget.",
        [
            MetricPanel("Ring epoch", [epoch, changing]),
            MetricPanel("Partitions of this node", [owned]),
            MetricPanel("Transfer", progress.map(\.definition)),
            MetricPanel("Bytes of the transfer", progressBytes.map(\.definition)),
            MetricPanel("Why nothing moves", [waiting]),
            MetricPanel("Partitions and records a second", counters.map(\.definition)),
            MetricPanel("Share of the background", [share]),
            MetricPanel("Background bytes a second", [background]),
            MetricPanel("Foreground p99", [foreground]),
        ]
    )
}
