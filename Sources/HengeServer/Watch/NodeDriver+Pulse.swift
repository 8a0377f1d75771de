import HengeBase
import HengeMessages
import HengeNode
import HengeRing

extension NodeDriver {
    /// How this node is now. O(partitions); with heat some tenths of a millisecond.
    func pulse(withHeat: Bool) -> NodePulse {
        var pulse = requestPulse()
        addData(to: &pulse)
        addWork(to: &pulse)
        if withHeat { pulse.heat = shard.heat.map { PulseHeat($0, now: now) } }
        return pulse
    }

    /// What clients have asked for so far, and nothing else.
    func requestPulse() -> NodePulse {
        var pulse = NodePulse()
        pulse[.uptime] = now.since(startedAt).microseconds
        addRequests(to: &pulse)
        return pulse
    }

    private func addRequests(to pulse: inout NodePulse) {
        for kind in RequestKind.all where kind.isRead || kind.isWrite {
            for outcome in RequestOutcome.allCases {
                pulse[outcome.number(isRead: kind.isRead)] += requestMetrics.count(
                    of: kind, outcome)
            }
            if kind.isRead {
                pulse.readTimes.add(requestMetrics.durations[kind.index])
            } else {
                pulse.writeTimes.add(requestMetrics.durations[kind.index])
            }
        }
        pulse[.inFlight] = UInt64(requestsInFlight)
        pulse[.clients] = UInt64(hub?.sessions.count ?? 0)
    }

    private func addData(to pulse: inout NodePulse) {
        let total = KeyLoad(tallies.total)
        pulse[.keys] = UInt64(clamping: total.keys)
        pulse[.bytes] = UInt64(clamping: total.bytes)
        pulse[.tombstones] = UInt64(clamping: total.tombstones)
        pulse[.siblings] = UInt64(clamping: total.siblings)
        pulse[.isCounting] = tallies.isComplete ? 0 : 1
        let disk = storage.diskBytes
        pulse[.diskFree] = UInt64(clamping: disk.free)
        pulse[.diskTotal] = UInt64(clamping: disk.total)
        pulse[.residentBytes] = UInt64(clamping: ProcessMemory.residentBytes)
    }

    private func addWork(to pulse: inout NodePulse) {
        pulse[.hintsStored] = UInt64(clamping: counters.hintsStored)
        pulse[.hintsDelivered] = UInt64(clamping: counters.hintsDelivered)
        pulse[.hintsDropped] = UInt64(clamping: counters.hintsDropped + counters.hintsExpired)
        pulse[.areHintsPaused] = shard.areHintsPaused ? 1 : 0
        pulse[.readRepairs] = UInt64(clamping: counters.readRepairs)
        pulse[.entropyReceived] = UInt64(clamping: counters.entropyReceived)
        pulse[.entropySent] = UInt64(clamping: counters.entropySent)
        pulse[.comparisons] = UInt64(clamping: counters.comparisons)
        pulse[.comparisonsFailed] = UInt64(clamping: counters.comparisonsFailed)
        pulse[.backgroundShare] = UInt64(backgroundShare * 1e6)
        let status = entropyStatus
        // Of a key's only replica there is nothing to compare.
        let compared = status.ranges.filter { $0.replicas > 1 }
        pulse[.unverified] = UInt64(compared.count { $0.verifiedAge == nil })
        let oldest = compared.compactMap(\.verifiedAge).max()
        pulse[.verifiedAge] = (oldest?.milliseconds ?? 0) / 1_000
        pulse[.scrubbed] = UInt64(min(1, max(0, status.scrubbed)) * 1e6)
        pulse.comparing = status.running.map {
            NodePulse.Comparing(
                peer: $0.peer,
                differing: UInt64(clamping: $0.differing),
                left: UInt64(clamping: $0.left)
            )
        }
        pulse.hints = shard.hintBacklogs.filter { $0.count > 0 }.map { backlog in
            let since = min(backlog.oldest?.milliseconds ?? .max, wall.milliseconds)
            return NodePulse.Hints(
                target: backlog.target,
                count: UInt64(clamping: backlog.count),
                bytes: UInt64(clamping: backlog.bytes),
                age: wall.milliseconds - since
            )
        }
    }
}

extension RequestOutcome {
    /// Under what it is told; a condition that did not hold is no failure.
    fileprivate func number(isRead: Bool) -> NodePulse.Number {
        switch self {
        case .ok, .notApplied: isRead ? .reads : .writes
        case .unavailable: .unavailable
        case .timedOut: .timedOut
        case .overloaded: .overloaded
        case .storage: .storageFailures
        case .conflict, .tooLarge, .clockDrift: .otherFailures
        }
    }
}

extension PulseHeat {
    fileprivate init(_ heat: Heat, now: Instant) {
        let slice = heat.slice(.minute)
        let keys = slice.keys.keys
        let listed = keys.prefix(Self.keysMax)
        let left = keys.count > listed.count ? keys[listed.count].requests : slice.keys.countMin
        self.init(
            seconds: UInt32(clamping: now.since(slice.began).milliseconds / 1_000),
            reads: UInt64(clamping: slice.keys.total.reads),
            writes: UInt64(clamping: slice.keys.total.writes),
            bytes: UInt64(clamping: slice.keys.total.bytes),
            least: UInt64(clamping: left),
            keys: listed.map { key in
                Key(
                    token: key.token.rawValue,
                    stored: key.stored ?? .init(),
                    storedLength: UInt32(clamping: key.storedLength),
                    reads: UInt64(clamping: key.load.reads),
                    writes: UInt64(clamping: key.load.writes),
                    bytes: UInt64(clamping: key.load.bytes),
                    error: UInt64(clamping: key.error)
                )
            },
            minutes: heat.map.minutes
        )
    }
}
