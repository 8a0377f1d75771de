import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// The bytes of protocol version 4, one message of each kind. If this fails, nodes of two builds no
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
        forward.described 0500000002000000070000000000000003000f424002f3000000000dc3ef2a250ba7f3e\
        401626b6579020300000001760000000374787402000002
        forward.plain 0500000002000000070000000000000003000f424002f3000000000dc3ef2a250ba7f3e4016\
        26b6579020100000000
        forward.explained 0500000002000000070000000000000003000f424002f3030000000dc3ef2a250ba7f\
        3e401626b657900
        explained 16000000020000000702000100000000000000030100000002000000000000000300001900000\
        000000003e801020300000000000003e902000300000000000003ea030004000300000000000003eb040002\
        0100000000000003ec05000200000000000003ed0600010100000000000003ee0700010000000000000003e\
        f070001010000000000000102000000010000004000000000000003f0070001020000000000000102000000\
        00000003f1070001030300000000000003f20700010400000000000003f30800000000000003f4090000000\
        000000102000000010000004000000000000003f50a000300000000000003f60b00030000000000000003f7\
        0c0000000000000102000000010000004000000000000003f80d000300000000000003f90e0003010100000\
        000000003fa0f00030200000000000003fb10000300000000000003fc110000000000000003000000000000\
        03fd12000000000000000400000000000003fe13000300000000000003ff1400000000000004001501
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
        facts.askLoads 14000000020000000702
        facts.toldLoads 14000000020000000703010000000100000000000000010000000000000002000000000\
        00000030000000000000004
        facts.askSample 14000000020000000704000000010000010200000014
        facts.toldSample 1400000002000000070500000000000000010000000000000000000000010000000162\
        000000000000000100000000000000320000000000000000000000000000000000000000000000000000000\
        000000000000000000000000000000000000000000000000300000000000000000000000000000000000000\
        000000000100000002000000000000000000000000000000010000000200000000000000000000000000000\
        001000000010000000162000000036b65790000000000000032000000000000000100000000
        facts.askPulse 1400000002000000070601
        facts.toldPulse 14000000020000000707001f00000000000000010000000000000002000000000000000\
        300000000000000040000000000000005000000000000000600000000000000070000000000000008000000\
        0000000009000000000000000a000000000000000b000000000000000c000000000000000d0000000000000\
        00e000000000000000f00000000000000100000000000000011000000000000001200000000000000130000\
        000000000014000000000000001500000000000000160000000000000017000000000000001800000000000\
        00019000000000000001a000000000000001b000000000000001c000000000000001d000000000000001e00\
        0000000000001f0000000000011170000100200000000000000001000000000000000000000001000500000\
        000000000020000000000000003000000000000000400010006000000000000000800000000000000070100\
        000046000000000000000a0000000000000004000000000000012c00000000000000010001c3ef2a250ba7f\
        3e4000dc3ef2a250ba7f3e401626b65790000000d0000000000000003000000000000000200000000000000\
        320000000000000001020200000001000000020000000300000004
        facts.askHistory 14000000020000000708
        facts.toldHistory 1400000002000000070900010000000000000102000000030000000400000005010600\
        00000700
        clock.ask 150000000000000000000000000000000102
        clock.tell 1500000000000000000100000000000001020000010000000000
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
        ring.next 0f0000000000000000090000001700000000\
        0000000a010203040506070801000200030102
        ringReport 100000000000000000000000000000000900020003010201000200060102000000000000000200\
        0000000000000100000000000003e800000000000f4240000000000000100000000000000000ff0000000000\
        000001020005
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
        let described = Mutation(
            content: .value(value, metadata: ByteBuffer(string: "txt")),
            basis: .nothing,
            returnsObject: true
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
            ("forward.described", forward(.write(described))),
            ("forward.plain", forward(.write(Mutation(content: .tombstone)))),
        ] + explained(id, key, levels) + [
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

    private func explained(
        _ id: RequestID,
        _ key: StoredKey,
        _ levels: ConsistencyLevels
    ) -> [(String, PeerMessage)] {
        let request = ClientRequest(
            key: key,
            operation: .read,
            levels: levels,
            timeout: .seconds(1),
            isSloppy: true,
            isExplained: true
        )
        return [
            ("forward.explained", .forward(id, request, epoch: 3)),
            ("explained", .explained(id, explanation())),
        ]
    }

    /// Each event and each finding once.
    private func explanation() -> Explanation {
        let (one, two, three) = (NodeID(1), NodeID(2), NodeID(3))
        let digest = VersionDigest(rawValue: 258)
        let version = Explanation.Version(digest: digest, siblings: 1, bytes: 64)
        let events: [Explanation.Event] = [
            .coordinates(reads: 2, writes: 3), .skips(three), .standsIn(NodeID(4), for: three),
            .forwards(two, isHedge: true), .forwardAnswered(two), .asks(one, .digest),
            .answers(one, .absent), .answers(one, .object(version)), .answers(one, .digest(digest)),
            .answers(one, .failed(.corrupt)), .answers(one, .overloaded), .hedges,
            .merges(version), .repairs(three), .repaired(three, .durable), .makes(version),
            .sends(three), .stores(three, .failed(.noSpace)), .hints(three, .refused),
            .refusesRing(three), .waitsForRing(3), .resumes(4), .loses(three), .deadline,
            .replies(isSuccess: true),
        ]
        let steps = events.enumerated().map { index, event in
            Explanation.Step(after: Interval(nanoseconds: UInt64(1000 + index)), event: event)
        }
        return Explanation(legs: [
            Explanation.Leg(node: one, epoch: 3, isCut: true),
            Explanation.Leg(node: two, epoch: 3, steps: steps),
        ])
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
        func pulse(_ key: StoredKey) -> NodePulse {
            var pulse = NodePulse()
            for (index, number) in NodePulse.Number.allCases.enumerated() {
                pulse[number] = UInt64(index + 1)
            }
            pulse.readTimes.record(.microseconds(70))
            pulse.hints = [NodePulse.Hints(target: NodeID(5), count: 2, bytes: 3, age: 4)]
            pulse.comparing = [NodePulse.Comparing(peer: NodeID(6), differing: 8, left: 7)]
            pulse.heat = PulseHeat(
                seconds: 70, reads: 10, writes: 4, bytes: 300, least: 1,
                keys: [
                    PulseHeat.Key(
                        token: key.token.rawValue, stored: key.bytes,
                        storedLength: UInt32(key.bytes.readableBytes), reads: 3, writes: 2,
                        bytes: 50, error: 1)
                ],
                minutes: [[1, 2], [3, 4]]
            )
            return pulse
        }
        let history = PulseHistory([
            PulseHistory.Second(
                time: 258, reads: 3, writes: 4, failures: 5,
                readTimes: [PulseHistory.Times(bucket: 6, count: 7)], writeTimes: [])
        ])
        let held = key.standingIn(for: NodeID(5))
        let inventory = NodeInventory(
            disk: NodeFacts(diskFree: 258, diskTotal: 1 << 40),
            partitions: [.nothing, PartitionFacts(keys: 3, bytes: 500)]
        )
        let loads = NodeLoads(
            isComplete: true,
            partitions: [KeyLoad(keys: 1, bytes: 2, siblings: 3, tombstones: 4)]
        )
        var sample = RecordSample()
        key.bytes.withUnsafeReadableBytes { sample.add($0, object) }
        return [
            ("handOff", .handOff(id, [HandedRecord(key: key, object: object)])),
            ("handedOff", .handedOff(id, .durable(refused: 1))),
            ("digest", .gossip(.digest([Heartbeat(node: NodeID(2), life: 3, beat: 4)]))),
            ("leaving", .gossip(.leaving)),
            ("facts.ask", .facts(id, .ask)),
            ("facts.told", .facts(id, .told(inventory))),
            ("facts.askLoads", .facts(id, .askLoads)),
            ("facts.toldLoads", .facts(id, .toldLoads(loads))),
            (
                "facts.askSample",
                .facts(id, .askSample([SampleSpan(partition: 258, records: 20)]))
            ),
            ("facts.toldSample", .facts(id, .toldSample(sample))),
            ("facts.askPulse", .facts(id, .askPulse(heat: true))),
            ("facts.toldPulse", .facts(id, .toldPulse(pulse(key)))),
            ("facts.askHistory", .facts(id, .askHistory)),
            ("facts.toldHistory", .facts(id, .toldHistory(history))),
            ("clock.ask", .clock(.ask(asked: Instant(nanoseconds: 258)))),
            (
                "clock.tell",
                .clock(.tell(asked: Instant(nanoseconds: 258), wallMicroseconds: 1 << 40))
            ),
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
            unreached: [NodeID(6), NodeID(258)],
            progress: progress
        )
        let ballot = RingBallot(round: 3, node: NodeID(2))
        let checksum: UInt64 = 0x0102_0304_0506_0708
        let delta = RingDelta(epoch: 10, checksum: checksum, change: .advance([3, 258]))
        return [
            ("ring.ask", .ring(.ask(epoch: 9, token: 4))),
            ("ring.prepare", .ring(.prepare(epoch: 10, ballot))),
            ("ring.next", .ring(.next(delta))),
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
