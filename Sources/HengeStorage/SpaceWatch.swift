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
    private let free = Atomic<Int>(0)
    private let total = Atomic<Int>(0)

    init(_ directory: String) {
        self.directory = directory
        look()
    }

    var isLow: Bool { low.load(ordering: .relaxed) }

    /// Bytes that this process may still write, and all of the file system; zeros when that can't
    /// be told.
    var bytes: (free: Int, total: Int) { (free.value, total.value) }

    /// - Returns: when to look again.
    @discardableResult
    func look() -> Instant {
        var status = statvfs()
        let isKnown = statvfs(directory, &status) == 0
        let (freeBlocks, allBlocks) = (UInt64(status.f_bavail), UInt64(status.f_blocks))
        let blockBytes = UInt64(status.f_frsize)
        // Where that can't be told space isn't low: the next write will say what is wrong.
        let isLow =
            isKnown
            && Self.isLow(freeBlocks: freeBlocks, allBlocks: allBlocks, blockBytes: blockBytes)
        low.store(isLow, ordering: .relaxed)
        free.store(isKnown ? Self.bytes(freeBlocks, of: blockBytes) : 0, ordering: .relaxed)
        total.store(isKnown ? Self.bytes(allBlocks, of: blockBytes) : 0, ordering: .relaxed)
        return Instant.monotonicNow() + Self.period
    }

    private static func bytes(_ blocks: UInt64, of size: UInt64) -> Int {
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: size)
        return overflow ? .max : Int(clamping: bytes)
    }

    /// Counts in blocks, in which no real file system overflows.
    private static func isLow(freeBlocks: UInt64, allBlocks: UInt64, blockBytes: UInt64) -> Bool {
        freeBlocks < min(lowBytes / max(1, blockBytes), allBlocks / 10)
    }
}
