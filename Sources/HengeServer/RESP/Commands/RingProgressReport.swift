package import HengeBase
package import HengeMembership
package import HengeMessages
import HengeRESP
package import HengeRing

/// How far the change that is running is, as `HENGE.RING PROGRESS` shows it.
package struct RingProgressReport {
    package let tree: ReplyTree

    init(_ driver: NodeDriver) {
        let ring = driver.ring
        self.init(ring: ring, reports: driver.memberReports, absence: driver.absentReplicas) {
            driver.peerStatus($0).stateName
        }
    }

    /// - Parameters:
    ///   - reports: what members said last, by id; some may be missing.
    ///   - absence: what has not begun for want of new replicas.
    ///   - state: of a member, such as `up`.
    package init(
        ring: Ring,
        reports: [(node: NodeID, report: RingReport)],
        absence: ReplicaAbsence,
        state: (NodeID) -> String
    ) {
        let transition = ring.document.transition
        let moving = transition == nil ? [] : (0..<ring.partitions).filter { Self.moves($0, ring) }
        let progress = reports.map(\.report.progress)
        let bytesLeft = progress.reduce(0) { Self.sum($0, $1.bytesLeft) }
        let rate = progress.reduce(0) { Self.sum($0, $1.bytesPerSecond) }
        tree = .map([
            "epoch": .integer(Int64(clamping: ring.document.epoch)),
            "running": .boolean(transition != nil),
            "aborting": .boolean(transition?.isAborting ?? false),
            "partitions": .integer(moving.count),
            "steps": Self.steps(moving, ring),
            "partitions_waiting": .integer(absence.partitions),
            "waiting_for": .array(absence.nodes.map { .text(ring.member($0)?.name ?? "") }),
            "bytes_left": .integer(bytesLeft),
            "bytes_per_second": .integer(rate),
            "seconds_left": progress.compactMap(Self.secondsLeft).max().map { .double($0) }
                ?? .null,
            "nodes": .array(
                ring.allMembers.map { member in
                    let report = reports.first { $0.node == member.id }?.report
                    return Self.node(member, report, ring, state(member.id))
                }
            ),
        ])
    }

    /// Whether the change gives the partition another replica.
    private static func moves(_ partition: Int, _ ring: Ring) -> Bool {
        let (old, new) = (
            ring.preferenceList(partition: partition), ring.nextPreferenceList(partition: partition)
        )
        return old.count != new.count || (0..<new.count).contains { !old.contains(new[$0]) }
    }

    private static func steps(_ moving: [Int], _ ring: Ring) -> ReplyTree {
        var counts = [Int](repeating: 0, count: PartitionStep.allCases.count)
        for partition in moving { counts[Int(ring.step(of: partition).rawValue)] += 1 }
        return .map([
            "current": .integer(counts[0]),
            "write_both": .integer(counts[1]),
            "read_next": .integer(counts[2]),
            "next": .integer(counts[3]),
        ])
    }

    private static func node(
        _ member: Member,
        _ report: RingReport?,
        _ ring: Ring,
        _ state: String
    ) -> ReplyTree {
        let progress = report?.progress ?? TransferProgress()
        var source: ReplyTree = .null
        if case .source(let id)? = progress.wait { source = .text(ring.member(id)?.name ?? "") }
        return .map([
            "name": .text(member.name),
            "state": .text(state),
            "epoch": report.map { .integer(Int64(clamping: $0.epoch)) } ?? .null,
            "job": job(progress).map { .text($0) } ?? .null,
            "partitions_done": .integer(progress.partitionsDone),
            "partitions_left": .integer(progress.partitionsLeft),
            "keys_done": .integer(progress.keysDone),
            "keys_left": keysLeft(progress).map { .integer($0) } ?? .null,
            "bytes_done": .integer(progress.bytesDone),
            "bytes_left": .integer(progress.bytesLeft),
            "bytes_per_second": .integer(progress.bytesPerSecond),
            "seconds_left": secondsLeft(progress).map { .double($0) } ?? .null,
            "records_skipped": .integer(progress.recordsSkipped),
            "wait": progress.wait.map { .text($0.name) } ?? .null,
            "wait_for": source,
        ])
    }

    /// Nil for a node that has nothing to do.
    private static func job(_ progress: TransferProgress) -> String? {
        if progress.wait != nil { return "waiting" }
        if progress.partitionsLeft > 0 {
            return progress.bytesDone == 0 ? "waiting" : "transferring"
        }
        return progress.partitionsDone > 0 ? "done" : nil
    }

    /// As many as the bytes that are left let expect, if the rest is like what has come.
    private static func keysLeft(_ progress: TransferProgress) -> Int? {
        guard progress.partitionsLeft > 0 else { return 0 }
        guard progress.bytesDone > 0 else { return nil }
        let keys = Double(progress.bytesLeft) * Double(progress.keysDone)
        return Int(exactly: (keys / Double(progress.bytesDone)).rounded())
    }

    /// Nil while nothing moves that should.
    private static func secondsLeft(_ progress: TransferProgress) -> Double? {
        guard progress.bytesPerSecond > 0 else { return nil }
        return Double(progress.bytesLeft) / Double(progress.bytesPerSecond)
    }

    /// Numbers from peers may be anything.
    private static func sum(_ a: Int, _ b: Int) -> Int {
        let (sum, overflow) = a.addingReportingOverflow(max(0, b))
        return overflow ? .max : sum
    }
}

extension TransferWait {
    /// Of every case.
    static let names = ["adoption", "source", "budget", "storage"]

    /// For scripts.
    package var name: String {
        switch self {
        case .adoption: "adoption"
        case .source: "source"
        case .budget: "budget"
        case .storage: "storage"
        case .held: "held"
        }
    }
}
