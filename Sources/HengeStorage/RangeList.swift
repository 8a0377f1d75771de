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
    /// The token of the last record looked at, or where to read next.
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
        do throws(EngineError) {
            while try isBroken(database), let readable = try passBreak(database) {
                guard breaks < Self.breaksMax else {
                    builder.end(before: Token(rawValue: readable))
                    break
                }
                position = readable
            }
        } catch {
            return .failure(error)
        }
        return .success(builder.page)
    }

    /// Reads on from ``position``, to the end of the page or to a break: then true.
    private mutating func isBroken(_ database: Database) throws(EngineError) -> Bool {
        let failure = database.withIterator(through: range.through.rawValue) {
            iterator -> EngineError? in
            iterator.seek(token: position)
            while let goesOn = iterator.withRecord({ examine($0, $1) }) {
                guard goesOn else { return nil }
                iterator.next()
            }
            return iterator.failure
        }
        return try isCorrupt(failure)
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
        guard case .versions = range.kind else {
            return try? EncodedObject(ByteBuffer(bytes: bytes))
        }
        object.clear(minimumCapacity: bytes.count)
        object.writeBytes(bytes)
        return try? EncodedObject(object)
    }

    /// Finds where records can be read again behind ``position``, first in growing steps, then in
    /// halves back to the end of the break; nil when nothing more of the range can.
    private mutating func passBreak(_ database: Database) throws(EngineError) -> UInt64? {
        breaks += 1
        let last = range.through.rawValue
        var broken = position
        var step = Self.stepMin
        var found: UInt64?
        while found == nil, broken < last {
            let probe = last - position > step ? position + step : last
            if try isReadable(from: probe, database) { found = probe } else { broken = probe }
            step = step.addingReportingOverflow(step).overflow ? .max : 2 * step
        }
        while let readable = found, readable - broken > 1 {
            let middle = broken + (readable - broken) / 2
            if try isReadable(from: middle, database) { found = middle } else { broken = middle }
        }
        builder.addUnreadable(Token(rawValue: position)...Token(rawValue: broken))
        return found
    }

    /// With an iterator of its own, since one that has failed once may say so again of the next
    /// place.
    private func isReadable(
        from token: UInt64,
        _ database: Database
    ) throws(EngineError) -> Bool {
        let failure = database.withIterator(through: range.through.rawValue) {
            iterator -> EngineError? in
            iterator.seek(token: token)
            return iterator.failure
        }
        return try !isCorrupt(failure)
    }

    /// - Parameter failure: of a walk; the outer nil says that there was none.
    private func isCorrupt(_ failure: EngineError??) throws(EngineError) -> Bool {
        guard let failure else { throw Database.closed }
        guard let failure else { return false }
        guard failure.failure == .corrupt else { throw failure }
        return true
    }

    private static func token(ofMalformed key: UnsafeRawBufferPointer) -> Token {
        var token: UInt64 = 0
        for index in 0..<8 { token = token << 8 | (index < key.count ? UInt64(key[index]) : 0) }
        return Token(rawValue: token)
    }
}
