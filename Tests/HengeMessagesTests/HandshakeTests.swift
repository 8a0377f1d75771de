import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

@Suite struct HandshakeTests {
    @Test("a hello survives the trip, and fields that a later version appends are ignored")
    func roundTrip() throws {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            let hello = random.anyHello()
            var wire = bytes(hello)
            try #require(PeerHello.read(wire) == hello, "seed \(seed)")
            wire.writeInteger(random.next())
            try #require(PeerHello.read(wire) == hello, "seed \(seed)")
        }
    }

    @Test("a hello that ends before its purpose is for requests, and an unknown purpose is refused")
    func purposes() throws {
        var hello = hello()
        hello.purpose = .bulk
        var wire = bytes(hello)
        wire.moveWriterIndex(to: wire.writerIndex - 1)
        #expect(try PeerHello.read(wire).purpose == .requests)
        wire.writeInteger(UInt8(3))
        #expect(throws: WireDecodeError.invalidField("purpose")) { try PeerHello.read(wire) }
    }

    @Test("shards of one number and of nodes with as many agree, and others do not")
    func shards() throws {
        let whole = hello(node: 1)
        var second = hello(node: 2)
        second.slice = ShardSlice(index: 1, count: 2)
        #expect(try PeerHello.read(bytes(second)).slice == second.slice)
        // A version that knows of no shards would not find one in common.
        #expect(try PeerHello.read(bytes(second)).versions == 5...5)
        #expect(try PeerHello.read(bytes(whole)).versions == whole.versions)
        #expect(throws: HandshakeRefusal.otherShard(ours: .whole, theirs: second.slice)) {
            try whole.agree(with: second, expected: nil)
        }
        var third = second
        third.node = NodeID(3)
        _ = try third.agree(with: second, expected: NodeID(2))
        third.slice = ShardSlice(index: 0, count: 2)
        #expect(throws: HandshakeRefusal.self) { try third.agree(with: second, expected: nil) }
        var wire = bytes(second)
        wire.setInteger(UInt16(2), at: wire.writerIndex - 4)
        #expect(throws: WireDecodeError.invalidField("shard")) { try PeerHello.read(wire) }
    }

    @Test("a candidate says what it has; what no node may have is refused")
    func candidacies() throws {
        let good = hello(candidacy: candidacy())
        #expect(try PeerHello.read(bytes(good)) == good)
        // Only the purpose tells that there is a candidacy.
        var member = good
        member.purpose = .bulk
        #expect(try PeerHello.read(bytes(member)).candidacy == nil)

        let bad: [(Candidacy, String)] = [
            (candidacy(peer: "nowhere"), "peer address"), (candidacy(peer: "h:0"), "peer address"),
            (candidacy(zone: "a b"), "zone"), (candidacy(weight: 0), "weight"),
            (candidacy(weight: 1001), "weight"),
            (candidacy(zone: String(repeating: "z", count: 65)), "zone"),
            (candidacy(zone: String(repeating: "z", count: PeerHello.textMax + 1)), "text"),
        ]
        for (candidacy, field) in bad {
            #expect(throws: WireDecodeError.invalidField(field), "\(candidacy)") {
                try PeerHello.read(bytes(hello(candidacy: candidacy)))
            }
        }
        for name in ["", "a b", String(repeating: "n", count: 65)] {
            #expect(throws: WireDecodeError.invalidField("name"), "\(name)") {
                try PeerHello.read(bytes(hello(name: name, candidacy: candidacy())))
            }
        }
        let whole = bytes(good)
        let short = try #require(whole.getSlice(at: 0, length: whole.readableBytes - 1))
        #expect(throws: WireDecodeError.truncated) { try PeerHello.read(short) }
    }

    @Test("a candidate need not know its cluster, and else it must be the same")
    func candidateClusters() throws {
        let version: UInt16 = 4
        let member = hello(cluster: 7)
        for cluster in [UInt64(0), 7] {
            let candidate = hello(cluster: cluster, node: 0, candidacy: candidacy())
            #expect(try member.agree(withCandidacy: candidate) == version)
            #expect(try candidate.agree(withCandidacy: member) == version)
        }
        let other = hello(cluster: 8, node: 0, candidacy: candidacy())
        #expect(throws: HandshakeRefusal.wrongCluster(ours: 7, theirs: 8)) {
            try member.agree(withCandidacy: other)
        }
        let newer = hello(versions: 90...91, cluster: 7, node: 0, candidacy: candidacy())
        #expect(throws: HandshakeRefusal.noCommonVersion(ours: 4...4, theirs: 90...91)) {
            try member.agree(withCandidacy: newer)
        }
    }

    private func candidacy(
        peer: String = "10.0.0.4:7401",
        zone: String = "a",
        weight: Int = 3
    ) -> Candidacy {
        Candidacy(peerAddress: peer, zone: zone, weight: weight, diskFree: 5, diskTotal: 9)
    }

    @Test("damaged hellos never trap; cut ones are errors")
    func fuzz() throws {
        for seed in UInt64(0)..<50 {
            var random = SeededGenerator(seed: seed)
            var hello = random.anyHello()
            let whole = bytes(hello)
            hello.purpose = .bulk
            // What ends before the purpose is a whole hello.
            let wholeBefore = bytes(hello).readableBytes - 1
            for length in 0..<whole.readableBytes where length != wholeBefore {
                guard let part = whole.getSlice(at: 0, length: length) else { continue }
                if (try? PeerHello.read(part)) != nil {
                    Issue.record("accepted: seed \(seed), length \(length)")
                }
            }
            for bit in 0..<min(whole.readableBytes, 80) * 8 {
                var flipped = whole
                let byte = flipped.getInteger(at: bit / 8, as: UInt8.self) ?? 0
                flipped.setInteger(byte ^ 1 << UInt8(bit % 8), at: bit / 8)
                if let hello = try? PeerHello.read(flipped) {
                    #expect(hello.versions.lowerBound <= hello.versions.upperBound)
                }
            }
            _ = try? PeerHello.read(random.anyBuffer(upTo: 100))
        }
    }

    @Test("what is no hello, or has a text too long, is refused")
    func refused() throws {
        var redis = ByteBuffer(string: "*1\r\n$4\r\nPING\r\n")
        #expect(throws: WireDecodeError.invalidField("magic")) { try PeerHello.read(redis) }
        redis.clear()
        #expect(throws: WireDecodeError.truncated) { try PeerHello.read(redis) }

        var backwards = bytes(hello(versions: 1...2))
        backwards.setInteger(UInt16(3), at: 4)
        #expect(throws: WireDecodeError.invalidField("versions")) { try PeerHello.read(backwards) }

        let long = String(repeating: "x", count: PeerHello.textMax + 1)
        #expect(throws: WireDecodeError.invalidField("text")) {
            try PeerHello.read(bytes(hello(name: long)))
        }
    }

    @Test("two nodes speak the greatest version that both know")
    func versions() throws {
        func agreed(
            _ ours: ClosedRange<UInt16>,
            _ theirs: ClosedRange<UInt16>
        ) throws -> UInt16 {
            let here = hello(versions: ours)
            let there = hello(versions: theirs, node: 2)
            let version = try here.agree(with: there, expected: nil)
            #expect(try there.agree(with: here, expected: NodeID(1)) == version)
            return version
        }
        #expect(try agreed(1...1, 1...1) == 1)
        #expect(try agreed(1...3, 2...5) == 3)
        #expect(try agreed(2...9, 1...2) == 2)
        #expect(try agreed(1...9, 4...6) == 6)
        #expect(throws: HandshakeRefusal.noCommonVersion(ours: 1...2, theirs: 3...4)) {
            try agreed(1...2, 3...4)
        }
        #expect(throws: HandshakeRefusal.noCommonVersion(ours: 5...6, theirs: 3...4)) {
            try agreed(5...6, 3...4)
        }
    }

    @Test("another cluster, another node than was dialled, and this very node are refused")
    func identities() throws {
        let here = hello()
        #expect(throws: HandshakeRefusal.wrongCluster(ours: 7, theirs: 8)) {
            try here.agree(with: hello(cluster: 8, node: 2), expected: NodeID(2))
        }
        #expect(
            throws: HandshakeRefusal.wrongNode(
                expected: NodeID(3),
                actual: NodeID(2),
                name: "stone"
            )
        ) { try here.agree(with: hello(node: 2), expected: NodeID(3)) }
        #expect(throws: HandshakeRefusal.ownIdentity(name: "stone")) {
            try here.agree(with: hello(), expected: nil)
        }
        #expect(throws: HandshakeRefusal.ownIdentity(name: "stone")) {
            try here.agree(with: hello(), expected: NodeID(2))
        }
        // The other cluster is the news, whatever else is wrong.
        #expect(throws: HandshakeRefusal.wrongCluster(ours: 7, theirs: 8)) {
            try here.agree(with: hello(versions: 9...9, cluster: 8), expected: NodeID(2))
        }
        #expect(try here.agree(with: hello(node: 2), expected: NodeID(2)) == 4)
    }

    private func hello(
        versions: ClosedRange<UInt16> = 4...4,
        cluster: UInt64 = 7,
        node: UInt16 = 1,
        name: String = "stone",
        candidacy: Candidacy? = nil
    ) -> PeerHello {
        PeerHello(
            versions: versions,
            clusterID: cluster,
            node: NodeID(node),
            name: name,
            epoch: 1,
            life: 1,
            respAddress: "",
            httpAddress: "",
            purpose: candidacy == nil ? .requests : .candidate,
            candidacy: candidacy
        )
    }
}
