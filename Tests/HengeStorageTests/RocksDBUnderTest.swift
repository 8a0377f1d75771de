import Foundation
import HengeMessages
import HengeStorage
import Logging

import struct NIOCore.ByteBuffer

/// Gathers what an engine delivers from its threads.
///
/// `@unchecked Sendable`: `answers` and `batchSizes` are touched only with `condition` locked.
final class Collector: @unchecked Sendable {
    private let condition = NSCondition()
    private var answers: [StorageCompletion] = []
    private var batchSizes: [Int] = []

    func add(_ completions: [StorageCompletion]) {
        condition.withLock {
            answers += completions
            batchSizes.append(completions.count)
            condition.broadcast()
        }
    }

    /// Waits for `count` answers, at most 30 s, and takes them.
    func take(_ count: Int) -> [StorageCompletion] {
        let deadline = Date(timeIntervalSinceNow: 30)
        return condition.withLock {
            while answers.count < count, condition.wait(until: deadline) {}
            defer { answers = [] }
            return answers
        }
    }

    /// How many answers each call of `deliver` brought.
    var deliveries: [Int] { condition.withLock { batchSizes } }
}

/// A directory that goes away with the test. In memory where the system has that: an fsync takes
/// from 0.1 to 10 ms on a shared machine.
final class TestDirectory {
    let path: String

