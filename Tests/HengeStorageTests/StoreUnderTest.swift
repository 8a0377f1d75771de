import Foundation
import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import HengeSimulator
import HengeStorage

import struct NIOCore.ByteBuffer

/// One storage engine as the contract suite drives it.
protocol StoreUnderTest: AnyObject {
    /// Asks; answers are collected.
    func send(_ request: StorageRequest)
    /// Lets the writes sent so far begin.
    func endTurn()
    /// Waits until all that began is answered; the answers since the last call, in the order they
    /// came.
    func settle() -> [StorageCompletion]
    /// Once a start; of corrupt records only the real engine knows.
    func tally(partitionBits: Int) -> StorageTally?
    func saveRing(_ bytes: ByteBuffer) throws
    var storedRing: ByteBuffer? { get }
    func saveLives(_ bytes: ByteBuffer)
    var storedLives: ByteBuffer? { get }
    var startNumber: UInt64 { get }
    var hintBacklogs: [HintBacklog] { get }
    /// By partition.
    var watermarks: [Int: ByteBuffer] { get }
    /// By partition.
    var transfers: [Int: ByteBuffer] { get }
    /// Stops with a clean mark and starts again; the state that the start found.
    func restartCleanly(state: ByteBuffer) throws -> ByteBuffer?
    /// Ends as `kill -9` does and starts again.
    func restartAfterKill() throws -> ByteBuffer?
    func shutDown()
}

enum EngineKind: String, CaseIterable, Sendable {
    case rocksDBSync
    case rocksDBInterval
    case memorySync
    case memoryInterval

    func make() throws -> any StoreUnderTest {
        switch self {
        case .rocksDBSync: try RocksDBUnderTest { _ in }
        case .rocksDBInterval:
            try RocksDBUnderTest { $0.durability = .interval(.milliseconds(20)) }
        case .memorySync: MemoryUnderTest(.sync)
        case .memoryInterval: MemoryUnderTest(.interval)
        }
    }

    /// Runs `body` on a new store.
    func withStore(_ body: (any StoreUnderTest) throws -> Void) throws {
        let store = try make()
        defer { store.shutDown() }
        try body(store)
    }
}

extension StoreUnderTest {
    func persist(_ key: StoredKey, _ object: ByteBuffer) -> StorageFailure? {
        write(.persist(key, object, StorageToken(rawValue: 1)))
    }

    /// Persists v0, v1, … as k0, k1, … in one turn, each with its number for a token; returns what
    /// came of it.
    func persistNumbered(_ count: Int) -> [StorageCompletion] {
        for number in 0..<count {
            let object = TestObjects.object("v\(number)")
            let token = StorageToken(rawValue: UInt64(number))
            send(.persist(TestObjects.key("k\(number)"), object, token))
        }
        endTurn()
        return settle()
    }

    func remove(_ key: StoredKey) -> StorageFailure? {
        write(.remove(key, StorageToken(rawValue: 4)))
    }

    func keepHints(_ hints: [Hint]) -> StorageFailure? {
        write(.keepHints(hints, StorageToken(rawValue: 5)))
    }

    func dropHints(_ target: NodeID, through: UInt64) -> StorageFailure? {
        write(.dropHints(target, through: through, StorageToken(rawValue: 6)))
    }

    func saveWatermark(_ partition: Int, _ bytes: ByteBuffer) -> StorageFailure? {
        write(.saveWatermark(partition: partition, bytes, StorageToken(rawValue: 8)))
    }

    func saveTransfer(_ partition: Int, _ bytes: ByteBuffer) -> StorageFailure? {
        write(.saveTransfer(partition: partition, bytes, StorageToken(rawValue: 10)))
    }

    func dropPartition(_ partition: Int, _ tokens: ClosedRange<Token>) -> StorageFailure? {
        write(.dropPartition(partition, tokens: tokens, StorageToken(rawValue: 11)))
    }

    func list(_ range: ListRange) -> Result<ListPage, StorageFailure> {
        send(.list(range, StorageToken(rawValue: 9)))
        for case .listed(_, let result) in settle() { return result }
        return .failure(.readOnly)
    }

    private func write(_ request: StorageRequest) -> StorageFailure? {
        send(request)
        endTurn()
        for case .persisted(_, let failure) in settle() { return failure }
        return .readOnly
    }

    func hints(
        _ target: NodeID,
        after: UInt64,
        limit: Int
    ) -> Result<[Hint], StorageFailure> {
        send(.loadHints(target, after: after, limit: limit, StorageToken(rawValue: 7)))
        for case .hintsLoaded(_, let result) in settle() { return result }
        return .failure(.readOnly)
    }

    /// All hints for a node, page by page.
    func allHints(_ target: NodeID) throws -> [Hint] {
        var found: [Hint] = []
        while true {
            let page = try hints(target, after: found.last?.sequence ?? 0, limit: 1_000).get()
            guard !page.isEmpty else { return found }
            found += page
        }
    }

    func load(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> {
        send(.load(key, StorageToken(rawValue: 2)))
        endTurn()
        for case .loaded(_, let result) in settle() { return result }
        return .failure(.readOnly)
    }

    /// Whether who may not need the values gets this object, or its version; nil for nothing.
    func answers(_ object: ByteBuffer?, to key: StoredKey) throws -> Bool {
        send(.loadVersion(key, StorageToken(rawValue: 12)))
        endTurn()
        let answers = settle()
        guard answers.count == 1 else { return false }
        switch answers[0] {
        case .loaded(_, let result): return try result.get() == object
        case .versionLoaded(_, let header):
            guard let object else { return false }
            return try EncodedVersion(header).isVersion(of: EncodedObject(object))
        default: return false
        }
    }

    func scan(_ range: ScanRange) -> Result<ScanPage, StorageFailure> {
        send(.scan(range, StorageToken(rawValue: 3)))
        for case .scanned(_, let result) in settle() { return result }
        return .failure(.readOnly)
    }
}

final class MemoryUnderTest: StoreUnderTest {
    var engine: MemoryEngine
    private var answers: [StorageCompletion] = []

    init(_ durability: MemoryEngine.Durability) {
        engine = MemoryEngine(durability: durability)
        _ = engine.open()
    }

    func send(_ request: StorageRequest) { engine.request(request) }
    func endTurn() { answers += engine.commit() }

    func settle() -> [StorageCompletion] {
        while let completion = engine.completeRead() { answers.append(completion) }
        defer { answers = [] }
        return answers
    }

    func tally(partitionBits: Int) -> StorageTally? {
        StorageTally(
            partitions: engine.tally(partitionBits: partitionBits),
            leaves: engine.leaves(partitionBits: partitionBits),
            corruptRecords: 0
        )
    }

    func saveRing(_ bytes: ByteBuffer) {
        engine.saveRing(bytes)
        _ = engine.commit()
    }
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

    func restartCleanly(state: ByteBuffer) -> ByteBuffer? {
        answers += engine.closeClean(state: state)
        return engine.open()
    }

    func restartAfterKill() -> ByteBuffer? {
        engine.kill()
        return engine.open()
    }

    func shutDown() {}
}
