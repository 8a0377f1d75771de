/// One client of a load: a connection to one node, or with a slot map one to each node. Used on its
/// worker's event loop alone.
final class LoadClient {
    private let slots: SlotMap?
    /// By the index of the node in the slot map; one without a map.
    private var connections: [LoadConnection] = []
    /// The connection that the next operation without a key goes to.
    private var turn = 0

    /// - Parameter slots: nil for a client of one node.
    init(slots: SlotMap?) {
        self.slots = slots
    }

    func add(_ connection: LoadConnection) {
        connections.append(connection)
    }

    var operationsInFlight: Int {
        var sum = 0
        for connection in connections { sum += connection.operationsInFlight }
        return sum
    }

    /// Where an operation goes. All connections have been made.
    func connection(for operation: Operation, _ writer: RequestWriter) -> LoadConnection {
        guard let slots else { return connections[0] }
        if let key = operation.key { return connections[slots.owner(of: writer.slot(of: key))] }
        turn = turn + 1 < connections.count ? turn + 1 : 0
        return connections[turn]
    }

    /// Sends what was appended to its connections, in one write on each.
    func flush() {
        for connection in connections { connection.flush() }
    }

    /// Closes the connections, and returns how many operations have no answer.
    func discard() -> Int {
        let unanswered = operationsInFlight
        let open = connections
        // They and their client refer to each other.
        connections = []
        for connection in open { connection.discard() }
        return unanswered
    }
}
