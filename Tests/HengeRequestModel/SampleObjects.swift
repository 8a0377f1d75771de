import HengeBase
package import HengeCausality

import struct NIOCore.ByteBuffer

/// Objects with values of 100 bytes.
package enum SampleObjects {
    /// Written by one actor, one time after another.
    package static func object(counter: UInt64) -> EncodedObject {
        var context = VersionVector()
        let sibling = sibling(actor: 1, counter: counter)
        context.record(sibling.dot)
        return VersionedObject(context: context, siblings: [sibling]).encoded()
    }

    /// Each written by an actor of its own, without knowing of the others.
    package static func siblings(_ count: UInt64, from first: UInt64) -> EncodedObject {
        var context = VersionVector()
        let siblings = (first..<first + count).map { sibling(actor: $0, counter: 1) }
        for sibling in siblings { context.record(sibling.dot) }
        return VersionedObject(context: context, siblings: siblings).encoded()
    }

    private static func sibling(actor: UInt64, counter: UInt64) -> Sibling {
        Sibling(
            dot: Dot(actor: ActorID(rawValue: actor), counter: counter),
            timestamp: HybridTimestamp(rawValue: counter << 16),
            expiry: nil,
            payload: .value(ByteBuffer(repeating: 7, count: 100))
        )
    }
}
