package import HengeBase

/// Going on without members that are gone for good, when so many are that the others can't decide
/// on rings any more: docs/decisions/0020.
extension RingDocument {
    /// The epoch of each unsafe recovery is a multiple of this, and above all epochs before it. So
    /// no majority of the members before it ever decides on an epoch of those that follow.
    package static let recoveryStride: UInt64 = 1 << 32
    /// How many there can be.
    static let recoveriesMax = 1 << 12

    /// The document in which these nodes are members no more. Nothing moves by it: lists become
    /// shorter, and where nobody is left they name others, which begin with nothing. A change that
    /// was running goes on if both of its rings have nodes left.
    ///
    /// - Parameters:
    ///   - gone: members of the current ring or of the next, at least one, in any order.
    ///   - attempts: unsafe recoveries that somebody may have agreed to, which this one replaces.
    package func recovering(
        without gone: [NodeID],
        after attempts: [RecoveryMark] = []
    ) throws(RingChangeFault) -> RingDocument {
        let last = max(epoch, attempts.map(\.epoch).max() ?? 0)
        guard last < .max - Self.recoveryStride else { throw .epochsExhausted }
        let next = (last / Self.recoveryStride + 1) * Self.recoveryStride
        let earlier = recoveries + attempts.map(\.id)
        return try recovering(without: Set(gone), epoch: next, earlier: earlier)
    }

    /// Why this document is not one that an unsafe recovery makes of `previous`; nil when it is.
    package func recoveryFault(of previous: RingDocument) -> RingChangeFault? {
        guard epoch > previous.epoch, epoch.isMultiple(of: Self.recoveryStride),
            recoveries.count > previous.recoveries.count,
            recoveries.starts(with: previous.recoveries)
        else { return .recovery }
        let before = Set(previous.allLost.map(\.id))
        let gone = Set(allLost.map(\.id)).subtracting(before)
        do throws(RingChangeFault) {
            let expected = try previous.recovering(
                without: gone,
                epoch: epoch,
                earlier: recoveries.dropLast()
            )
            return self == expected ? nil : .recovery
        } catch {
            return error
        }
    }

    /// Of an unsafe recovery's own document.
    package var recoveryMark: RecoveryMark? {
        guard epoch.isMultiple(of: Self.recoveryStride), let id = recoveries.last else {
            return nil
        }
        return RecoveryMark(epoch: epoch, id: id)
    }

    /// Whether one of the two comes from the other, as far as unsafe recoveries tell: if not, two
    /// parts of the cluster have gone on without each other.
    package func isRelated(to other: RingDocument) -> Bool {
        let (a, b) = (recoveries, other.recoveries)
        return a.count < b.count ? a.allSatisfy(b.contains) : b.allSatisfy(a.contains)
    }

    /// The members that have to agree: all that are left, those of the next ring among them.
    package func survivors(without gone: [NodeID]) -> [NodeID] {
        allMembers.map(\.id).filter { !gone.contains($0) }
    }

    private func recovering(
        without gone: Set<NodeID>,
        epoch next: UInt64,
        earlier: some Collection<UInt64>
    ) throws(RingChangeFault) -> RingDocument {
        let leaving = allMembers.filter { gone.contains($0.id) }
        let known = Set(leaving.map(\.id))
        if let stranger = gone.subtracting(known).min() { throw .unknownMember(stranger) }
        guard !leaving.isEmpty else { throw .nothingChanged }
        guard earlier.count < Self.recoveriesMax else { throw .epochsExhausted }
        var document = self
        document.epoch = next
        document.lost = (lost + leaving).sorted { $0.id < $1.id }
        document.members.removeAll { gone.contains($0.id) }
        if let target = transition {
            let lost = target.lost + target.members.filter { gone.contains($0.id) }
            document.transition?.lost = lost.sorted { $0.id < $1.id }
            document.transition?.members.removeAll { gone.contains($0.id) }
            document.transition?.abandoned.removeAll { gone.contains($0) }
        }
        // Whatever anybody asks for by a ring before this one is to be refused.
        document.changedAt = Array(repeating: next, count: owners.count)
        document.recoveries = earlier + [Self.recoveryID(clusterID, epoch, next, earlier, leaving)]
        try document.adjustTransition()
        do { try document.validate() } catch { throw .invalid(error) }
        return document
    }

    /// Keeps of a change that was running what there is somebody left for.
    private mutating func adjustTransition() throws(RingChangeFault) {
        guard let target = transition else {
            guard Self.hasOwner(owners, members) else { throw .nobodyLeft }
            return
        }
        let hasCurrent = Self.hasOwner(owners, members)
        guard Self.hasOwner(target.owners, target.members) else {
            guard hasCurrent else { throw .nobodyLeft }
            transition = nil
            return
        }
        guard hasCurrent else {
            members = target.members
            owners = target.owners
            let indexes = MemberIndexes(target.lost)
            lost = lost.map { member in indexes[member.id].map { target.lost[$0] } ?? member }
            transition = nil
            return
        }
        let (current, next) = (lists, lists(of: target))
        for (partition, step) in target.steps.enumerated() {
            transition?.steps[partition] = Self.step(step, of: partition, current, next)
        }
    }

    /// Which step a partition goes on from.
    private static func step(
        _ step: PartitionStep,
        of partition: Int,
        _ current: PreferenceLists,
        _ next: PreferenceLists
    ) -> PartitionStep {
        if current.namesSameNodes(as: next, partition: partition) { return .next }
        let (hasCurrent, hasNext) = (!current.isEmptied(partition), !next.isEmptied(partition))
        switch step {
        case .current: return .current
        case .writeBoth:
            // The next ones have at least what was written of late.
            return !hasCurrent && hasNext ? .next : .writeBoth
        case .readNext:
            // Both had all of it. What is left of both comes together when it is transferred anew.
            return hasCurrent && next.hasLost(partition) ? .writeBoth : .readNext
        case .next:
            // The former ones may not have dropped it yet.
            return hasCurrent && !hasNext ? .writeBoth : .next
        }
    }

    private static func hasOwner(_ owners: [NodeID], _ members: [Member]) -> Bool {
        let indexes = MemberIndexes(members)
        return owners.contains { indexes[$0] != nil }
    }

    /// Depends on who is lost, so that two halves of a cluster that give each other up have others.
    private static func recoveryID(
        _ clusterID: UInt64,
        _ base: UInt64,
        _ epoch: UInt64,
        _ earlier: some Collection<UInt64>,
        _ lost: [Member]
    ) -> UInt64 {
        var bytes: [UInt8] = []
        bytes.appendInteger(clusterID)
        bytes.appendInteger(base)
        bytes.appendInteger(epoch)
        for id in earlier { bytes.appendInteger(id) }
        for member in lost { bytes.appendInteger(member.id.rawValue) }
        return bytes.withUnsafeBytes { XXH3.hash64($0) }
    }
}

/// Names one unsafe recovery.
package struct RecoveryMark: Hashable, Sendable {
    package let epoch: UInt64
    package let id: UInt64

    package init(epoch: UInt64, id: UInt64) {
        self.epoch = epoch
        self.id = id
    }
}
