package import HengeBase

/// Which replicas a request waits for: how many, and whether others may stand in for those that are
/// down.
///
/// What a request says of itself counts; else what its connection has said; else what its bucket is
/// set to. A level that is named without `SLOPPY` is strict.
package struct RequestConsistency: Hashable, Sendable {
    package var levels: ConsistencyLevels
    package var isSloppy: Bool

    package init(levels: ConsistencyLevels, isSloppy: Bool) {
        self.levels = levels
        self.isSloppy = isSloppy
    }

    /// The same level for reads and writes.
    package init(_ level: Consistency, isSloppy: Bool) {
        self.init(levels: ConsistencyLevels(read: level, write: level), isSloppy: isSloppy)
    }
}
