import HengeNode

/// What clients ask, and how it ends.
enum RequestMetricList {
    static let requests = MetricDefinition.counter(
        "henge_requests_total",
        "Requests of clients on one key, or on all keys, that were answered, each key of a command "
            + "of many keys for itself",
        by: ["operation", "level", "outcome"]
    )
    static let durations = MetricDefinition.histogram(
        "henge_request_duration_seconds",
        "How long requests took that were taken on, from their arrival to their answer",
        by: ["operation", "level"]
    )
    static let inFlight = MetricDefinition.gauge(
        "henge_requests_in_flight",
        "Requests of clients, and of other nodes for theirs, without an answer"
    )
    static let limit = MetricDefinition.gauge(
        "henge_requests_limit",
        "Requests that may be without an answer at a time; it falls when the queue does not empty",
        by: ["operation"]
    )
    static let shed = MetricDefinition.counter(
        "henge_requests_shed_total",
        "Requests that were not taken on: by admission control, since the disk or most peers do "
            + "not keep up, since they had waited for longer than their client, or by the shard's "
            + "own bounds",
        by: ["reason"]
    )
    static let failures = MetricDefinition.counter(
        "henge_coordinated_failures_total",
        "Failures of requests that this node coordinated, for clients and for other nodes",
        by: ["reason"]
    )

    static let coordinated: [MeasuredNumber<ShardCounters>] = [
        .init(.counter("henge_coordinated_reads_total", "Reads that this node coordinated")) {
            $0.reads
        },
        .init(.counter("henge_coordinated_writes_total", "Writes that this node coordinated")) {
            $0.writes
        },
        .init(
            .counter(
                "henge_requests_forwarded_total",
                "Requests handed on to another node, since this one holds no replica of the key"
            )
        ) { $0.forwarded },
        .init(
            .counter(
                "henge_forwards_served_total",
                "Requests that this node coordinated for another"
            )
        ) { $0.forwardsServed },
        .init(
            .counter(
                "henge_sloppy_requests_total",
                "Requests in which a stand-in counted for a home replica that was down"
            )
        ) { $0.sloppyRequests },
    ]

    static let hedges: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter("henge_hedges_total", "Reads that asked one more replica because they lagged")
        ) { $0.hedges },
        .init(
            .counter("henge_hedges_won_total", "Hedges whose replica the answer needed")
        ) { $0.hedgesWon },
        .init(
            .counter(
                "henge_hedges_suppressed_total",
                "Reads that lagged when the budget for hedges was spent"
            )
        ) { $0.hedgesSuppressed },
        .init(
            .counter(
                "henge_late_answers_total",
                "Answers of peers that came after their request had ended"
            )
        ) { $0.lateAnswers },
        .init(
            .counter(
                "henge_expired_work_dropped_total",
                "Work that was dropped because its deadline had passed before it was begun"
            )
        ) { $0.expiredDropped },
    ]

    /// By the label of ``failures``.
    static let reasons: [(reason: String, read: @Sendable (ShardCounters) -> Int)] = [
        ("unavailable", { $0.unavailable }),
        ("timed_out", { $0.timedOut }),
        ("overloaded", { $0.overloaded }),
        ("storage", { $0.storageFailures }),
        ("conflict", { $0.conflictsRefused }),
    ]

    static let group = MetricGroup(
        "Requests",
        """
        `operation` is `read`, `write`, `inspect`, `scan` or `count`; `level` is `one`, `quorum`, \
        `all`, `number` for a number of replicas, or `none`; `outcome` is `ok`, `not_applied` (the \
        condition of the write did not hold), `unavailable`, `timed_out`, `overloaded`, `storage`, \
        `conflict`, `too_large` or `clock_drift`.
        """,
        [
            MetricPanel("Requests a second", [requests]),
            MetricPanel("Latency of requests", [durations]),
            MetricPanel("Requests in flight", [inFlight, limit]),
            MetricPanel("Requests shed a second", [shed]),
            MetricPanel("Failures a second", [failures]),
            MetricPanel("Coordinated a second", coordinated.map(\.definition)),
            MetricPanel("Hedges and late work a second", hedges.map(\.definition)),
        ]
    )
}
