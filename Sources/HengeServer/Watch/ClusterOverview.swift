import HengeBase
import HengeMessages
import HengeNode
import HengeRESP
import HengeRing

/// What a node sees of its cluster at a moment, as `HENGE.OVERVIEW` and the dashboard show it.
struct ClusterOverview {
    /// By node id, of those that answered, this one among them.
    let pulses: [NodeID: NodePulse]
    /// By node id, of those of which two pulses of one life are there.
    let rates: [NodeID: PulseRate]

    func tree(_ driver: NodeDriver) -> ReplyTree {
        let ring = driver.ring
        let document = ring.document
        // Of the ring that a change leads to: who leaves is due nothing.
        let members = document.transition?.members ?? document.members
        let weights = members.reduce(0) { $0 + $1.weight }
        let nodes = ring.allMembers.map { member in
            let weight = members.first { $0.id == member.id }?.weight ?? 0
            return node(member, Double(weight) / Double(max(1, weights)), driver)
        }
        return .map([
            "node": .text(driver.name(of: driver.node)),
            "cluster": .text(hexadecimal(document.clusterID)),
            "version": .text(ServerVersion.henge),
            "phase": .text(driver.phase.rawValue),
            "time_ms": .integer(Int64(clamping: driver.wall.milliseconds)),
            "epoch": .integer(Int64(clamping: document.epoch)),
            "partitions": .integer(ring.partitions),
            "replicas": .integer(document.replicas),
            "totals": totals,
            "nodes": .array(nodes + driver.candidates.map(Self.candidate)),
            "actions": .boolean(driver.settings.allowsDashboardActions),
            "staged": .array(
                driver.administrator.stage.operations.map { .text($0.description) }
            ),
            "change": document.transition == nil ? .null : RingProgressReport(driver).tree,
        ])
    }

    // MARK: Totals

    private var totals: ReplyTree {
        guard !rates.isEmpty else { return .null }
        let sum = ClusterRate(rates.values)
        let kinds: [(String, NodePulse.Number)] = [
            ("unavailable", .unavailable), ("timed_out", .timedOut), ("overloaded", .overloaded),
            ("storage", .storageFailures), ("other", .otherFailures),
        ]
        let failures = kinds.map { name, number in
            let rate = rates.values.reduce(0) { $0 + $1[number] }
            return ReplyTree.Field(name: name, value: .double(rate.toTenths))
        }
        return .map([
            "reads": .double(sum.reads.toTenths),
            "writes": .double(sum.writes.toTenths),
            "errors": .double(sum.failures.toTenths),
            "errors_by_kind": .map(failures),
            "read_p50_us": Self.quantile(sum.readTimes, 0.5),
            "read_p99_us": Self.quantile(sum.readTimes, 0.99),
            "write_p50_us": Self.quantile(sum.writeTimes, 0.5),
            "write_p99_us": Self.quantile(sum.writeTimes, 0.99),
        ])
    }

    private static func quantile(_ times: LatencyHistogram, _ fraction: Double) -> ReplyTree {
        times.quantile(fraction).map { .integer(Int64(clamping: $0.microseconds)) } ?? .null
    }

    // MARK: Nodes

    private func node(_ member: Member, _ fairShare: Double, _ driver: NodeDriver) -> ReplyTree {
        let ring = driver.ring
        let status = driver.peerStatus(member.id)
        let part = RingPart(member.id, in: ring.document)
        let fields: KeyValuePairs<String, ReplyTree> = [
            "name": .text(member.name),
            "id": .integer(Int(member.id.rawValue)),
            "state": .text(part.state(status)),
            "role": .text(part.rawValue),
            "phi": status.phi,
            "last_contact_ms": status.lastContact,
            "zone": .text(member.zone),
            "weight": .integer(member.weight),
            "vnodes": .integer(ring.vnodes(of: member.id)),
            "fair_share": .double(fairShare),
            "resp": .text(status.respAddress),
            "http": .text(status.httpAddress),
            "answers": .boolean(pulses[member.id] != nil),
        ]
        var all = fields.map(ReplyTree.Field.init(name:value:))
        all += rateFields(rates[member.id])
        all += pulseFields(pulses[member.id], driver)
        return .map(all)
    }

