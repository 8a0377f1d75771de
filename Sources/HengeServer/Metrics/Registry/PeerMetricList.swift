import HengeNode

/// The other nodes, as this one sees them.
enum PeerMetricList {
    static let up = MetricDefinition.gauge(
        "henge_peer_up",
        "1 while the failure detector holds the peer for up or for suspect, 0 while for down",
        by: ["peer"]
    )
    static let state = MetricDefinition.gauge(
        "henge_peer_state",
        "1 for the state that the failure detector sees the peer in, 0 for the others",
        by: ["peer", "state"]
    )
    static let phi = MetricDefinition.gauge(
        "henge_peer_suspicion",
        "How unlikely the peer's silence is: phi, minus the decimal logarithm of its probability",
        by: ["peer"]
    )
    static let contact = MetricDefinition.gauge(
        "henge_peer_last_contact_seconds",
        "How long ago something last came from the peer",
        by: ["peer"],
        unit: .seconds
    )
    static let stores = MetricDefinition.histogram(
        "henge_replica_store_duration_seconds",
        "From sending a write to a replica until it said that the write is durable there; peer is "
            + "this node's own name for its own replicas",
        by: ["peer"]
    )
    static let fetches = MetricDefinition.histogram(
        "henge_replica_fetch_duration_seconds",
        "From asking a replica for a record or its digest until its answer",
        by: ["peer"]
    )
    static let sent = MetricDefinition.counter(
        "henge_peer_messages_sent_total",
        "Messages to the peer, without bulk ones",
        by: ["peer"]
    )
    static let sentBytes = MetricDefinition.counter(
        "henge_peer_sent_bytes_total",
        "Bytes of messages to the peer, without bulk ones",
        by: ["peer"],
        unit: .bytes
    )
    static let dropped = MetricDefinition.counter(
        "henge_peer_messages_dropped_total",
        "Messages that there was no connection for",
        by: ["peer"]
    )
    static let connections = MetricDefinition.counter(
        "henge_peer_connections_total",
        "Connections with the peer that were made",
        by: ["peer"]
    )
    static let queued = MetricDefinition.gauge(
        "henge_peer_queued_bytes",
        "Messages that wait for the peer to read",
        by: ["peer"],
        unit: .bytes
    )
    static let refused = MetricDefinition.counter(
        "henge_peer_handshakes_refused_total",
        "Connections on the peer port of what is no member of this cluster"
    )
    static let malformed = MetricDefinition.counter(
        "henge_peer_malformed_total",
        "Connections closed because of bytes that are no message"
    )

    static let group = MetricGroup(
        "Peers",
        "What this node sees of each other member.",
        [
            MetricPanel("Peers up", [up, state]),
            MetricPanel("Suspicion", [phi]),
            MetricPanel("Last contact", [contact]),
            MetricPanel("Stores at replicas", [stores]),
            MetricPanel("Fetches from replicas", [fetches]),
            MetricPanel("Messages a second", [sent, dropped]),
            MetricPanel("Bytes to peers a second", [sentBytes]),
            MetricPanel("Waiting for peers", [queued]),
            MetricPanel("Connections of peers a second", [connections, refused, malformed]),
        ]
    )
}
