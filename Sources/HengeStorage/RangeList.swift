import HengeBase
import HengeCausality
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Collects one page of records for anti-entropy. Unlike ``RangeScan`` it goes on past what can't
/// be read, and says where that is: what asks for it is there to mend it.
struct RangeList {
    /// Where reading begins to be tried again behind a broken block. Tokens are spread evenly, so
    /// that no store has two records as near to each other as this on average.
    private static let stepMin: UInt64 = 1 << 32
    /// Each break costs up to a hundred seeks, and a file may be broken all over.
    private static let breaksMax = 8

    private let range: ListRange
    private var builder: ListPageBuilder
    /// The token of the last record looked at; behind it nothing was read yet.
    private var position: UInt64
    private var breaks = 0
    /// Reused for each object that isn't handed out, to look into it without an allocation.
    private var object = ByteBuffer()

    init(_ range: ListRange) {
        self.range = range
        builder = ListPageBuilder(range)
        position = range.from.rawValue
    }

    mutating func run(on database: Database) -> Result<ListPage, EngineError> {
        guard range.from <= range.through else { return .success(ListPage()) }
        let failure = database.withIterator(through: range.through.rawValue) { walk(&$0) }
        guard let failure else { return .failure(Database.closed) }
        return failure.map { .failure($0) } ?? .success(builder.page)
    }

    private mutating func walk(_ iterator: inout RecordIterator) -> EngineError? {
        iterator.seek(token: position)
        while true {
            while let goesOn = iterator.withRecord({ examine($0, $1) }) {
                guard goesOn else { return nil }
                iterator.next()
            }
            guard let error = iterator.failure else { return nil }
            guard error.failure == .corrupt else { return error }
            do throws(EngineError) {
                guard let readable = try passBreak(&iterator) else { return nil }
                guard breaks < Self.breaksMax else {
                    builder.end(before: Token(rawValue: readable))
                    return nil
                }
                position = readable
                iterator.seek(token: readable)
            } catch {
                return error
            }
        }
    }

    /// - Returns: whether the page goes on.
    private mutating func examine(
        _ keyBytes: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer
    ) -> Bool {
        guard let key = StoredKey(stored: ByteBuffer(bytes: keyBytes)) else {
            let token = Self.token(ofMalformed: keyBytes)
            builder.addUnreadable(token...token)
            return true
        }
        guard !builder.ends(before: key.token) else { return false }
        position = key.token.rawValue
        if let encoded = encoded(value, keyBytes) {
            builder.add(key, encoded)
        } else {
            builder.addRotten(key)
        }
        return true
    }

    private mutating func encoded(
        _ value: UnsafeRawBufferPointer,
        _ keyBytes: UnsafeRawBufferPointer
    ) -> EncodedObject? {
        guard let bytes = RecordForm.object(in: value, key: keyBytes) else { return nil }
        guard case .versions = range.kind else { return try? EncodedObject(ByteBuffer(bytes: bytes)) }
        object.clear(minimumCapacity: bytes.count)
        object.writeBytes(bytes)
        return try? EncodedObject(object)
    }

    /// Finds where records can be read again behind ``position``, first in growing steps, then in
    /// halves back to the end of the break; nil when nothing more of the range can.
    private mutating func passBreak(
        _ iterator: inout RecordIterator
    ) throws(EngineError) -> UInt64? {
        breaks += 1
        let last = range.through.rawValue
        var broken = position
        var step = Self.stepMin
        var found: UInt64?
        while found == nil, broken < last {
            let probe = last - position > step ? position + step : last
            if try isReadable(from: probe, &iterator) { found = probe } else { broken = probe }
            step = step.addingReportingOverflow(step).overflow ? .max : 2 * step
        }
        while let readable = found, readable - broken > 1 {
            let middle = broken + (readable - broken) / 2
            if try isReadable(from: middle, &iterator) { found = middle } else { broken = middle }
        }
        builder.addUnreadable(Token(rawValue: position)...Token(rawValue: broken))
        return found
    }

    private func isReadable(
        from token: UInt64,
        _ iterator: inout RecordIterator
    ) throws(EngineError) -> Bool {
        iterator.seek(token: token)
        guard iterator.withRecord({ _, _ in true }) == nil, let error = iterator.failure else {
            return true
        }
        guard error.failure == .corrupt else { throw error }
        return false
    }

    private static func token(ofMalformed key: UnsafeRawBufferPointer) -> Token {
        var token: UInt64 = 0
        for index in 0..<8 { token = token << 8 | (index < key.count ? UInt64(key[index]) : 0) }
        return Token(rawValue: token)
    }
}