    private func rateFields(_ rate: PulseRate?) -> [ReplyTree.Field] {
        guard let rate else { return [] }
        var times = rate.readTimes
        times.add(rate.writeTimes)
        let fields: KeyValuePairs<String, ReplyTree> = [
            "reads": .double(rate[.reads].toTenths),
            "writes": .double(rate[.writes].toTenths),
            "errors": .double(rate.failures.toTenths),
            "p50_us": Self.quantile(times, 0.5),
            "p99_us": Self.quantile(times, 0.99),
            "hints_stored": .double(rate[.hintsStored].toTenths),
            "hints_delivered": .double(rate[.hintsDelivered].toTenths),
            "read_repairs": .double(rate[.readRepairs].toTenths),
            "entropy_received": .double(rate[.entropyReceived].toTenths),
        ]
        return fields.map(ReplyTree.Field.init(name:value:))
    }

    private func pulseFields(_ pulse: NodePulse?, _ driver: NodeDriver) -> [ReplyTree.Field] {
        guard let pulse else { return [] }
        let fields: KeyValuePairs<String, ReplyTree> = [
            "uptime_ms": Self.integer(pulse[.uptime] / 1_000),
            "in_flight": Self.integer(pulse[.inFlight]),
            "clients": Self.integer(pulse[.clients]),
            "keys": Self.integer(pulse[.keys]),
            "bytes": Self.integer(pulse[.bytes]),
            "tombstones": Self.integer(pulse[.tombstones]),
            "siblings": Self.integer(pulse[.siblings]),
            "counting": .boolean(pulse[.isCounting] != 0),
            "disk_free": Self.integer(pulse[.diskFree]),
            "disk_total": Self.integer(pulse[.diskTotal]),
            "rss_bytes": Self.integer(pulse[.residentBytes]),
            "hints": .array(
                pulse.hints.map { hints in
                    .map([
                        "node": .text(driver.name(of: hints.target)),
                        "count": Self.integer(hints.count),
                        "bytes": Self.integer(hints.bytes),
                        "oldest_ms": Self.integer(hints.age),
                    ])
                }
            ),
            "hints_paused": .boolean(pulse[.areHintsPaused] != 0),
            "hints_dropped": Self.integer(pulse[.hintsDropped]),
            "comparing": .array(
                pulse.comparing.map { comparing in
                    .map([
                        "node": .text(driver.name(of: comparing.peer)),
                        "differing": Self.integer(comparing.differing),
                        "left": Self.integer(comparing.left),
                    ])
                }
            ),
            "comparisons": Self.integer(pulse[.comparisons]),
            "comparisons_failed": Self.integer(pulse[.comparisonsFailed]),
            "unverified": Self.integer(pulse[.unverified]),
            "verified_seconds": Self.integer(pulse[.verifiedAge]),
            "scrubbed": .double(Double(pulse[.scrubbed]) / 1e6),
            "background_share": .double(Double(pulse[.backgroundShare]) / 1e6),
        ]
        return fields.map(ReplyTree.Field.init(name:value:))
    }

    private static func integer(_ number: UInt64) -> ReplyTree { .integer(Int64(clamping: number)) }

    private static func candidate(_ candidate: Candidate) -> ReplyTree {
        .map([
            "name": .text(candidate.name),
            "id": .integer(0),
            "state": .text("candidate"),
            "role": .text("candidate"),
            "phi": .null,
            "last_contact_ms": .null,
            "zone": .text(candidate.zone),
            "weight": .integer(candidate.weight),
            "vnodes": .integer(0),
            "fair_share": .double(0),
            "resp": .text(candidate.respAddress),
            "http": .text(candidate.httpAddress),
            "answers": .boolean(false),
        ])
    }

    // MARK: Places on the ring

    /// Who claims each ring position, by place in `names`; and in the change that is running, who
    /// is to, and each position's step.
    static func places(_ ring: Ring) -> ReplyTree {
        let names = ring.allMembers.map(\.name)
        var places: [NodeID: Int] = [:]
        for (place, member) in ring.allMembers.enumerated() { places[member.id] = place }
        let transition = ring.document.transition
        return .map([
            "epoch": .integer(Int64(clamping: ring.document.epoch)),
            "names": .array(names.map { .text($0) }),
            "owners": .array(ring.document.owners.map { .integer(places[$0] ?? -1) }),
            "next": transition.map { transition in
                .array(transition.owners.map { .integer(places[$0] ?? -1) })
            } ?? .null,
            "steps": transition.map { transition in
                .array(transition.steps.map { .integer(Int($0.rawValue)) })
            } ?? .null,
        ])
    }
}