    init() {
        let shared = "/dev/shm"
        let root =
            FileManager.default.isWritableFile(atPath: shared) ? shared : NSTemporaryDirectory()
        path = root + "/henge-storage-\(UUID().uuidString)"
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

final class RocksDBUnderTest: StoreUnderTest {
    static let identity = StoreIdentity(clusterID: 0xC1, nodeName: "n1")
    let directory: TestDirectory
    private(set) var options: RocksDBEngine.Options
    private(set) var engine: RocksDBEngine
    private var collector: Collector
    private var awaited = 0
    private var answers: [StorageCompletion] = []

    init(
        in directory: TestDirectory = TestDirectory(),
        _ configure: (inout RocksDBEngine.Options) -> Void
    ) throws(StoreOpenError) {
        self.directory = directory
        // Small buffers, so that a test reaches what a node reaches with millions of keys.
        var options = RocksDBEngine.Options(directory: directory.path + "/a/b", partitionBits: 6)
        options.writeBufferBytes = 256 << 10
        options.blockCacheBytes = 256 << 10
        options.recordCacheBytes = 32 << 10
        configure(&options)
        self.options = options
        (engine, collector) = try Self.open(options)
    }

    init(_ options: RocksDBEngine.Options) throws(StoreOpenError) {
        directory = TestDirectory()
        self.options = options
        (engine, collector) = try Self.open(options)
    }

    static func open(
        _ options: RocksDBEngine.Options,
        identity: StoreIdentity = identity
    ) throws(StoreOpenError) -> (RocksDBEngine, Collector) {
        let collector = Collector()
        let engine = try RocksDBEngine.open(
            options,
            identity: identity,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            deliver: { collector.add($0) }
        )
        return (engine, collector)
    }

    var deliveries: [Int] { collector.deliveries }

    func send(_ request: StorageRequest) {
        switch request {
        case .load(let key, let token):
            switch engine.load(key, token: token) {
            case .done(let result): answers.append(.loaded(token, result))
            case .pending: awaited += 1
            }
        case .loadVersion(let key, let token):
            if let answer = engine.loadVersion(key, token: token) {
                answers.append(answer)
            } else {
                awaited += 1
            }
        case .persist(let key, let object, let hints, let token):
            awaited += 1
            engine.persist(key, object, hints: hints, token: token)
        case .scan(let range, let token):
            awaited += 1
            engine.scan(range, token: token)
        case .remove(let key, let token):
            awaited += 1
            engine.remove(key, token: token)
        case .keepHints(let hints, let token):
            awaited += 1
            engine.keepHints(hints, token: token)
        case .loadHints(let target, let after, let limit, let token):
            awaited += 1
            engine.loadHints(target, after: after, limit: limit, token: token)
        case .dropHints(let target, let through, let token):
            awaited += 1
            engine.dropHints(target, through: through, token: token)
        case .list(let range, let token):
            awaited += 1
            engine.list(range, token: token)
        case .saveWatermark(let partition, let bytes, let token):
            awaited += 1
            engine.saveWatermark(partition: partition, bytes, token: token)
        case .saveTransfer(let partition, let bytes, let token):
            awaited += 1
            engine.saveTransfer(partition: partition, bytes, token: token)
        case .dropPartition(let partition, let tokens, let token):
            awaited += 1
            engine.dropPartition(partition, tokens: tokens, token: token)
        }
    }

    func endTurn() { engine.endTurn() }

    func settle() -> [StorageCompletion] {
        defer { answers = [] }
        defer { awaited = 0 }
        let delivered = collector.take(awaited)
        engine.noteCompleted(delivered)
        return answers + delivered
    }

    func tally(partitionBits: Int) -> StorageTally? { tally() }

    func tally() -> StorageTally? {
        let box = Box<Result<StorageTally, StorageFailure>>()
        engine.tally(done: { box.put($0) })
        return try? box.wait().get()
    }

    func saveRing(_ bytes: ByteBuffer) throws { try engine.saveRing(bytes) }
    var storedRing: ByteBuffer? { engine.storedRing }
    func saveLives(_ bytes: ByteBuffer) { engine.saveLives(bytes) }
    var storedLives: ByteBuffer? { engine.storedLives }
    var startNumber: UInt64 { engine.startNumber }
    var hintBacklogs: [HintBacklog] { engine.hintBacklogs }
    var transfers: [Int: ByteBuffer] {
        Dictionary(uniqueKeysWithValues: engine.transfers.map { ($0.partition, $0.bytes) })
    }
    var watermarks: [Int: ByteBuffer] {
        Dictionary(uniqueKeysWithValues: engine.watermarks.map { ($0.partition, $0.bytes) })
    }

    func restartCleanly(state: ByteBuffer) throws -> ByteBuffer? {
        try restartCleanly(state: state, isEmpty: false)
    }

    func restartCleanly(state: ByteBuffer, isEmpty: Bool) throws -> ByteBuffer? {
        engine.closeClean(state: state, isEmpty: isEmpty)
        (engine, collector) = try Self.open(options)
        return engine.previousCleanState
    }

    /// Goes on from a copy of the files as they are with the engine running: what a killed process
    /// leaves.
    func restartAfterKill() throws -> ByteBuffer? {
        let copy = options.directory + "-killed"
        try copyFiles(to: copy)
        engine.close()
        try FileManager.default.removeItem(atPath: options.directory)
        try FileManager.default.moveItem(atPath: copy, toPath: options.directory)
        (engine, collector) = try Self.open(options)
        return engine.previousCleanState
    }

    /// Copies until nothing has changed meanwhile: RocksDB writes out and deletes files as it
    /// likes.
    private func copyFiles(to copy: String) throws {
        let manager = FileManager.default
        while true {
            let before = try listing()
            do {
                try manager.copyItem(atPath: options.directory, toPath: copy)
                if try listing() == before { return }
            } catch let error as CocoaError
                where error.code == .fileNoSuchFile || error.code == .fileReadNoSuchFile
            {
                // A file was deleted between the listing and its copy.
            }
            try? manager.removeItem(atPath: copy)
        }
    }

    private func listing() throws -> [String] {
        let manager = FileManager.default
        return try manager.contentsOfDirectory(atPath: options.directory).sorted().map { name in
            let path = options.directory + "/" + name
            let attributes = (try? manager.attributesOfItem(atPath: path)) ?? [:]
            let size = attributes[.size] as? Int ?? -1
            let changed = attributes[.modificationDate] as? Date ?? .distantPast
            return "\(name) \(size) \(changed.timeIntervalSince1970)"
        }
    }

    func shutDown() { engine.close() }
}

/// A value that another thread puts and this one waits for.
///
/// `@unchecked Sendable`: `value` is touched only with `condition` locked.
final class Box<Value: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Value?

    func put(_ value: Value) {
        condition.withLock {
            self.value = value
            condition.broadcast()
        }
    }

    struct TimedOut: Error {}

    func wait() throws -> Value {
        let deadline = Date(timeIntervalSinceNow: 30)
        return try condition.withLock {
            while value == nil, condition.wait(until: deadline) {}
            guard let value else { throw TimedOut() }
            return value
        }
    }
}
