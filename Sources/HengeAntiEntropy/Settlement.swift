package import HengeBase
package import HengeCausality

/// How a home replica comes to claim the writes of actors that nobody uses any more, or that only
/// stood in for others, in one partition.
///
/// Nobody claims the writes of such actors, so none of them would ever be purged. First every other
/// member says that it holds no record in the place of another: from then on what there is of those
/// writes is at home replicas. Then a comparison with each other home replica, begun later, brings
/// all of it here.
package struct Settlement: Sendable {
    /// The greatest counters seen here of the actors in question.
    package let clock: VersionVector
    private let members: [NodeID]
    private let homes: [NodeID]
    /// In the order of `members`.
    private var answered: [Bool]
    /// When the last of the members had said no; nil before.
    private var clearedAt: Instant?
    /// In the order of `homes`.
    private var compared: [Bool]

    /// - Parameters:
    ///   - members: all others, each to be asked whether it holds a record in another's place.
    ///   - homes: the partition's other home replicas.
    package init(clock: VersionVector, members: [NodeID], homes: [NodeID], now: Instant) {
        self.clock = clock
        self.members = members
        self.homes = homes
        answered = Array(repeating: false, count: members.count)
        compared = Array(repeating: false, count: homes.count)
        clearedAt = members.isEmpty ? now : nil
    }

    /// Who has not answered yet, in the order of `members`.
    package var unanswered: [NodeID] {
        members.indices.filter { !answered[$0] }.map { members[$0] }
    }

    /// What may be joined into the known clock, once all is done.
    package var settled: VersionVector? {
        clearedAt != nil && compared.allSatisfy { $0 } ? clock : nil
    }

    /// An answer to a question that was asked after this settlement had begun, or begun anew.
    package mutating func heldAnswered(from member: NodeID, holds: Bool, now: Instant) {
        guard clearedAt == nil, let index = members.firstIndex(of: member) else { return }
        guard !holds else {
            restart()
            return
        }
        answered[index] = true
        if answered.allSatisfy({ $0 }) { clearedAt = now }
    }

    /// A member that hasn't answered can't be waited for: all are to be asked again.
    package mutating func disconnected(_ member: NodeID) {
        guard let index = members.firstIndex(of: member), !answered[index] else { return }
        restart()
    }

    /// A comparison that this node asked for has been agreed on. One that the other node asked for
    /// does not count: its root may be older than the members' answers.
    package mutating func agreed(with home: NodeID, begun: Instant) {
        guard let clearedAt, begun > clearedAt, let index = homes.firstIndex(of: home) else {
            return
        }
        compared[index] = true
    }

    private mutating func restart() {
        for index in answered.indices { answered[index] = false }
    }
}
