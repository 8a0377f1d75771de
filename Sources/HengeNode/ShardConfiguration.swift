package import HengeBase
package import HengeReplication

/// The limits and choices of a shard. All limits are on things in flight or on one request.
package struct ShardConfiguration: Sendable {
    package var readRepair = ReadRepair.blocking
    /// Whether a read that lags asks one more replica.
    package var hedgesReads = true
    /// No read is taken to lag sooner, however fast most are.
    package var hedgeDelayMin = Interval.milliseconds(1)
    /// When a read lags while too few were seen to know.
    package var hedgeDelayDefault = Interval.milliseconds(10)
    /// A write that leaves more siblings than this is counted and noted (as Riak does at 25).
    package var siblingsWarning = 25
    /// A causal write that would leave more is refused; repairs are exempt (as Riak's limit of
    /// 100).
    package var siblingsMax = 100
    /// A client's write that would make the whole object larger is refused.
    package var objectBytesMax = 32 * 1024 * 1024
    /// Client requests that this node coordinates or forwards at a time.
    package var requestsMax = 16_384
    /// Storage operations in flight and changes that wait for one, whoever asked; past it new
    /// requests of clients and of other nodes are refused.
    package var replicaWorkMax = 65_536
    /// How far ahead of ours another node's clock may be.
    package var clockDriftMax = Interval.seconds(60)
    /// Longest time a request may ask for.
    package var timeoutMax = Interval.seconds(60)

    package init() {}
}

/// Numbers that only rise, for metrics and tests.
package struct ShardCounters: Hashable, Sendable {
    package var reads = 0
    package var writes = 0
    /// Client requests handed on to another node because this one holds no replica of the key.
    package var forwarded = 0
    package var forwardsServed = 0
    package var replicaStores = 0
    package var replicaFetches = 0
    package var unavailable = 0
    package var timedOut = 0
    package var overloaded = 0
    package var storageFailures = 0
    /// Reads whose replicas disagreed.
    package var digestMismatches = 0
    /// Stale replicas that reads sent the merged object to.
    package var readRepairs = 0
    /// Reads that asked one more replica because they lagged.
    package var hedges = 0
    /// Hedges whose replica the answer needed.
    package var hedgesWon = 0
    /// Reads that lagged when the budget for hedges was spent.
    package var hedgesSuppressed = 0
    package var actorRenewals = 0
    package var rottenRecords = 0
    package var siblingWarnings = 0
    package var conflictsRefused = 0
    /// Writes refused because their timestamp was too far ahead of this node's clock.
    package var clockDriftRefused = 0
    /// Work dropped because its deadline had passed before it was begun.
    package var expiredDropped = 0
    /// Answers from peers that came after their request had ended.
    package var lateAnswers = 0

    package init() {}
}
