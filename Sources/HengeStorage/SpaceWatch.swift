import Glibc
import HengeBase
import Synchronization

/// Whether the file system of the data directory is nearly full, looked up by the writer's thread
/// about once a second: the look may wait for the disk, which the event loop must not.
final class SpaceWatch: Sendable {
    private static let period = Interval.seconds(1)
    /// Free bytes below which space is low; on a small file system a tenth of it.
    private static let lowBytes: UInt64 = 1 << 30

    private let directory: String
    private let low = Atomic<Bool>(false)

    init(_ directory: String) {
        self.directory = directory
        look()
    }

    var isLow: Bool { low.load(ordering: .relaxed) }

    /// - Returns: when to look again.
    @discardableResult
    func look() -> Instant {
        var status = statvfs()
        // Where that can't be told space isn't low: the next write will say what is wrong.
        let isLow =
            statvfs(directory, &status) == 0
            && Self.isLow(
                freeBlocks: UInt64(status.f_bavail),
                allBlocks: UInt64(status.f_blocks),
                blockBytes: UInt64(status.f_frsize)
            )
        low.store(isLow, ordering: .relaxed)
        return Instant.monotonicNow() + Self.period
    }

    /// Counts in blocks, in which no real file system overflows.
    private static func isLow(freeBlocks: UInt64, allBlocks: UInt64, blockBytes: UInt64) -> Bool {
        freeBlocks < min(lowBytes / max(1, blockBytes), allBlocks / 10)
    }
}
