/// The connections of clients.
enum ClientMetricList {
    static let connections = MetricDefinition.gauge(
        "henge_client_connections",
        "Connections of clients over RESP"
    )
    static let heldBytes = MetricDefinition.gauge(
        "henge_client_output_bytes",
        "Replies that wait for clients to read them",
        unit: .bytes
    )
    static let inputBytes = MetricDefinition.gauge(
        "henge_client_input_bytes",
        "Requests that are still arriving, or wait",
        unit: .bytes
    )

    static let counters: [MeasuredNumber<ClientCounters>] = [
        .init(.counter("henge_client_connections_total", "Connections that clients made")) {
            $0.connectionsReceived
        },
        .init(
            .counter(
                "henge_client_connections_rejected_total",
                "Connections over the limit, told so and closed"
            )
        ) { $0.connectionsRejected },
        .init(.counter("henge_client_commands_total", "Commands over RESP")) { $0.commands },
        .init(
            .counter("henge_client_protocol_errors_total", "Bytes that were no commands of RESP")
        ) { $0.protocolErrors },
        .init(
            .counter(
                "henge_client_received_bytes_total",
                "Bytes that came from clients over RESP",
                unit: .bytes
            )
        ) { $0.bytesRead },
        .init(
            .counter(
                "henge_client_sent_bytes_total",
                "Bytes that went to clients over RESP",
                unit: .bytes
            )
        ) { $0.bytesWritten },
    ]
    static let group = MetricGroup(
        "Clients",
        "Connections over RESP.",
        [
            MetricPanel("Connections", [connections]),
            MetricPanel("Held for clients", [heldBytes, inputBytes]),
            MetricPanel("Connections and commands a second", counters[..<4].map(\.definition)),
            MetricPanel("Bytes a second", counters[4...].map(\.definition)),
        ]
    )
}
