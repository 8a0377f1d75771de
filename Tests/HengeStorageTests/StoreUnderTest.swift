import Foundation
import HengeBase
import HengeMessages
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
    func tally(partitionBits: Int) -> [RecordWeight]?
    func saveRing(_ bytes: ByteBuffer) throws
    var storedRing: ByteBuffer? { get }
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
        send(.persist(key, object, StorageToken(rawValue: 1)))
        endTurn()
        for case .persisted(_, let failure) in settle() { return failure }
        return .readOnly
    }

    func load(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> {
        send(.load(key, StorageToken(rawValue: 2)))
        for case .loaded(_, let result) in settle() { return result }
        return .failure(.readOnly)
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
    }

    func send(_ request: StorageRequest) { engine.request(request) }
    func endTurn() { answers += engine.commit() }

    func settle() -> [StorageCompletion] {
        while let completion = engine.completeRead() { answers.append(completion) }
        defer { answers = [] }
        return answers
    }

    func tally(partitionBits: Int) -> [RecordWeight]? { engine.tally(partitionBits: partitionBits) }
    func saveRing(_ bytes: ByteBuffer) { engine.storedRing = bytes }
    var storedRing: ByteBuffer? { engine.storedRing }

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
