import HengeNode

/// What reads and replicas put right.
enum RepairMetricList {
    static let reads: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter("henge_read_digest_mismatches_total", "Reads whose replicas disagreed")
        ) { $0.digestMismatches },
        .init(
            .counter(
                "henge_read_repairs_total",
                "Stale replicas that reads sent the merged object to"
            )
        ) { $0.readRepairs },
    ]
    static let replica: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter("henge_replica_stores_total", "Records that other nodes had stored here")
        ) { $0.replicaStores },
        .init(
            .counter(
                "henge_changes_by_version_total",
                "Changes made with no more than the version of what they replaced"
            )
        ) { $0.changesByVersion },
        .init(
            .counter(
                "henge_replica_fetches_total",
                "Records, or their digests, that other nodes asked for"
            )
        ) { $0.replicaFetches },
        .init(
            .counter(
                "henge_stale_ring_refusals_total",
                "Answers of other nodes that this one's ring is too old for what it asked"
            )
        ) { $0.staleRingRefusals },
    ]
    static let damage: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter("henge_rotten_records_total", "Records that failed their checksum")
        ) { $0.rottenRecords },
        .init(
            .counter(
                "henge_unreadable_ranges_total",
                "Stretches of records that could not be read"
            )
        ) { $0.unreadableRanges },
        .init(
            .counter(
                "henge_actor_renewals_total",
                "Actors given up after a loss, so that no dot is minted twice"
            )
        ) { $0.actorRenewals },
        .init(
            .counter(
                "henge_provisional_actor_renewals_total",
                "Saved actors that were not used because they had not been confirmed"
            )
        ) { $0.provisionalActorRenewals },
        .init(
            .counter(
                "henge_clock_drift_refusals_total",
                "Writes refused because their timestamp was too far ahead of this node's clock"
            )
        ) { $0.clockDriftRefused },
    ]

    static let group = MetricGroup(
        "Repairs",
        "What reads and replicas find wrong and put right.",
        [
            MetricPanel("Read repairs a second", reads.map(\.definition)),
            MetricPanel("Replica work a second", replica.map(\.definition)),
            MetricPanel("Losses noticed", damage.map(\.definition)),
        ]
    )
}

/// Hints for nodes that are away.
enum HintMetricList {
    static let backlog = MetricDefinition.gauge(
        "henge_hints",
        "Hints that are kept for the peer",
        by: ["peer"]
    )
    static let backlogBytes = MetricDefinition.gauge(
        "henge_hints_size_bytes",
        "What these hints take, with the records that are held in the peer's place",
        by: ["peer"],
        unit: .bytes
    )
    static let oldest = MetricDefinition.gauge(
        "henge_hints_oldest_seconds",
        "How long ago the oldest of these hints was kept",
        by: ["peer"],
        unit: .seconds
    )
    static let paused = MetricDefinition.gauge(
        "henge_hints_paused",
        "1 while an operator has stopped the delivery of hints"
    )

    static let counters: [MeasuredNumber<ShardCounters>] = [
        .init(.counter("henge_hints_stored_total", "Hints made durable")) { $0.hintsStored },
        .init(
            .counter("henge_hints_delivered_total", "Hints whose record the peer has acknowledged")
        ) { $0.hintsDelivered },
        .init(.counter("henge_hints_expired_total", "Hints that were too old")) {
            $0.hintsExpired
        },
        .init(
            .counter(
                "henge_hints_dropped_total",
                "Hints not kept for want of room or because the storage failed, or dropped by an "
                    + "operator"
            )
        ) { $0.hintsDropped },
        .init(
            .counter(
                "henge_hints_gone_total",
                "Hints whose record was gone or unreadable when its turn came"
            )
        ) { $0.hintsGone },
    ]
    static let bytes: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter(
                "henge_hints_delivered_bytes_total",
                "Keys and objects that peers have acknowledged",
                unit: .bytes
            )
        ) { $0.hintBytesDelivered }
    ]
    static let handOffs: [MeasuredNumber<ShardCounters>] = [
        .init(
            .counter(
                "henge_hand_offs_received_total",
                "Records taken over from nodes that held hints for this one"
            )
        ) { $0.handOffsReceived },
        .init(
            .counter(
                "henge_hand_offs_refused_total",
                "Records that peers refused because of their timestamps, or since all was purged "
                    + "there"
            )
        ) { $0.handOffsRefused },
        .init(
            .counter(
                "henge_hand_offs_foreign_total",
                "Records offered to this node though it is no home replica of their keys"
            )
        ) { $0.handOffsForeign },
        .init(
            .counter(
                "henge_stand_ins_handed_over_total",
                "Held records removed after their home replica had them"
            )
        ) { $0.standInsHandedOver },
        .init(
            .counter(
                "henge_stand_ins_dropped_total",
                "Held records removed because an operator dropped the hints for their home"
            )
        ) { $0.standInsDropped },
        .init(
            .counter(
                "henge_stand_ins_refused_total",
                "Writes that this node refused to hold in place of another"
            )
        ) { $0.standInsRefused },
    ]

    static let group = MetricGroup(
        "Hints",
        "What is kept for nodes that missed it, and delivered when they return.",
        [
            MetricPanel("Hints kept", [backlog, paused]),
            MetricPanel("Size of hints", [backlogBytes]),
            MetricPanel("Age of the oldest hint", [oldest]),
            MetricPanel("Hints a second", counters.map(\.definition)),
            MetricPanel("Delivered a second", bytes.map(\.definition)),
            MetricPanel("Hand-offs a second", handOffs.map(\.definition)),
        ]
    )
}
