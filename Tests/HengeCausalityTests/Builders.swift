import HengeBase
import HengeCausality

import struct NIOCore.ByteBuffer

func actor(_ rawValue: UInt64) -> ActorID { ActorID(rawValue: rawValue) }

func dot(_ actor: UInt64, _ counter: UInt64) -> Dot {
    Dot(actor: ActorID(rawValue: actor), counter: counter)
}

func vector(_ entries: Dot...) -> VersionVector { VersionVector(sorted: entries) }

func value(
    _ dot: Dot,
    _ text: String,
    at timestamp: UInt64 = 0,
    expiry: UInt64? = nil,
    metadata: String? = nil
) -> Sibling {
    Sibling(
        dot: dot,
        timestamp: HybridTimestamp(rawValue: timestamp),
        expiry: expiry.map(WallTime.init(milliseconds:)),
        payload: .value(
            ByteBuffer(string: text),
            metadata: metadata.map { ByteBuffer(string: $0) }
        )
    )
}

func tombstone(_ dot: Dot, at timestamp: UInt64 = 0) -> Sibling {
    Sibling(
        dot: dot,
        timestamp: HybridTimestamp(rawValue: timestamp),
        expiry: nil,
        payload: .tombstone
    )
}

func merged(_ a: VersionedObject, _ b: VersionedObject) -> VersionedObject {
    var result = a
    result.merge(b)
    return result
}

/// The values of all siblings, by dot; nil for a tombstone.
func texts(_ object: VersionedObject) -> [String?] {
    object.siblings.map {
        if case .value(let bytes, _) = $0.payload { String(buffer: bytes) } else { nil }
    }
}

func hex(_ buffer: ByteBuffer) -> String {
    buffer.readableBytesView.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}

extension SeededGenerator {
    /// A number of 1...64 bits, each length as likely as any other.
    mutating func anyMagnitude() -> UInt64 {
        next() >> UInt64(below(64))
    }

    mutating func anyVector() -> VersionVector {
        var actors: Set<UInt64> = []
        for _ in 0..<below(6) { actors.insert(chance(1, in: 3) ? UInt64(below(4)) : next()) }
        let entries = actors.sorted().map { Dot(actor: actor($0), counter: max(1, anyMagnitude())) }
        return VersionVector(sorted: entries)
    }

    /// Any object that a replica could hold, and many that none ever will.
    mutating func anyObject() -> VersionedObject {
        let context = anyVector()
        var siblings: [Sibling] = []
        for entry in context.entries {
            var counters: Set<UInt64> = []
            for _ in 0..<below(4) { counters.insert(max(1, anyMagnitude() % entry.counter)) }
            for counter in counters.sorted() {
                siblings.append(anySibling(Dot(actor: entry.actor, counter: counter)))
            }
        }
        return VersionedObject(context: context, siblings: siblings)
    }

    private mutating func anySibling(_ dot: Dot) -> Sibling {
        let length = chance(1, in: 20) ? below(20_000) : below(200)
        let fill = UInt8(truncatingIfNeeded: next())
        return Sibling(
            dot: dot,
            timestamp: HybridTimestamp(rawValue: chance(1, in: 3) ? 7 : anyMagnitude()),
            expiry: chance(1, in: 3) ? WallTime(milliseconds: anyMagnitude()) : nil,
            payload: chance(1, in: 4)
                ? .tombstone
                : .value(ByteBuffer(repeating: fill, count: length), metadata: anyMetadata())
        )
    }

    private mutating func anyMetadata() -> ByteBuffer? {
        guard chance(1, in: 4) else { return nil }
        return ByteBuffer(
            repeating: 0xAD, count: 1 + (chance(1, in: 10) ? below(2_000) : below(60)))
    }

    mutating func anyBytes(count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
