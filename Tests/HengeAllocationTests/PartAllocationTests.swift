import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import HengeRESP
import HengeReplication
import HengeRequestModel
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// What the parts of a request's way allocate.
@Suite struct PartAllocationTests {
    private let key = StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: "a key"))

    @Test("the count sees what is allocated, and nothing else")
    func counts() {
        var held: [[UInt8]] = []
        held.reserveCapacity(4_000)
        #expect(Allocations.each {} == 0)
        #expect(Allocations.each { held.append([UInt8](repeating: 1, count: 100)) } == 1)
        #expect(held.count == 2_000)
    }

    @Test("token and preference list")
    func placement() throws {
        let list = try BootstrapList.parse("n1=a:1,n2=a:2,n3=a:3,n4=a:4,n5=a:5")
        let ring = Ring(try RingDocument.bootstrap(list, replicas: 3, partitions: 256))
        var sum = 0
        Allocations.expect(0, "token of a key") {
            let token = key.bytes.withUnsafeReadableBytes { Token.of(bucket: $0, key: $0) }
            sum &+= token.slot
        }
        Allocations.expect(0, "preference list of a token") {
            sum &+= ring.preferenceList(of: key.token).count + ring.homes(of: key.token).count
        }
        #expect(sum != 0)
    }

    @Test("codecs")
    func codecs() throws {
        let object = SampleObjects.object(counter: 1)
        let id = RequestID(rawValue: 7)
        let store = PeerMessage.store(id, key, object, timeout: .seconds(1), epoch: 3)
        var out = ByteBuffer()
        Allocations.expect(0, "a store message, written") {
            out.clear()
            PeerMessageCodec.write(store, into: &out)
        }
        var kinds = 0
        try Allocations.expect(0, "a store message, read") {
            if case .store = try PeerMessageCodec.read(out) { kinds += 1 }
        }
        #expect(kinds == 2_000)
        var parser = RESPRequestParser()
        let set = ByteBuffer(string: "*3\r\n$3\r\nSET\r\n$5\r\na key\r\n$7\r\na value\r\n")
        var arguments = 0
        try Allocations.expect(1, "a SET, parsed") {
            var inbox = set
            arguments += try parser.next(&inbox)?.arguments.count ?? 0
        }
        #expect(arguments == 6_000)
    }

    @Test("merges")
    func merges() {
        let (old, new) = (SampleObjects.object(counter: 1), SampleObjects.object(counter: 2))
        var siblings = 0
        Allocations.expect(0, "a version that supersedes another") {
            siblings += ObjectMerge.merge(old, new)?.siblingCount ?? 0
        }
        Allocations.expect(6, "a version that is old news") {
            siblings += ObjectMerge.merge(new, old)?.siblingCount ?? 0
        }
        #expect(siblings == 4_000)
    }

    @Test("hash trees")
    func trees() {
        var trees = PartitionTrees(partitions: 64, partitionBits: 6, saved: nil)
        trees.addInitial(Array(repeating: LeafSums(bits: 0), count: 64))
        var change: UInt64 = 1
        Allocations.expect(0, "a change of a hash tree") {
            change &+= 0x9E37_79B9_7F4A_7C15
            trees.add(change, at: key.token)
        }
    }
}
