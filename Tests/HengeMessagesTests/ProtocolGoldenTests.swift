import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// The bytes of protocol version 3, one message of each kind. If this fails, nodes of two builds no
/// longer understand each other: give the new form a new version.
@Suite struct ProtocolGoldenTests {
    private static let transcript = """
        store 01000000020000000700000000000000030007a120000000000dc3ef2a250ba7f3e401626b657900000\
        025010000002401000000000000000aac020100ac020123456789ab00010280d095ffbc310176
        stored.durable 02000000020000000700
        stored.failed 0200000002000000070101
        fetch.digest 03000000020000000700000000000000030007a12001000000000dc3ef2a250ba7f3e401626b\
        6579
        fetched.object 040000000200000007000100000025010000002401000000000000000aac020100ac020123\
        456789ab00010280d095ffbc310176
        fetched.digest 04000000020000000701d569ce20d3500db8
        forward.read 0500000002000000070000000000000003000f424002f3000000000dc3ef2a250ba7f3e40162\
        6b657900
        forward.inspect 0500000002000000070000000000000003000f424002f3000000000dc3ef2a250ba7f3e40\
        1626b657901
        forward.write 0500000002000000070000000000000003000f424002f3000000000dc3ef2a250ba7f3e4016\
        26b6579020000000001760100000001000000000000000a000000000000012c010000018bcfe568000101
        forward.plain 0500000002000000070000000000000003000f424002f3000000000dc3ef2a250ba7f3e4016\
        26b6579020100000000
        forwarded.object 0600000002000000070000
        forwarded.written 0600000002000000070100000001000000000000000a000000000000012c01000000017\
        60123456789ab0001010000018bcfe56800
        forwarded.notApplied 0600000002000000070200
        forwarded.inspected 060000000200000007030400010000000025010000002401000000000000000aac020\
        100ac020123456789ab00010280d095ffbc31017600020100030203000403
        forwarded.failed 0600000002000000070403000000020000000102
        scan 0700000002000000070000000000000003001e84800000000000000000ffffffffffffffff0000000162\
        0000000a000003e80000018bcfe56800
        scanned 08000000020000000701010000000000000005000000010000000dc3ef2a250ba7f3e401626b6579
        count 0900000002000000070000000000000003
        staleRing 1300000002000000070000000000000004
        counted 0a00000002000000070000000200000000000000000000000000000005
        handOff 0b0000000200000007000000010000000dc3ef2a250ba7f3e401626b6579000000250100000024010\
        00000000000000aac020100ac020123456789ab00010280d095ffbc310176
        handedOff 0c00000002000000070000000001
        digest 0d00000000000000000000000001000200000000000000030000000000000004
        leaving 0d000000000000000002
        facts.ask 14000000020000000700
        facts.told 140000000200000007010000000000000102000001000000000000000002000000000000000000\
        00000000000000000000000000000300000000000001f4
        otherLife 0d0000000000000000030000000000000005
        store.standIn 01000000020000000700000000000000030007a1200100050000000dc3ef2a250ba7f3e4016\
        26b657900000025010000002401000000000000000aac020100ac020123456789ab00010280d095ffbc310176
        roots 0e000000020000000701000000020003000000000000000901020102030405060708000000010102000\
        00001000000000000000a000000000000012c0100
        rootsCompared 0e0000000200000007020000000101020000000100030000000101020000000100000000000\
        0000a000000000000012c0001
        leaves 0e0000000200000007030102010200000001000100000000000000050000000000000006
        leavesCompared 0e00000002000000070402000000000200020003
        versions 0e00000002000000070501020000000000000010000000000000002f000000020000000000000007\
        0000000000000008
        versionsCompared 0e00000002000000070601000000000000002f000000090501000000010000000dc3ef2a\
        250ba7f3e401626b657900000025010000002401000000000000000aac020100ac020123456789ab00010280d\
        095ffbc310176
        versionsCompared.failed 0e00000002000000070600
        agreed 0e00000002000000070700000001010200000001010200000001000000000000000a00000000000001\
        2c
        askHeld 0e000000020000000708
        held 0e00000002000000070901
        ring.ask 0f00000000000000000700000000000000090000000000000004
        ring.prepare 0f000000000000000001000000000000000a00000000000000030002
        ringReport 100000000000000000000000000000000900020003010201000000000000000200000000000\
        0000100000000000003e800000000000f4240000000000000100000000000000000ff0000000000000001020005
        transfer 110000000200000007010200000000000000050001000001000000000000002f
        transferred 120000000200000007000100000000000000400000000000000003000000000000012c000000\
        01000000000000002f000000000000002f000000010000000dc3ef2a250ba7f3e401626b6579000000250100\
        00002401000000000000000aac020100ac020123456789ab00010280d095ffbc310176
        transferred.staleRing 120000000200000007010000000000000006
        transferred.overloaded 12000000020000000702
        transferred.failed 1200000002000000070302
        """

