package import HengeBase
package import HengeCausality
package import HengeMessages

/// What this node and the other home replicas have taken in of each partition, and what follows
/// from it: which writes all of them have.
///
/// The known clock of a home replica covers a dot when that replica has taken in every write of
/// its actor up to there that any home replica has stored durably. The other replicas tell theirs,
/// and each is remembered as long as the connection lasts. The watermark covers what all of these
/// cover, or have covered: what is in it every home replica has, or had and lost.
package struct KnownClocks: Sendable {
    /// One partition that this node is a home replica of.
    fileprivate struct Row: Sendable {
        /// The other home replicas.
        private(set) var others: [NodeID]
        /// The last clock that each of `others` has told.
        var told: [VersionVector]
        var known = VersionVector()
        var watermark: VersionVector
        /// Which of `others` are still to be told of `known`, as bits.
        var untold: UInt64 = 0
        /// Of one where this node is no home replica nothing else is looked at.
        let isHome: Bool

        static let elsewhere = Row()

        private init() {
            others = []
            told = []
            watermark = VersionVector()
            isHome = false
        }

        init(others: [NodeID], watermark: VersionVector) {
            self.others = others
            told = Array(repeating: VersionVector(), count: others.count)
            isHome = true
            self.watermark = watermark
            // It was saved after all that it covers. Nobody else can claim the writes of actors
            // that are out of use once more.
            known = watermark
            untold = watermark.isEmpty ? 0 : 1 << UInt64(others.count) - 1
        }

        mutating func rehome(_ others: [NodeID]) {
            let before = self
            self.others = others
            told = others.map { other in
                before.others.firstIndex(of: other).map { before.told[$0] } ?? VersionVector()
            }
            untold = known.isEmpty ? 0 : 1 << UInt64(others.count) - 1
            raiseWatermark()
        }
    }

    /// By partition. No optionals: reading one field of such an element copied all of it (6.3), and
    /// each write reads one.
    private var rows: [Row]
    /// Who has been told all clocks on this connection, and has missed none of that as far as this
    /// node knows: the next pass tells these only what has changed.
    private var informed: Set<NodeID> = []
    /// Who has told all of its clocks, as far as this node knows.
    private var informants: Set<NodeID> = []

    /// - Parameters:
    ///   - homes: all home replicas of each partition that this node is one of, at most 64; empty
    ///     for the others.
    ///   - watermarks: those last saved, one a partition; empty when there are none.
    package init(node: NodeID, homes: [[NodeID]], watermarks: [VersionVector]) {
        invariant(watermarks.isEmpty || watermarks.count == homes.count)
        rows = homes.indices.map { partition in
            guard !homes[partition].isEmpty else { return .elsewhere }
            let others = homes[partition].filter { $0 != node }
            invariant(others.count == homes[partition].count - 1 && others.count < 64)
            let saved = watermarks.isEmpty ? VersionVector() : watermarks[partition]
            return Row(others: others, watermark: saved)
        }
    }

    /// The ring has changed, and with it the home replicas of a partition.
    ///
    /// What a new one has taken in is nothing before it has told; what has left counts no more. So
    /// the watermark stays where it was until the new ones have told, and may rise without those
    /// that have left.
    ///
    /// - Parameter homes: as for the initializer; empty where this node is none any more.
    package mutating func rehome(_ partition: Int, node: NodeID, homes: [NodeID]) {
        let others = homes.filter { $0 != node }
        invariant(homes.isEmpty || others.count == homes.count - 1 && others.count < 64)
        if homes.isEmpty {
            rows[partition] = .elsewhere
        } else if !isHome(partition) {
            rows[partition] = Row(others: others, watermark: VersionVector())
        } else {
            rows[partition].rehome(others)
        }
    }

    /// Every write of the dot's actor up to it is durable here. Allocates nothing as a rule.
    package mutating func claim(_ dot: Dot, partition: Int) {
        if isHome(partition) { rows[partition].claim(dot) }
    }

    package mutating func join(_ clock: VersionVector, partition: Int) {
        if isHome(partition) { rows[partition].join(clock) }
    }

    /// This node's known clock; empty where it is no home replica.
    package func clock(of partition: Int) -> VersionVector {
        rows[partition].known
    }

    /// Whether this node is a home replica of the partition.
    package func isHome(_ partition: Int) -> Bool { rows[partition].isHome }

    /// The partition's other home replicas; none where this node is no home replica.
    package func others(of partition: Int) -> [NodeID] { rows[partition].others }

    /// The last clock that a peer told on this connection; empty when it has told none.
    package func told(by peer: NodeID, partition: Int) -> VersionVector {
        guard let index = rows[partition].others.firstIndex(of: peer) else {
            return VersionVector()
        }
        return rows[partition].told[index]
    }

    /// Takes in what a peer told. Each clock replaces the peer's last one; those of partitions that
    /// the two don't share are ignored.
    package mutating func received(_ clocks: [PartitionClock], from peer: NodeID) {
        for clock in clocks where rows.indices.contains(clock.partition) {
            rows[clock.partition].received(clock.clock, from: peer)
        }
    }

    /// Takes in what a peer told at the begin of a pass.
    package mutating func received(_ told: ToldClocks, from peer: NodeID) {
        received(told.clocks, from: peer)
        if told.isAll { informants.insert(peer) }
        if told.wantsAll { tellAll(to: peer) }
    }

    /// What to tell a peer at the begin of a pass.
    package mutating func news(for peer: NodeID) -> ToldClocks {
        let isAll = informed.insert(peer).inserted
        return ToldClocks(
            changes(for: peer),
            isAll: isAll,
            wantsAll: !informants.contains(peer)
        )
    }

    /// What a peer is still to be told of some partitions. It will be told once more: nobody
    /// answers where this goes.
    package func untold(to peer: NodeID, of partitions: [Int]) -> [PartitionClock] {
        partitions.compactMap { partition in
            rows[partition].untold(to: peer).map {
                PartitionClock(partition: partition, clock: $0)
            }
        }
    }

    /// Says nothing to a peer but whether it is to tell all of its clocks.
    package func noNews(for peer: NodeID) -> ToldClocks {
        ToldClocks([], wantsAll: !informants.contains(peer))
    }

    /// A message to or from the peer may not have been taken in: all will be told anew.
    package mutating func mayHaveMissed(_ peer: NodeID) {
        informants.remove(peer)
        tellAll(to: peer)
    }

    /// Forgets what the peer told, and that it was told anything.
    package mutating func disconnected(_ peer: NodeID) {
        for partition in rows.indices { rows[partition].forget(peer) }
        mayHaveMissed(peer)
    }

    private mutating func tellAll(to peer: NodeID) {
        informed.remove(peer)
        for partition in rows.indices { rows[partition].tell(peer) }
    }

    /// A comparison with `peer` has made the two replicas equal.
    ///
    /// - Parameter theirs: the clock that the peer had told when it began.
    package mutating func agreed(partition: Int, with peer: NodeID, theirs: VersionVector) {
        guard rows[partition].others.contains(peer) else { return }
        join(theirs, partition: partition)
    }

    /// This replica has lost a write that it had taken in, so it can't say any more what it has.
    /// The empty watermark must be saved.
    package mutating func lost(partition: Int) {
        if isHome(partition) { rows[partition].lost() }
    }

    /// What all home replicas have taken in. It rises only, but for ``lost(partition:)``; empty
    /// where this node is no home replica. Always up to date, and costs nothing.
    package func watermark(of partition: Int) -> VersionVector {
        rows[partition].watermark
    }

    /// The clocks of all partitions shared with `peer` that have changed since they were last
    /// handed out for it on this connection, in order of partition.
    package mutating func changes(for peer: NodeID) -> [PartitionClock] {
        var changes: [PartitionClock] = []
        for partition in rows.indices {
            guard let clock = rows[partition].handOut(to: peer) else { continue }
            changes.append(PartitionClock(partition: partition, clock: clock))
        }
        return changes
    }
}

