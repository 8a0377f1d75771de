/// What a read does about replicas that turn out stale.
package enum ReadRepair: String, Hashable, Sendable, CaseIterable {
    /// The answer waits until R replicas hold it, so quorum reads never go back in time.
    case blocking
    /// The answer goes out at once; the repairs follow it.
    case async
    case off
}