    @Test("each message of the transcript has these bytes, and they mean that message")
    func transcript() throws {
        let lines = try messages().map { name, message in "\(name) \(hex(bytes(message)))" }
        #expect(lines.joined(separator: "\n") == ProtocolGoldenTests.transcript)
        for (line, message) in zip(
            ProtocolGoldenTests.transcript.split(separator: "\n"),
            try messages().map(\.1)
        ) {
            let payload = try #require(line.split(separator: " ").last.flatMap { unhex($0) })
            #expect(try PeerMessageCodec.read(payload) == message)
        }
    }

    @Test("a hello in its frame has these bytes")
    func helloFrame() {
        let hello = PeerHello(
            versions: 1...2,
            clusterID: 0x1122_3344_5566_7788,
            node: NodeID(3),
            name: "n3",
            epoch: 9,
            life: 0x0A0B,
            respAddress: "h:1",
            httpAddress: "",
            purpose: .bulk
        )
        var out = ByteBuffer()
        Frame.write(into: &out) { hello.write(into: &$0) }
        #expect(
            hex(out) == "00000034" + "79328d4a"  // length, checksum
                + "48454e47" + "0001" + "0002"  // magic, versions
                + "1122334455667788" + "0003" + "0000000000000009"  // cluster, node, epoch
                + "0000000000000a0b"  // life
                + "00000002" + "6e33" + "00000003" + "683a31" + "00000000"
                + "01"  // purpose
        )
    }

    private func messages() throws -> [(String, PeerMessage)] {
        let id = RequestID(slot: 7, generation: 2)
        let key = StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: "key"))
        let vector = VersionVector(sorted: [Dot(actor: ActorID(rawValue: 0xA), counter: 300)])
        let wall = WallTime(milliseconds: 1_700_000_000_000)
        let value = ByteBuffer(string: "v")
        let timestamp = HybridTimestamp(rawValue: 0x0123_4567_89AB_0001)
        let sibling = Sibling(
            dot: vector.entries[0],
            timestamp: timestamp,
            expiry: wall,
            payload: .value(value)
        )
        let object = VersionedObject(context: vector, siblings: [sibling]).encoded()
        let live = LiveValue(value: value, timestamp: timestamp, expiry: wall)
        let levels = ConsistencyLevels(read: .count(2), write: .all)
        func forward(_ operation: ClientRequest.Operation) -> PeerMessage {
            let request = ClientRequest(
                key: key,
                operation: operation,
                levels: levels,
                timeout: .seconds(1)
            )
            return .forward(id, request, epoch: 3)
        }
        let write = Mutation(
            content: .value(value),
            basis: .context(vector),
            expiry: .at(wall),
            condition: .absent,
            returnsPrevious: true
        )
        let reports = [
            ReplicaReport(node: NodeID(1), state: .present(object)),
            ReplicaReport(node: NodeID(2), state: .absent),
            ReplicaReport(node: NodeID(3), state: .failed(.corrupt)),
            ReplicaReport(node: NodeID(4), state: .unreachable),
        ]
        return [
            ("store", .store(id, key, object, timeout: .milliseconds(500), epoch: 3)),
            ("stored.durable", .stored(id, .durable)),
            ("stored.failed", .stored(id, .failed(.noSpace))),
            ("fetch.digest", .fetch(id, key, .digest, timeout: .milliseconds(500), epoch: 3)),
            ("fetched.object", .fetched(id, .object(object))),
            ("fetched.digest", .fetched(id, .digest(VersionDigest(of: object)))),
            ("forward.read", forward(.read)),
            ("forward.inspect", forward(.inspect)),
            ("forward.write", forward(.write(write))),
            ("forward.plain", forward(.write(Mutation(content: .tombstone)))),
            ("forwarded.object", .forwarded(id, .object(nil))),
            ("forwarded.written", .forwarded(id, .written(context: vector, previous: live))),
            ("forwarded.notApplied", .forwarded(id, .notApplied(previous: nil))),
            ("forwarded.inspected", .forwarded(id, .inspected(reports))),
            (
                "forwarded.failed",
                .forwarded(id, .failed(.storage(.io, required: 2, received: 1)))
            ),
        ] + coverage(id, key) + background(id, key, object)
    }

    private func coverage(_ id: RequestID, _ key: StoredKey) -> [(String, PeerMessage)] {
        let wall = WallTime(milliseconds: 1_700_000_000_000)
        let range = ScanRange(
            from: .min,
            through: .max,
            bucket: ByteBuffer(string: "b"),
            limit: 10,
            examinedMax: 1_000,
            wall: wall
        )
        return [
            ("scan", .scan(id, range, timeout: .seconds(2), epoch: 3)),
            (
                "scanned",
                .scanned(id, .success(ScanPage(keys: [key], next: Token(rawValue: 5))))
            ),
            ("count", .count(id, epoch: 3)),
            ("staleRing", .staleRing(id, epoch: 4)),
            ("counted", .counted(id, keys: [0, 5])),
        ]
    }

    private func background(
        _ id: RequestID,
        _ key: StoredKey,
        _ object: EncodedObject
    ) -> [(String, PeerMessage)] {
        let held = key.standingIn(for: NodeID(5))
        let inventory = NodeInventory(
            disk: NodeFacts(diskFree: 258, diskTotal: 1 << 40),
            partitions: [.nothing, PartitionFacts(keys: 3, bytes: 500)]
        )
        return [
            ("handOff", .handOff(id, [HandedRecord(key: key, object: object)])),
            ("handedOff", .handedOff(id, .durable(refused: 1))),
            ("digest", .gossip(.digest([Heartbeat(node: NodeID(2), life: 3, beat: 4)]))),
            ("leaving", .gossip(.leaving)),
            ("facts.ask", .facts(id, .ask)),
            ("facts.told", .facts(id, .told(inventory))),
            ("otherLife", .gossip(.otherLife(5))),
            ("store.standIn", .store(id, held, object, timeout: .milliseconds(500), epoch: 3)),
        ] + entropy(HandedRecord(key: key, object: object)).map { ($0, .entropy(id, $1)) }
            + ring() + transfers(id, HandedRecord(key: key, object: object))
    }

    private func ring() -> [(String, PeerMessage)] {
        var progress = TransferProgress()
        progress.partitionsDone = 2
        progress.partitionsLeft = 1
        progress.keysDone = 1_000
        progress.bytesDone = 1_000_000
        progress.bytesLeft = 4_096
        progress.bytesPerSecond = 255
        progress.recordsSkipped = 1
        progress.wait = .source(NodeID(5))
        let report = RingReport(
            epoch: 9,
            ready: [3, 258],
            isDrained: true,
            progress: progress
        )
        let ballot = RingBallot(round: 3, node: NodeID(2))
        return [
            ("ring.ask", .ring(.ask(epoch: 9, token: 4))),
            ("ring.prepare", .ring(.prepare(epoch: 10, ballot))),
            ("ringReport", .ringReport(report)),
        ]
    }

    private func transfers(
        _ id: RequestID,
        _ record: HandedRecord
    ) -> [(String, PeerMessage)] {
        let token = Token(rawValue: 0x2F)
        let request = TransferRequest(partition: 258, from: token, bytesMax: 65_536, epoch: 5)
        let page = TransferPage(
            records: [record],
            next: Token(rawValue: 0x40),
            skipped: [token...token],
            keysLeft: 3,
            bytesLeft: 300
        )
        return [
            ("transfer", .transfer(id, request)),
            ("transferred", .transferred(id, .page(page))),
            ("transferred.staleRing", .transferred(id, .staleRing(epoch: 6))),
            ("transferred.overloaded", .transferred(id, .overloaded)),
            ("transferred.failed", .transferred(id, .failed(.io))),
        ]
    }

    private func entropy(_ record: HandedRecord) -> [(String, EntropyMessage)] {
        let vector = VersionVector(sorted: [Dot(actor: ActorID(rawValue: 0xA), counter: 300)])
        let clocks = [PartitionClock(partition: 258, clock: vector)]
        let roots = [
            PartitionRoot(partition: 3, root: 9),
            PartitionRoot(partition: 258, root: 0x0102_0304_0506_0708),
        ]
        let end = Token(rawValue: 0x2F)
        let leaves = LeafQuestion(
            partition: 258,
            parentBits: 1,
            parents: [1],
            bits: 2,
            sums: [5, 6]
        )
        let versions = VersionQuestion(
            partition: 258,
            from: Token(rawValue: 0x10),
            through: end,
            fingerprints: [7, 8]
        )
        let matched = (0..<9).map { [0, 2, 8].contains($0) }
        return [
            ("roots", .roots(roots, clocks: ToldClocks(clocks, isAll: true))),
            (
                "rootsCompared",
                .rootsCompared(
                    differing: [258],
                    unready: [3],
                    clocks: ToldClocks(clocks, wantsAll: true)
                )
            ),
            ("leaves", .leaves(leaves)),
            (
                "leavesCompared",
                .leavesCompared(LeafAnswer(bits: 2, differing: [2, 3], isEmpty: false))
            ),
            ("versions", .versions(versions)),
            (
                "versionsCompared",
                .versionsCompared(.page(through: end, matched: matched, records: [record]))
            ),
            ("versionsCompared.failed", .versionsCompared(.failed)),
            ("agreed", .agreed([258], clocks: clocks)),
            ("askHeld", .askHeld),
            ("held", .held(true)),
        ]
    }
}
