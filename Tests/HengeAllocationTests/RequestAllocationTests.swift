import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// What the shard of a coordinator and of a replica allocates for a whole request.
@Suite struct RequestAllocationTests {
    /// One shard of three nodes; its disk and the two others answer what they are asked.
    private final class World {
        var shard: Shard
        private var effects = EffectBuffer<ShardEffect>(capacity: 64)
        private var todo: [ShardEffect] = []
        private var time = ClockReading(
            now: Instant(nanoseconds: 1_000_000_000),
            wall: WallTime(milliseconds: 1_700_000_000_000)
        )
        private(set) var record: ByteBuffer?
        private(set) var replies = 0
        private(set) var sent = 0

        init() throws {
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
            todo.reserveCapacity(64)
        }

        func step(_ input: ShardInput) {
            shard.step(input, at: time, effects: &effects)
            for index in 0..<effects.count { todo.append(effects[index]) }
            effects.removeAll()
            var next = 0
            while next < todo.count {
                carryOut(todo[next])
                for index in 0..<effects.count { todo.append(effects[index]) }
                effects.removeAll()
                next += 1
            }
            todo.removeAll(keepingCapacity: true)
        }

        private func carryOut(_ effect: ShardEffect) {
            switch effect {
            case .storage(.load(_, let token)):
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

        func request(_ operation: ClientRequest.Operation, _ level: Consistency) {
            let request = ClientRequest(
                key: Self.key,
                operation: operation,
                levels: ConsistencyLevels(read: level, write: level),
                timeout: .seconds(1)
            )
            step(.request(Ticket(rawValue: 1), request))
        }

        static let key = StoredKey(
            bucket: ByteBuffer(string: "b"),
            key: ByteBuffer(string: "a key")
        )
    }

    private let write = ClientRequest.Operation.write(
        Mutation(
            content: .value(ByteBuffer(repeating: 7, count: 100)),
            basis: .coordinator,
            expiry: .never,
            condition: .always,
            returnsPrevious: false
        )
    )

    @Test("coordinated: SET and GET at QUORUM, GET at ONE")
    func coordinated() throws {
        let world = try World()
        Allocations.expect(5, "SET at QUORUM, its coordinator") { world.request(write, .quorum) }
        Allocations.expect(0, "GET at QUORUM, its coordinator") { world.request(.read, .quorum) }
        Allocations.expect(0, "GET at ONE, its coordinator") { world.request(.read, .one) }
        #expect(world.replies == 6_000)
        #expect(world.shard.workInFlight == 0)
    }

    @Test("served for others: a store of a newer version, a fetch")
    func served() throws {
        let world = try World()
        world.request(write, .quorum)
        let first = try EncodedObject(try #require(world.record))
        let from = NodeID(2)
        let peer = ShardInput.message(
            from: from,
            .fetch(RequestID(rawValue: 8), World.key, .digest, timeout: .seconds(1), epoch: 1)
        )
        Allocations.expect(0, "a fetch of a digest") { world.step(peer) }
        // The same version again: the replica has it, and says so.
        let store = ShardInput.message(
            from: from,
            .store(RequestID(rawValue: 9), World.key, first, timeout: .seconds(1), epoch: 1)
        )
        Allocations.expect(0, "a store of what is there") { world.step(store) }
        #expect(world.sent == 4_000)
    }
}
