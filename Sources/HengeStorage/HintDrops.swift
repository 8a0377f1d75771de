import HengeBase
import HengeMessages

/// Chooses the ranges by which hints are removed.
///
/// Each range begins where the last one of the target ended. Ranges that all began at zero would be
/// nested, and RocksDB would take them apart into as many pieces as the square of their number, at
/// the next read of a stand-in's record (`FragmentedRangeTombstoneList`).
struct HintDrops {
    /// After so many ranges the memtable is written out: a read takes apart those of a memtable
    /// again after each change, those of a table file once.
    private static let rangesMax = 256

    private var last: [NodeID: UInt64] = [:]
    private var ranges = 0

    /// The first sequence of the next range, which is never above `through`.
    mutating func start(_ target: NodeID, through: UInt64) -> UInt64 {
        ranges += 1
        let dropped = last[target]
        last[target] = max(through, dropped ?? 0)
        guard let dropped else { return 0 }
        return through > dropped ? dropped + 1 : through
    }

    /// Must be told of each hint that is written: one below a range that was removed makes the next
    /// range begin at zero.
    mutating func wrote(_ hint: Hint) {
        guard !last.isEmpty, let dropped = last[hint.target], hint.sequence <= dropped else {
            return
        }
        last[hint.target] = nil
    }

    /// Nobody knows what was removed.
    mutating func failed() {
        last = [:]
    }

    /// Whether to write the memtable out now; then the count begins anew.
    mutating func takeFlush() -> Bool {
        guard ranges >= Self.rangesMax else { return false }
        ranges = 0
        return true
    }
}
