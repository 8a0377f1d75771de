package import HengeBase
package import HengeMessages

/// The hints for one node that were kept at some time, of which ``HintLedger/left(of:)`` tells how
/// many still are. Those that come later do not count.
package struct HintMark: Hashable, Sendable {
    package let target: NodeID
    /// The sequence of the last of them.
    package private(set) var through: UInt64
    private(set) var count: Int
    let goneBefore: Int

    init(target: NodeID, through: UInt64, count: Int, goneBefore: Int) {
        self.target = target
        self.through = through
        self.count = count
        self.goneBefore = goneBefore
    }

    /// A hint has come to the end of its queue. One of the mark's stays so.
    package mutating func moved(_ hint: Hint, to moved: Hint) {
        guard hint.target == target, hint.sequence <= through else { return }
        through = max(through, moved.sequence)
        count += 1
    }

    /// Has all that is kept at a later mark of the same target count, too.
    package mutating func extend(to later: HintMark) {
        guard later.target == target, later.through > through else { return }
        through = later.through
        count = later.count + later.goneBefore - goneBefore
    }
}
