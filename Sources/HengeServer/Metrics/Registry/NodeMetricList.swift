/// The process and its event loop.
enum NodeMetricList {
    static let info = MetricDefinition.gauge(
        "henge_node_info",
        "1, with what tells this node from others",
        by: ["node", "cluster", "version", "state"]
    )
    static let lag = MetricDefinition.histogram(
        "henge_event_loop_lag_seconds",
        "How much later than due a timer of the node's event loop went off, ten times a second"
    )
    static let skew = MetricDefinition.gauge(
        "henge_peer_clock_offset_seconds",
        "How far the peer's wall clock is ahead of this node's, by the last exchange with the "
            + "shortest way of late",
        by: ["peer"],
        unit: .seconds
    )
    static let skewBound = MetricDefinition.gauge(
        "henge_peer_clock_error_seconds",
        "How far off that may be: half of what the exchange took, and the clocks' resolution",
        by: ["peer"],
        unit: .seconds
    )
    static let ahead = MetricDefinition.gauge(
        "henge_hybrid_clock_ahead_seconds",
        "How far the timestamps of this node's writes are ahead of its wall clock, as they are "
            + "after writes of a node whose clock is ahead",
        unit: .seconds
    )
    static let startTime = MetricDefinition.gauge(
        "process_start_time_seconds",
        "When the node started, since 1970-01-01 UTC",
        unit: .seconds
    )
    static let cpu = MetricDefinition.counter(
        "process_cpu_seconds_total",
        "Processor time of the process, in user and system mode",
        unit: .seconds
    )
    static let resident = MetricDefinition.gauge(
        "process_resident_memory_bytes",
        "Memory of the process that is resident",
        unit: .bytes
    )
    static let openFiles = MetricDefinition.gauge(
        "process_open_fds",
        "File descriptors that are open"
    )
    static let maxFiles = MetricDefinition.gauge(
        "process_max_fds",
        "File descriptors that may be open"
    )

    static let group = MetricGroup(
        "Node",
        "The process, its event loop and its clocks.",
        [
            MetricPanel("Nodes", [info]),
            MetricPanel("Event-loop lag", [lag]),
            MetricPanel("Clock offset of peers", [skew, skewBound]),
            MetricPanel("Hybrid clock ahead", [ahead]),
            MetricPanel("Processor", [cpu]),
            MetricPanel("Memory", [resident]),
            MetricPanel("File descriptors", [openFiles, maxFiles]),
            MetricPanel("Start", [startTime]),
        ]
    )
}
