import HengeClient

/// Everything that `henge bench` was asked for.
struct LoadPlan: Sendable {
    var addresses: [HengeAddress]
    var connections: Int
    /// Event loops, each on a thread of its own.
    var threads: Int
    var valueBytes: Int
    /// Requests that each connection sends first and that must succeed.
    var preparation: [[String]]
    /// The words of a request behind each write, none if empty.
    var afterWrite: [String]
    var seed: UInt64
    /// Fills every key once before anything else.
    var populate: LoadPhase?
    var warmup: LoadPhase?
    var measured: LoadPhase

    /// The replicas that a `WAIT` behind each write must report for it to count as done.
    var replicasAwaited: Int? {
        guard afterWrite.count == 3, afterWrite[0].uppercased() == "WAIT" else { return nil }
        return Int(afterWrite[1])
    }
}
