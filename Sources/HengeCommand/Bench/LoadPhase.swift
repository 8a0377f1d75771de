/// One stretch of load: filling the keys, warming up, or what is measured.
package struct LoadPhase: Sendable {
    package enum Limit: Equatable, Sendable {
        /// So many operations.
        case operations(Int)
        /// No new operation after so many seconds.
        case seconds(Double)
    }

    package var name: String
    package var mix: OperationMix
    package var distribution: KeyDistribution
    package var keys: Int
    package var limit: Limit
    /// Operations a second of all event loops together; nil for a closed loop, in which a
    /// connection sends its next batch when the last is answered.
    package var rate: Double?
    /// Operations in flight on each connection.
    package var pipeline: Int

    package init(
        name: String,
        mix: OperationMix,
        distribution: KeyDistribution,
        keys: Int,
        limit: Limit,
        rate: Double?,
        pipeline: Int
    ) {
        self.name = name
        self.mix = mix
        self.distribution = distribution
        self.keys = keys
        self.limit = limit
        self.rate = rate
        self.pipeline = pipeline
    }
}

/// What came of a phase.
package struct LoadResult: Sendable {
    /// Operations that succeeded.
    package var operations = 0
    /// Those of them that read a key that holds nothing.
    package var misses = 0
    /// Operations of an open loop that were due in time but for which no connection was free by its
    /// end. Their latencies are recorded as what they had waited until then.
    package var unsent = 0
    package var errors = ErrorTally()
    package var latencies = LatencyRecorder()
    /// Why an event loop had no connection left before the end, if one had not.
    package var loss: String?
    /// Uptime nanoseconds.
    package var startedAt: UInt64
    package var endedAt: UInt64

    package init(startedAt: UInt64) {
        self.startedAt = startedAt
        endedAt = startedAt
    }

    package var seconds: Double { Double(endedAt - startedAt) / 1e9 }

    /// Operations that succeeded, failed, or came due and were not sent.
    package var offered: Int { operations + errors.count + unsent }

    /// Which part of what was offered succeeded, 0 to 1.
    package var goodputShare: Double {
        offered > 0 ? Double(operations) / Double(offered) : 0
    }

    /// Operations a second.
    package var rate: Double { endedAt > startedAt ? Double(operations) / seconds : 0 }

    package mutating func add(_ other: LoadResult) {
        operations += other.operations
        misses += other.misses
        unsent += other.unsent
        errors.add(other.errors)
        latencies.add(other.latencies)
        loss = loss ?? other.loss
        startedAt = min(startedAt, other.startedAt)
        endedAt = max(endedAt, other.endedAt)
    }
}
