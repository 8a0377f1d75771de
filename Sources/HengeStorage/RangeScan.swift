import HengeBase
import HengeCausality
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Collects one page of live keys.
///
/// A page ends only where the token changes, so that a token alone says where the next one begins.
struct RangeScan {
    private let range: ScanRange
    private var keys: [StoredKey] = []
    private var examined = 0
    private var current: UInt64?
    /// Reused for each object, to look into it without an allocation.
    private var object = ByteBuffer()

    init(_ range: ScanRange) {
        self.range = range
    }

    private enum Step {
        case goOn
        case pageEnds(next: UInt64)
        case failed(EngineError)
    }

    /// A record that can't be trusted fails the page: leaving a key out would be a lie.
    mutating func run(on database: Database) -> Result<ScanPage, EngineError> {
        guard range.from <= range.through else { return .success(ScanPage(keys: [], next: nil)) }
        let result = database.withIterator(through: range.through.rawValue) {
            iterator -> Result<ScanPage, EngineError> in
            iterator.seek(token: range.from.rawValue)
            while let step = iterator.withRecord({ examine($0, $1) }) {
                switch step {
                case .goOn: iterator.next()
                case .pageEnds(let next): return .success(page(next: next))
                case .failed(let error): return .failure(error)
                }
            }
            if let error = iterator.failure { return .failure(error) }
            return .success(page(next: nil))
        }
        return result ?? .failure(Database.closed)
    }

    private func page(next: UInt64?) -> ScanPage {
        ScanPage(keys: keys, next: next.map(Token.init(rawValue:)))
    }

    private mutating func examine(
        _ keyBytes: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer
    ) -> Step {
        guard keyBytes.count >= 9 else { return .failed(EngineError(.corrupt, "a short key")) }
        let token = UInt64(bigEndian: keyBytes.loadUnaligned(as: UInt64.self))
        if token != current, keys.count >= range.limit || examined >= range.examinedMax {
            return .pageEnds(next: token)
        }
        current = token
        examined += 1
        guard let objectBytes = RecordForm.object(in: value, key: keyBytes) else {
            return .failed(EngineError(.corrupt, "a record fails its checksum"))
        }
        guard isInBucket(keyBytes) else { return .goOn }
        object.clear(minimumCapacity: objectBytes.count)
        object.writeBytes(objectBytes)
        guard let encoded = try? EncodedObject(object) else {
            return .failed(EngineError(.corrupt, "a record is no object"))
        }
        guard encoded.isLive(at: range.wall) else { return .goOn }
        guard let key = StoredKey(stored: ByteBuffer(bytes: keyBytes)) else {
            return .failed(EngineError(.corrupt, "a key is malformed"))
        }
        keys.append(key)
        return .goOn
    }

    private func isInBucket(_ keyBytes: UnsafeRawBufferPointer) -> Bool {
        guard let bucket = range.bucket else { return true }
        guard Int(keyBytes[8]) == bucket.readableBytes,
            keyBytes.count >= 9 + bucket.readableBytes
        else { return false }
        return bucket.withUnsafeReadableBytes {
            UnsafeRawBufferPointer(rebasing: keyBytes[9..<9 + $0.count]).elementsEqual($0)
        }
    }
}
