import HengeBase
import HengeCausality
package import HengeMessages
package import HengeRing

import struct NIOCore.ByteBuffer

/// Looks at some records of several partitions, a page at a time, from a random place on in each of
/// them: of what lies in a store in the order of its hashes a run is as good as records picked
/// singly.
package struct RecordSampling: Sendable {
    /// A page ends after so many records or bytes: what is read in one go is what a request may
    /// have to wait for, where all processors are in use.
    private static let pageRecordsMax = 32
    private static let pageBytesMax = 64 * 1_024

    /// What to read of one partition: from `start` to its end, then from its beginning on.
    private struct Span {
        var tokens: ClosedRange<Token>
        var start: Token
        var next: Token
        var isWrapped: Bool
        var left: Int
    }

    /// What was looked at so far.
    package private(set) var sample = RecordSample()
    private var spans: [Span]
    /// Bytes of the last page.
    package private(set) var pageBytes = 0
    private var pageRecords = 0
    /// Reused for each object, to look into it without an allocation.
    private var object = ByteBuffer()

    /// - Parameter starts: a number for each span, any: where in its partition to begin.
    package init(_ spans: [SampleSpan], ring: Ring, starts: [UInt64]) {
        invariant(spans.count == starts.count)
        self.spans = zip(spans, starts).compactMap { span, start in
            guard span.partition < ring.partitions else { return nil }
            let tokens = ring.tokenRange(partition: span.partition)
            let width = tokens.upperBound.rawValue - tokens.lowerBound.rawValue
            let token = Token(rawValue: tokens.lowerBound.rawValue + (start & width))
            return Span(
                tokens: tokens,
                start: token,
                next: token,
                isWrapped: false,
                left: span.records
            )
        }.reversed()
    }

    package var isDone: Bool { spans.isEmpty }

    /// Reads the next page. Records that can't be trusted are passed over; they are the scrub's.
    mutating func readPage(of database: Database) -> EngineError? {
        pageBytes = 0
        pageRecords = 0
        while var span = spans.popLast() {
            if let error = read(&span, of: database) { return error }
            if span.left > 0 { spans.append(span) }
            if pageRecords >= Self.pageRecordsMax || pageBytes >= Self.pageBytesMax { break }
        }
        return nil
    }

    /// Reads on in a partition; nothing is left of it once it has been gone round.
    private mutating func read(_ span: inout Span, of database: Database) -> EngineError? {
        let from = span.next
        let last = span.isWrapped ? span.start.rawValue - 1 : span.tokens.upperBound.rawValue
        var left = span.left
        var reached: Token?
        let failure = database.withIterator(through: last) { iterator -> EngineError? in
            iterator.seek(token: from.rawValue)
            while left > 0,
                let token = iterator.withRecord({ examine($0, $1) })
            {
                left -= 1
                reached = token
                iterator.next()
                // A page may end where the token changes: tokens are all but unique.
                if pageRecords >= Self.pageRecordsMax || pageBytes >= Self.pageBytesMax {
                    return nil
                }
                reached = nil
            }
            return iterator.failure
        }
        guard let failure else { return Database.closed }
        if let failure { return failure }
        span.left = left
        if let reached, reached.rawValue < last {
            span.next = Token(rawValue: reached.rawValue + 1)
        } else if span.isWrapped || span.start == span.tokens.lowerBound {
            span.left = 0
        } else {
            span.isWrapped = true
            span.next = span.tokens.lowerBound
        }
        return nil
    }

    /// - Returns: the record's token.
    private mutating func examine(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer
    ) -> Token {
        pageRecords += 1
        pageBytes += key.count + value.count
        let token = key.count >= 8 ? UInt64(bigEndian: key.loadUnaligned(as: UInt64.self)) : .max
        guard let bytes = RecordForm.object(in: value, key: key) else {
            return Token(rawValue: token)
        }
        object.clear(minimumCapacity: bytes.count)
        object.writeBytes(bytes)
        if let encoded = try? EncodedObject(object) { sample.add(key, encoded) }
        return Token(rawValue: token)
    }
}

extension RocksDBEngine {
    /// Reads the next page of a sample in the pool; `done` comes once, on one of its threads, or at
    /// once when the engine is closed.
    package func read(
        _ sampling: RecordSampling,
        done: @escaping @Sendable (Result<RecordSampling, StorageFailure>) -> Void
    ) {
        guard !isClosed else { return done(.failure(.readOnly)) }
        readers.sample(sampling, done)
    }
}
