package import HengeBase
import HengeCausality
package import HengeMessages
package import HengeNode
import HengeReplication
import HengeRing

package import struct NIOCore.ByteBuffer

/// One shard of three nodes; its disk and the two others answer what they are asked, at once.
///
/// For what counts or times the whole of a request without I/O.
package final class RequestModel {
    package private(set) var shard: Shard
    private var effects = EffectBuffer<ShardEffect>(capacity: 64)
    private var time = ClockReading(
        now: Instant(nanoseconds: 1_000_000_000),
        wall: WallTime(milliseconds: 1_700_000_000_000)
    )
    package private(set) var record: ByteBuffer?
    package private(set) var replies = 0
    package private(set) var sent = 0

    package init() throws {
        let list = try BootstrapList.parse("n1=a:1,n2=a:2,n3=a:3")
        let ring = Ring(try RingDocument.bootstrap(list, replicas: 3, partitions: 64))
        shard = Shard(
            node: NodeID(1),
            ring: ring,
            configuration: ShardConfiguration(),
            saved: nil,
            isNew: true,
            seed: 1
        )
        let empty = Array(repeating: RecordWeight.nothing, count: 64)
        shard.addInitialTallies(empty, leaves: Array(repeating: LeafSums(bits: 0), count: 64))
        for peer in UInt16(2)...3 { step(.peerUp(NodeID(peer))) }
        step(.actorsConfirmed(true))
    }

    package func step(_ input: ShardInput) {
        shard.step(input, at: time, effects: &effects)
        while let effect = effects.takeFirst() { carryOut(effect) }
    }

    private func carryOut(_ effect: consuming ShardEffect) {
        switch effect {
        case .storage(.load(_, let token)), .storage(.loadVersion(_, let token)):
            answer(.storage(.loaded(token, .success(record))))
        case .storage(.persist(_, let bytes, _, let token)):
            record = bytes
            answer(.storage(.persisted(token, nil)))
        case .send(let peer, .store(let id, _, _, _, _)):
            answer(.message(from: peer, .stored(id, .durable)))
        case .send(let peer, .fetch(let id, _, _, _, _)):
            let object = record.flatMap { try? EncodedObject($0) }
            let digest = VersionDigest(of: object)
            answer(.message(from: peer, .fetched(id, .digest(digest))))
        case .send: sent += 1
        case .reply: replies += 1
        default: break
        }
    }

    private func answer(_ input: ShardInput) {
        shard.step(input, at: time, effects: &effects)
    }

    package func request(_ operation: ClientRequest.Operation, _ level: Consistency) {
        let request = ClientRequest(
            key: Self.key,
            operation: operation,
            levels: ConsistencyLevels(read: level, write: level),
            timeout: .seconds(1)
        )
        step(.request(Ticket(rawValue: 1), request))
    }

    package static let key = StoredKey(
        bucket: ByteBuffer(string: "b"),
        key: ByteBuffer(string: "a key")
    )

    /// A plain SET of 100 bytes.
    package static let write = ClientRequest.Operation.write(
        Mutation(
            content: .value(ByteBuffer(repeating: 7, count: 100)),
            basis: .coordinator,
            expiry: .never,
            condition: .always,
            returnsPrevious: false
        )
    )
}
