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
}
