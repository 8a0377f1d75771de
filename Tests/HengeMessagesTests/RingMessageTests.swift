import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

@Suite struct RingMessageTests {
    private let documents: [RingDocument]
    private let deltas: [RingDelta]

    init() throws {
        let list = try BootstrapList.parse("n1=h:1,n2=h:2/zone=b,n3=h:3/weight=2")
        let first = try RingDocument.bootstrap(list, replicas: 2, partitions: 64)
        let members = Array(first.members.dropLast())
        let owners = first.owners.map { $0 == NodeID(3) ? NodeID(1) : $0 }
        let next = try first.beginning(members: members, owners: owners)
        documents = [first, next, try first.recovering(without: [NodeID(2)])]
        let all = try [
            next, next.aborting(),
            next.advancing(next.owners.indices.filter { next.transition?.steps[$0] == .current }),
        ]
        deltas = try zip(all, [first, next, next]).map { try #require($0.delta(from: $1)) }
    }

    @Test("every kind of message survives the trip")
    func roundTrip() throws {
        for seed in UInt64(0)..<400 {
            let message = anyMessage(Int(seed) % 14, seed)
            try #require(RingMessageCodec.read(bytes(message)) == message, "seed \(seed)")
        }
    }

    @Test("every truncation, addition and random byte is refused or means the same again")
    func damage() throws {
        var accepted = 0
        for seed in UInt64(0)..<140 {
            var random = SeededGenerator(seed: seed)
            let whole = bytes(anyMessage(Int(seed) % 14, seed))
            for length in 0..<whole.readableBytes {
                let part = try #require(whole.getSlice(at: 0, length: length))
                #expect(throws: WireDecodeError.self) { try RingMessageCodec.read(part) }
            }
            #expect(throws: WireDecodeError.trailingBytes(1)) {
                var longer = whole
                longer.writeInteger(UInt8(0))
                return try RingMessageCodec.read(longer)
            }
            for _ in 0..<300 {
                var changed = whole
                let place = random.below(changed.readableBytes)
                changed.setInteger(UInt8(random.below(256)), at: place)
                guard let message = try? RingMessageCodec.read(changed) else { continue }
                accepted += 1
                #expect(try RingMessageCodec.read(bytes(message)) == message, "seed \(seed)")
            }
        }
        #expect(accepted > 1_000)
    }

    @Test("random bytes after every kind never trap")
    func noise() {
        for seed in UInt64(0)..<20_000 {
            var random = SeededGenerator(seed: seed)
            var payload = ByteBuffer(integer: UInt8(random.below(15)))
            for _ in 0..<random.below(60) {
                payload.writeInteger(UInt8(random.below(random.chance(1, in: 2) ? 4 : 256)))
            }
            guard let message = try? RingMessageCodec.read(payload) else { continue }
            #expect(bytes(message) == payload, "seed \(seed)")
        }
    }

    @Test("each rule has its error")
    func rules() {
        let epoch = [UInt8](repeating: 0, count: 7) + [2]
        let zeroRound = [UInt8](repeating: 0, count: 10)
        let hugeRound: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 1, 0, 1]
        let ballot: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
        expect([], .truncated)
        expect([0], .invalidField("ring message"))
        expect([14], .invalidField("ring message"))
        expect([1] + epoch + zeroRound, .invalidField("ballot"))
        expect([1] + epoch + hugeRound, .invalidField("ballot"))
        expect([2] + epoch + ballot + [2], .invalidField("flag"))
        expect([3] + ballot + [0xFF, 0xFF, 0xFF, 0xFF], .invalidField("ring delta"))
        expect([9, 0, 0, 0, 9, 1], .truncated)
        expect([9, 0, 0, 0, 1, 1], .invalidField("ring delta"))
        expect([6, 0, 0, 0, 9, 1], .truncated)
        expect([6, 0, 0, 0, 1, 1], .invalidField("ring"))
        expect([8] + epoch + [2], .invalidField("flag"))
        // A promise for epoch 3 can't come with what leads to epoch 2.
        let old = AcceptedDelta(ballot: RingBallot(round: 1, node: NodeID(1)), delta: deltas[0])
        let lie = RingMessage.promise(epoch: 3, old.ballot, accepted: old)
        #expect(throws: WireDecodeError.invalidField("ring epoch")) {
            try RingMessageCodec.read(bytes(lie))
        }
    }

    @Test("ballots are ordered by round, then by node")
    func ballots() {
        let order = [(1, 1), (1, 2), (2, 1), (2, 65_535), (3, 0)].map {
            RingBallot(round: $0.0, node: NodeID($0.1))
        }
        #expect(order == order.reversed().sorted())
        #expect(order[1].description == "1#2")
    }

    private func anyMessage(_ kind: Int, _ seed: UInt64) -> RingMessage {
        var random = SeededGenerator(seed: seed)
        let epoch = random.next()
        let document = documents[random.below(3)]
        let delta = deltas[random.below(deltas.count)]
        func ballot(_ random: inout SeededGenerator) -> RingBallot {
            RingBallot(
                round: 1 + UInt64(random.below(1 << 48)),
                node: NodeID(UInt16(random.below(65_536)))
            )
        }
        let one = ballot(&random)
        switch kind {
        case 0: return .prepare(epoch: epoch, one)
        case 1: return .promise(epoch: epoch, one, accepted: nil)
        case 2:
            let accepted = AcceptedDelta(ballot: ballot(&random), delta: delta)
            return .promise(epoch: delta.epoch, one, accepted: accepted)
        case 3: return .accept(one, delta)
        case 4: return .accepted(epoch: epoch, one)
        case 5: return .refused(epoch: epoch, one, promised: ballot(&random))
        case 6: return .decided(document)
        case 12: return .next(delta)
        case 7: return .ask(epoch: epoch, token: random.next())
        case 8: return .recover(base: epoch, document)
        case 9: return .agreed(RecoveryMark(epoch: epoch, id: random.next()))
        case 10:
            return .dissent(RecoveryMark(epoch: epoch, id: 1), .isUp(NodeID(UInt16(seed))))
        case 11:
            let other = RecoveryMark(epoch: random.next(), id: random.next())
            return .dissent(RecoveryMark(epoch: epoch, id: 1), .agreedBefore(other))
        default:
            return .known(
                epoch: epoch, hasAccepted: random.chance(1, in: 2), token: random.next())
        }
    }

    private func bytes(_ message: RingMessage) -> ByteBuffer {
        var out = ByteBuffer()
        RingMessageCodec.write(message, into: &out)
        return out
    }

    private func expect(
        _ bytes: [UInt8],
        _ error: WireDecodeError,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: error, sourceLocation: sourceLocation) {
            try RingMessageCodec.read(ByteBuffer(bytes: bytes))
        }
    }
}
