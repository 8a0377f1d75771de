import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import NIOCore

/// What the benchmarks work on.
enum Samples {
    static let key = StoredKey(
        bucket: ByteBuffer(string: "b"),
        key: ByteBuffer(string: "key:000000000001")
    )

    static func ring(nodes: Int, partitions: Int) throws -> Ring {
        let list = (1...nodes).map { "n\($0)=a:\($0)" }.joined(separator: ",")
        return Ring(
            try RingDocument.bootstrap(
                try BootstrapList.parse(list),
                replicas: 3,
                partitions: partitions
            )
        )
    }

    /// Written by one actor, one time after another.
    static func object(counter: UInt64) -> EncodedObject {
        var context = VersionVector()
        let sibling = sibling(actor: 1, counter: counter)
        context.record(sibling.dot)
        return VersionedObject(context: context, siblings: [sibling]).encoded()
    }

    /// Each written by an actor of its own, without knowing of the others.
    static func siblings(_ count: UInt64, from first: UInt64) -> EncodedObject {
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
