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
        if withHeat { pulse.heat = figures.heat.sum(.minute).map { PulseHeat($0, now: now) } }
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
        let requests = figures.requests
        let metrics = requests.metrics
        for kind in RequestKind.all where kind.isRead || kind.isWrite {
            for outcome in RequestOutcome.allCases {
                pulse[outcome.number(isRead: kind.isRead)] += metrics.count(of: kind, outcome)
            }
            if kind.isRead {
                pulse.readTimes.add(metrics.durations[kind.index])
            } else {
                pulse.writeTimes.add(metrics.durations[kind.index])
            }
        }
        pulse[.inFlight] = UInt64(requests.inFlight)
        pulse[.clients] = UInt64(figures.clients.connections)
    }

    private func addData(to pulse: inout NodePulse) {
        let tallies = figures.tallies
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
        let counters = figures.counters
        let hints = figures.hints
        pulse[.hintsStored] = UInt64(clamping: counters.hintsStored)
        pulse[.hintsDelivered] = UInt64(clamping: counters.hintsDelivered)
        pulse[.hintsDropped] = UInt64(clamping: counters.hintsDropped + counters.hintsExpired)
        pulse[.areHintsPaused] = hints.arePaused ? 1 : 0
        pulse[.readRepairs] = UInt64(clamping: counters.readRepairs)
        pulse[.entropyReceived] = UInt64(clamping: counters.entropyReceived)
        pulse[.entropySent] = UInt64(clamping: counters.entropySent)
        pulse[.comparisons] = UInt64(clamping: counters.comparisons)
        pulse[.comparisonsFailed] = UInt64(clamping: counters.comparisonsFailed)
        pulse[.backgroundShare] = UInt64(figures.budget.share * 1e6)
        let status = figures.entropy
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
        pulse.hints = hints.backlogs.filter { $0.count > 0 }.map { backlog in
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
    fileprivate init(_ heat: HeatSum, now: Instant) {
        let listed = heat.keys.prefix(Self.keysMax)
        self.init(
            seconds: UInt32(clamping: now.since(heat.began).milliseconds / 1_000),
            reads: UInt64(clamping: heat.total.reads),
            writes: UInt64(clamping: heat.total.writes),
            bytes: UInt64(clamping: heat.total.bytes),
            least: UInt64(clamping: heat.unlistedMax(listed.count)),
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
            minutes: heat.minutes
        )
    }
}