extension KnownClocks.Row {
    private var everyone: UInt64 { 1 << UInt64(others.count) - 1 }

    /// Raises the watermark by this actor alone: far cheaper than ``raiseWatermark()``, which
    /// matters as each write comes here.
    mutating func claim(_ dot: Dot) {
        let before = known.counter(of: dot.actor)
        guard dot.counter > before else { return }
        known.record(dot)
        untold = everyone
        let common = told.reduce(dot.counter) { min($0, $1.counter(of: dot.actor)) }
        guard common > before else { return }
        watermark.record(Dot(actor: dot.actor, counter: common))
    }

    mutating func join(_ clock: VersionVector) {
        guard !known.descends(from: clock) else { return }
        known.join(clock)
        untold = everyone
        raiseWatermark()
    }

    mutating func received(_ clock: VersionVector, from peer: NodeID) {
        guard let index = others.firstIndex(of: peer), told[index] != clock else { return }
        told[index] = clock
        raiseWatermark()
    }

    mutating func forget(_ peer: NodeID) {
        guard let index = others.firstIndex(of: peer) else { return }
        told[index] = VersionVector()
    }

    mutating func tell(_ peer: NodeID) {
        guard let index = others.firstIndex(of: peer) else { return }
        untold |= 1 << UInt64(index)
    }

    mutating func lost() {
        known = VersionVector()
        watermark = VersionVector()
        untold = everyone
    }

    /// The known clock if the peer is still to be told of it.
    func untold(to peer: NodeID) -> VersionVector? {
        guard untold != 0, let index = others.firstIndex(of: peer) else { return nil }
        return untold & 1 << UInt64(index) == 0 ? nil : known
    }

    /// As ``untold(to:)``, once.
    mutating func handOut(to peer: NodeID) -> VersionVector? {
        guard let clock = untold(to: peer), let index = others.firstIndex(of: peer) else {
            return nil
        }
        untold &= ~(1 << UInt64(index))
        return clock
    }

    mutating func raiseWatermark() {
        // Most often one of them is empty, so nothing is common.
        guard !known.isEmpty, told.allSatisfy({ !$0.isEmpty }) else { return }
        watermark.join(told.reduce(known) { VersionVector.minimum($0, $1) })
    }
}
