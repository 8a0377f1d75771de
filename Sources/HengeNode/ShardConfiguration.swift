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
    /// requests of clients and of other nodes are refused. Also the bound on writes that have been
    /// answered and still wait for a replica.
    package var replicaWorkMax = 65_536
    /// How far ahead of ours another node's clock may be.
    package var clockDriftMax = Interval.seconds(60)
    /// Longest time a request may ask for.
    package var timeoutMax = Interval.seconds(60)

    /// What hints, and records held in place of others, may take on the disk. Past it new hints are
    /// dropped, and stand-ins refuse.
    package var hintBytesMax = 1024 * 1024 * 1024
    /// Ordinary hints older than this are dropped (as Cassandra's `max_hint_window`).
    package var hintAgeMax = Interval.seconds(3 * 3_600)
    /// How fast hints are delivered, to all nodes together; each record counts as
    /// ``HintThrottle/recordOverheadBytes`` more than its bytes. At least 1.
    package var hintBytesPerSecond = 16 * 1024 * 1024

    /// How often each partition is compared with each other home replica.
    package var compareInterval = Interval.seconds(600)
    /// How fast records that differ are sent, to all nodes together. At least 1.
    package var entropyBytesPerSecond = 32 * 1024 * 1024
    /// In what time every record is read once to verify it.
    package var scrubInterval = Interval.seconds(7 * 86_400)
    /// How long after its expiry a sibling may be purged: clocks differ.
    package var purgeGrace = Interval.seconds(120)

    /// Partitions that are taken over at a time.
    package var transfersMax = 4
    /// Of these, those that come from one node.
    package var transfersPerSourceMax = 2
    /// How many bytes of records are asked for at a time. At least 1.
    package var transferPageBytes = 512 * 1024
    /// How fast partitions are taken over, all together; counted as for hints. At least 1.
    package var transferBytesPerSecond = 64 * 1024 * 1024

    /// What hints, comparisons, transfers and the scrub may take together.
    package var background = BackgroundBudget.Limits()

    /// Keys that each sketch of what clients ask for counts, 1...16,384; 0: nothing is counted.
    package var hotKeys = Heat.capacity

    package init() {}
}

/// Numbers that only rise, for metrics and tests.
package struct ShardCounters: Hashable, Sendable {
    package var reads = 0
    package var writes = 0
    /// Client requests handed on to another node because this one holds no replica of the key.
    package var forwarded = 0
    package var forwardsServed = 0
    /// Answers of other nodes that this one's ring is too old for what it asked.
    package var staleRingRefusals = 0
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
    /// Saved actors that were not used because they had not been confirmed.
    package var provisionalActorRenewals = 0

    /// Hints made durable.
    package var hintsStored = 0
    /// Hints whose record the target has acknowledged.
    package var hintsDelivered = 0
    /// Keys and objects that targets have acknowledged.
    package var hintBytesDelivered = 0
    package var hintsExpired = 0
    /// Hints not kept for want of room or because the storage failed, or dropped by an operator.
    package var hintsDropped = 0
    /// Hints whose record was gone or unreadable when its turn came.
    package var hintsGone = 0
    /// Records that targets refused because of their timestamps, or since all was purged there.
    package var handOffsRefused = 0
    /// Records taken over from nodes that held hints for this one.
    package var handOffsReceived = 0
    /// Records offered to this node though it is no home replica of their keys.
    package var handOffsForeign = 0
    /// Requests that counted a stand-in.
    package var sloppyRequests = 0
    /// Held records removed after their home replica had them.
    package var standInsHandedOver = 0
    /// Held records removed because an operator dropped the hints for their home.
    package var standInsDropped = 0
    /// Writes that this node refused to hold in place of another.
    package var standInsRefused = 0

    /// Comparisons with another node that this one began and that came to their end.
    package var comparisons = 0
    package var comparisonsFailed = 0
    /// Partitions whose roots differed, in comparisons that this node began.
    package var partitionsDiffered = 0
    /// Records that comparisons brought to this node, and that changed it.
    package var entropyReceived = 0
    /// Records that this node sent in comparisons.
    package var entropySent = 0
    /// Siblings that came in after they had been purged or replaced everywhere.
    package var obsoleteDropped = 0
    /// Changes made with no more than the version of what they replaced.
    package var changesByVersion = 0
    /// Records that this node took for obsolete and another knows to be current.
    package var disputes = 0
    /// Stretches of records that could not be read.
    package var unreadableRanges = 0
    /// Records purged.
    package var purged = 0
    /// Records that the scrub has read.
    package var scrubbed = 0
    /// Leaves of a hash tree that did not fit the records, and were set right.
    package var leavesMended = 0

    /// Partitions that this node has taken over.
    package var partitionsTakenOver = 0
    /// Records that came with them, and that changed this node.
    package var recordsTakenOver = 0
    /// Pages of records sent to nodes that take partitions over.
    package var transferPagesServed = 0
    /// Records of these pages that could not be read here.
    package var transferRecordsSkipped = 0
    /// Partitions forgotten because other nodes hold them.
    package var partitionsDropped = 0

    package init() {}
}
