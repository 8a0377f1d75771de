import HengeBase

package import struct NIOCore.ByteBuffer

/// Which process of a node something is of: the number of its start in the high 40 bits, chance in
/// the low 24, so that two starts from copies of one directory differ although their numbers may
/// not.
package enum Life {
    private static let chanceBits: UInt64 = 24

    /// - Parameter chance: only its low bits count.
    package static func make(start: UInt64, chance: UInt64) -> UInt64 {
        start << chanceBits | (chance & ((1 << chanceBits) - 1))
    }

    package static func start(of life: UInt64) -> UInt64 { life >> chanceBits }
}

/// The lives of the other members that this node has met: of each the present one, and the highest
/// of all others.
///
/// It is durable before anything that comes from a life it names, so whoever lost what a node was
/// told by a later life of it still learns that there was one. Members are named by their numbers
/// in a ``MemberIndex``.
package struct LifeLedger: Sendable {
    private static let format: UInt8 = 1

    private struct Entry {
        var present: UInt64 = 0
        var highestOther: UInt64 = 0
    }

    private var members: MemberIndex
    private var entries: [Entry]

    /// - Parameter saved: what ``encoded()`` gave; nil, or anything else, when nobody was met yet.
    package init(members: MemberIndex, saved: ByteBuffer?) {
        self.members = members
        entries = Array(repeating: Entry(), count: members.count)
        if let saved { load(saved) }
    }

    /// The cluster has other members from now on. Those that have left are forgotten: their ids
    /// never come back.
    package mutating func move(to newer: MemberIndex) {
        entries = newer.carry(entries, from: members, fresh: Entry())
        members = newer
    }

    /// The highest life of a member that was met, other than its present one; 0 for none.
    package func highestOther(of member: Int) -> UInt64 { entries[member].highestOther }

    /// The life of a member that was met last; 0 for none.
    package func present(of member: Int) -> UInt64 { entries[member].present }

    /// Returns whether the ledger has changed, and so must be saved.
    package mutating func met(_ life: UInt64, of member: Int) -> Bool {
        let before = entries[member]
        guard life != before.present else { return false }
        // One of a pair that takes turns is no other life of itself.
        let other = before.highestOther == life ? 0 : before.highestOther
        entries[member] = Entry(present: life, highestOther: max(other, before.present))
        return true
    }

    /// Adds what another shard of this node has met, of the same members.
    package mutating func merge(_ other: LifeLedger) {
        for (member, theirs) in other.entries.enumerated() {
            let own = entries[member]
            let present = own.present > 0 ? own.present : theirs.present
            let others = [own.highestOther, theirs.present, theirs.highestOther]
            let highest = others.filter { $0 != present }.max() ?? 0
            entries[member] = Entry(present: present, highestOther: highest)
        }
    }

    package func encoded() -> ByteBuffer {
        var out = ByteBuffer()
        out.reserveCapacity(1 + entries.count * 18)
        out.writeInteger(Self.format)
        for (member, entry) in entries.enumerated() where entry.present > 0 {
            out.writeInteger(members.ids[member].rawValue)
            out.writeInteger(entry.present)
            out.writeInteger(entry.highestOther)
        }
        return out
    }

    /// What can't be read counts as never met; members that have left the cluster are forgotten.
    private mutating func load(_ saved: ByteBuffer) {
        var saved = saved
        guard saved.readInteger(as: UInt8.self) == Self.format else { return }
        while let node = saved.readInteger(as: UInt16.self),
            let present = saved.readInteger(as: UInt64.self),
            let other = saved.readInteger(as: UInt64.self)
        {
            guard let member = members[NodeID(node)] else { continue }
            entries[member] = Entry(present: present, highestOther: other)
        }
    }
}

/// Finds out whether this node's data is the newest that it ever had, by asking everyone which
/// other lives of it they have met.
///
/// A directory that was put back from a copy starts with a number that a later process already had.
/// That process told others of writes that this directory knows nothing of, under actors that it
/// does know: to go on with those would mint dots twice.
package struct CopyCheck: Sendable {
    private let ownStart: UInt64
    private var hasAnswered: [Bool]
    private var missing: Int
    /// Whether the data is the newest: nil while not everyone has answered.
    package private(set) var verdict: Bool?

    /// - Parameter own: this node's number of `members`.
    package init(life: UInt64, own: Int, members: Int) {
        ownStart = Life.start(of: life)
        hasAnswered = Array(repeating: false, count: members)
        hasAnswered[own] = true
        missing = members - 1
        verdict = missing == 0 ? true : nil
    }

    /// The connection to a member is gone. It may come back with more memory than it had, from a
    /// copy of its own, so it is asked again.
    package mutating func disconnected(_ member: Int) {
        guard hasAnswered[member] else { return }
        hasAnswered[member] = false
        missing += 1
    }

    /// The cluster has other members from now on. While there is no verdict, new ones are asked
    /// like the others: this node may be a copy from before they were added. Those that have left
    /// are not waited for any more.
    ///
    /// - Returns: the verdict when it has just been reached.
    package mutating func move(from old: MemberIndex, to newer: MemberIndex) -> Bool? {
        hasAnswered = newer.carry(hasAnswered, from: old, fresh: false)
        missing = hasAnswered.count { !$0 }
        guard missing == 0, verdict == nil else { return nil }
        verdict = true
        return true
    }

    /// A member tells the highest other life of this node that it has met.
    ///
    /// - Returns: the verdict when it has just been reached or has changed. Only to the worse:
    ///   an old copy stays one.
    package mutating func answered(_ member: Int, otherLife: UInt64) -> Bool? {
        if !hasAnswered[member] {
            hasAnswered[member] = true
            missing -= 1
        }
        let before = verdict
        if otherLife > 0, Life.start(of: otherLife) >= ownStart {
            verdict = false
        } else if missing == 0, verdict == nil {
            verdict = true
        }
        return verdict == before ? nil : verdict
    }
}
