import Foundation
import Glibc
import HengeBase
import HengeMessages
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// A small file system in memory that can really be full.
final class SmallDisk {
    let path: String

    static let isPermitted: Bool = {
        guard let disk = try? SmallDisk(megabytes: 1) else { return false }
        return FileManager.default.fileExists(atPath: disk.path)
    }()

    struct NotPermitted: Error {}

    init(megabytes: Int) throws {
        path = NSTemporaryDirectory() + "henge-disk-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
            rmdir(path)
            throw NotPermitted()
        }
    }

    /// Leaves so many bytes free.
    func fill(leaving free: Int) throws {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw NotPermitted() }
        let length = Int(status.f_bavail) * Int(status.f_frsize) - free
        try Data(count: max(0, length)).write(to: URL(fileURLWithPath: filler))
    }

    func unfill() throws {
        try FileManager.default.removeItem(atPath: filler)
    }

    private var filler: String { path + "/filler" }

    deinit {
        umount2(path, CInt(MNT_DETACH))
        rmdir(path)
    }
}

@Suite(.serialized, .enabled(if: SmallDisk.isPermitted, "needs the right to mount a tmpfs"))
struct DiskFullTests {
    private static let key = TestObjects.key

    /// In each case the disk fills while something else is written: the log alone, or tables too.
    @Test(
        "a full disk fails writes, loses none that was acknowledged, and heals by itself",
        arguments: [
            (8 << 20, EngineKind.rocksDBSync), (128 << 10, .rocksDBSync),
            (128 << 10, .rocksDBInterval),
        ]
    )
    func fullDisk(_ writeBufferBytes: Int, _ kind: EngineKind) throws {
        let disk = try SmallDisk(megabytes: 48)
        var options = RocksDBEngine.Options(directory: disk.path + "/n1", partitionBits: 6)
        options.writeBufferBytes = writeBufferBytes
        options.blockCacheBytes = 256 << 10
        if kind == .rocksDBInterval { options.durability = .interval(.milliseconds(20)) }
        let store = try RocksDBUnderTest(options)
        defer { store.shutDown() }
        try disk.fill(leaving: 4 << 20)

        var random = SeededGenerator(seed: 3)
        var stored: [(StoredKey, ByteBuffer)] = []
        var failure: StorageFailure?
        while failure == nil, stored.count < 10_000 {
            let record = (
                Self.key("k\(stored.count)", "default"),
                TestObjects.object(TestObjects.noise(4_096, &random))
            )
            failure = store.persist(record.0, record.1)
            if failure == nil { stored.append(record) }
        }
        #expect(failure == .noSpace)
        #expect(stored.count > 100)
        #expect(store.engine.metrics.failuresNoSpace >= 1)

        // Reads go on, writes go on failing, and nothing that failed overwrites what was there. But
        // a compaction that ends late may free what the write needs, and then it is carried out.
        let first = stored[0]
        let other = TestObjects.object("refused", counter: 2)
        let refused = store.persist(first.0, other)
        #expect(refused == .noSpace || refused == nil)
        if refused == nil { stored[0].1 = other }
        expectAll(stored, in: store)

        try disk.unfill()
        let deadline = Date(timeIntervalSinceNow: 30)
        var attempts = 0
        while store.persist(Self.key("after", "default"), TestObjects.object("v")) != nil {
            attempts += 1
            usleep(20_000)
            guard Date() < deadline else {
                Issue.record("no recovery after \(attempts) attempts")
                return
            }
        }
        expectAll(Array(stored.dropFirst()), in: store)
        // The refused write may have taken effect, as its error says.
        let firstNow = try store.load(first.0).get()
        #expect(refused != nil && firstNow == first.1 || firstNow == other)

        _ = try store.restartAfterKill()
        expectAll(Array(stored.dropFirst()), in: store)
        #expect(store.load(Self.key("after", "default")) == .success(TestObjects.object("v")))
    }

    @Test("a directory on a full disk is refused with the reason")
    func openingOnFullDisk() throws {
        let disk = try SmallDisk(megabytes: 8)
        try disk.fill(leaving: 0)
        let options = RocksDBEngine.Options(directory: disk.path + "/n1", partitionBits: 6)
        let error = #expect(throws: StoreOpenError.self) { try RocksDBUnderTest.open(options) }
        let text = try #require(error).description
        #expect(text.contains("No space left"), "\(text)")
    }

    private func expectAll(_ stored: [(StoredKey, ByteBuffer)], in store: RocksDBUnderTest) {
        for (key, object) in stored {
            let result = store.load(key)
            if result != .success(object) {
                Issue.record("\(key) is \(result)")
                return
            }
        }
    }
}
