import HengeNode

/// Comparing with other replicas.
enum EntropyMetricList {
    static let ready = MetricDefinition.gauge(
        "henge_entropy_ready",
        "1 once the hash trees are built; until then nothing is compared"
    )
    static let oldest = MetricDefinition.gauge(
        "henge_entropy_oldest_verified_seconds",
        "How long ago the partition for which that is longest was last equal on all home replicas; "
            + "partitions that never were in this run are left out",
        unit: .seconds
    )
    static let unverified = MetricDefinition.gauge(
        "henge_entropy_unverified_partitions",
        "Partitions of this node that were not yet compared with all their home replicas"
    )
    static let running = MetricDefinition.gauge(
        "henge_entropy_comparisons",
        "Comparisons with other nodes that are under way, begun here"
    )
    static let left = MetricDefinition.gauge(
        "henge_entropy_differing_partitions",
        "Partitions that these comparisons found to differ and have not mended yet"
    )
    static let scrub = MetricDefinition.gauge(
        "henge_scrub_progress_ratio",
        "How much of the records the scrub pass under way has read",
        unit: .ratio
    )
    static let scrubbed = MetricDefinition.gauge(
        "henge_scrub_last_seconds",
        "How long ago the last whole scrub pass ended; absent before the first of this run",
        unit: .seconds
    )
    static let bytes = MetricDefinition.counter(
        "henge_bulk_sent_bytes_total",
        "Bulk messages sent, before (raw) and after compression, by what for: comparing (entropy), "
            + "handing records over (hand_off), or other",
        by: ["traffic", "form"],
        unit: .bytes
    )
    static let received = MetricDefinition.counter(
        "henge_bulk_received_bytes_total",
        "Bulk messages that came, compressed and after decompression (raw)",
        by: ["form"],
        unit: .bytes
    )

    static let queued = MetricDefinition.gauge(
        "henge_bulk_queued_bytes",
        "Bulk messages, before compression, that wait for the peer",
        by: ["peer"],
        unit: .bytes
    )

    static let counters: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter(
                "henge_entropy_comparisons_total",
                "Comparisons with another node that this one began and that came to their end"
            )
        ) { $0.comparisons },
        .init(
            .counter(
                "henge_entropy_comparisons_failed_total",
                "Comparisons that were broken off"
            )
        ) { $0.comparisonsFailed },
        .init(
            .counter(
                "henge_entropy_partitions_differed_total",
                "Partitions whose roots differed, in comparisons that this node began"
            )
        ) { $0.partitionsDiffered },
    ]
    static let records: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter(
                "henge_entropy_records_received_total",
                "Records that comparisons brought to this node, and that changed it"
            )
        ) { $0.entropyReceived },
        .init(
            .counter(
                "henge_entropy_records_sent_total",
                "Records that this node sent in comparisons"
            )
        ) { $0.entropySent },
        .init(
            .counter(
                "henge_obsolete_siblings_dropped_total",
                "Siblings that came in after they had been purged or replaced everywhere"
            )
        ) { $0.obsoleteDropped },
        .init(
            .counter(
                "henge_entropy_disputes_total",
                "Records that this node took for obsolete and another knows to be current"
            )
        ) { $0.disputes },
        .init(.counter("henge_scrubbed_records_total", "Records that the scrub has read")) {
            $0.scrubbed
        },
        .init(
            .counter(
                "henge_entropy_leaves_mended_total",
                "Leaves of a hash tree that did not fit the records, and were set right"
            )
        ) { $0.leavesMended },
    ]
    static let bulk: [MeasuredNumber<BulkTransport.Counters>] = [
        .init(.counter("henge_bulk_messages_sent_total", "Bulk messages sent")) {
            $0.messagesSent
        },
        .init(
            .counter(
                "henge_bulk_messages_dropped_total",
                "Bulk messages dropped, to be sent again later, since too much waited"
            )
        ) { $0.messagesDropped },
        .init(.counter("henge_bulk_messages_received_total", "Bulk messages that came")) {
            $0.messagesReceived
        },
        .init(
            .counter(
                "henge_bulk_messages_stale_total",
                "Bulk messages of an earlier process of their sender, which were not heard"
            )
        ) { $0.messagesStale },
        .init(
            .counter(
                "henge_bulk_malformed_total",
                "Bulk connections closed because of bytes that are no message"
            )
        ) { $0.malformed },
        .init(.counter("henge_bulk_dials_total", "Bulk connections that were dialled")) {
            $0.dials
        },
    ]

    static let group = MetricGroup(
        "Anti-entropy",
        """
        Comparing with the other replicas, in the background. Bulk connections carry comparisons, \
        hints and moving partitions, compressed.
        """,
        [
            MetricPanel("Last verified", [oldest]),
            MetricPanel("Partitions to verify", [unverified, left]),
            MetricPanel("Comparisons under way", [running, ready]),
            MetricPanel("Comparisons a second", counters.map(\.definition)),
            MetricPanel("Records a second", records.map(\.definition)),
            MetricPanel("Bulk bytes sent a second", [bytes]),
            MetricPanel("Bulk bytes received a second", [received]),
            MetricPanel("Bulk bytes waiting", [queued]),
            MetricPanel("Bulk messages a second", bulk.map(\.definition)),
            MetricPanel("Scrub progress", [scrub]),
            MetricPanel("Last scrub", [scrubbed]),
        ]
    )
}
