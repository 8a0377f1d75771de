package import HengeClient

/// Everything that `henge bench` was asked for.
package struct LoadPlan: Sendable {
    /// Where connections go in turn; of no meaning with ``slots``.
    package var addresses: [HengeAddress]
    /// Where clients go that ask each key's own node; nil for those that do not.
    package var slots: SlotMap?
    /// Clients: each has a connection to one of the addresses, or to every node of the slot map.
    package var connections: Int
    /// Event loops, each on a thread of its own.
    package var threads: Int
    package var valueBytes: Int
    /// Requests that each connection sends first and that must succeed.
    package var preparation: [[String]]
    /// The words of a request behind each write, none if empty.
    package var afterWrite: [String]
    package var seed: UInt64
    /// Fills every key once before anything else.
    package var populate: LoadPhase?
    package var warmup: LoadPhase?
    package var measured: LoadPhase

    package init(
        addresses: [HengeAddress],
        slots: SlotMap? = nil,
        connections: Int,
        threads: Int,
        valueBytes: Int,
        preparation: [[String]],
        afterWrite: [String],
        seed: UInt64,
        populate: LoadPhase?,
        warmup: LoadPhase?,
        measured: LoadPhase
    ) {
        self.addresses = addresses
        self.slots = slots
        self.connections = connections
        self.threads = threads
        self.valueBytes = valueBytes
        self.preparation = preparation
        self.afterWrite = afterWrite
        self.seed = seed
        self.populate = populate
        self.warmup = warmup
        self.measured = measured
    }

    /// The replicas that a `WAIT` behind each write must report for it to count as done.
    package var replicasAwaited: Int? {
        guard afterWrite.count == 3, afterWrite[0].uppercased() == "WAIT" else { return nil }
        return Int(afterWrite[1])
    }
}
