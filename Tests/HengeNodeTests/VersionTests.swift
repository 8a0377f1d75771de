import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import Testing

import struct NIOCore.ByteBuffer

/// Disks that have the versions of records at hand, and not the records.
@Suite struct VersionTests {
    private let k = key("k")

    private func cluster() throws -> (Cluster, Asked) {
        let cluster = try Cluster()
        let asked = Asked()
        cluster.versions = EncodedVersion.headerBytes
        cluster.fails = { node, request in
            asked.note(request, by: node)
            return nil
        }
        return (cluster, asked)
    }

    /// What the disks were asked to read.
    private final class Asked {
        private(set) var reads: [String] = []

        func note(_ request: StorageRequest, by node: NodeID) {
            switch request {
            case .load: reads.append("n\(node.rawValue) record")
            case .loadVersion: reads.append("n\(node.rawValue) version")
            default: break
            }
        }

        func take() -> [String] {
            defer { reads = [] }
            return reads.sorted()
        }
    }

    private static let versions = ["n1 version", "n2 version", "n3 version"]

    @Test("a write that replaces all that is there reads no record on any replica")
    func replaced() throws {
        let (cluster, asked) = try cluster()
        #expect(cluster.set(k, "a", .all) == "OK")
        _ = asked.take()
        #expect(cluster.set(k, "b", .all) == "OK")
        #expect(asked.take() == Self.versions)
        #expect(cluster.set(k, "c", at: 2, .all) == "OK")
        #expect(asked.take() == Self.versions)
        #expect((1...3).allSatisfy { cluster.stored(k, on: $0) == "c" })
        let made = cluster.nodes.reduce(0) { $0 + $1.shard.counters.changesByVersion }
        #expect(made == 6)
        #expect(cluster.isQuiet)
    }

    @Test("a write with the context of all siblings replaces them by their version; others do not")
    func contexts() throws {
        let (cluster, asked) = try cluster()
        cluster.set(k, "a", .all, basis: .nothing)
        let first = try #require(try object(cluster)).context
        cluster.set(k, "b", .all, basis: .nothing)
        #expect(cluster.stored(k, on: 3) == "a+b")
        let both = try #require(try object(cluster)).context
        _ = asked.take()
        // The others have a record that the new one does not replace.
        cluster.set(k, "c", .all, basis: .context(first))
        #expect(asked.take() == (Self.versions + ["n1 record", "n2 record", "n3 record"]).sorted())
        #expect(cluster.stored(k, on: 3) == "b+c")
        cluster.set(k, "d", .all, basis: .context(both))
        #expect(cluster.stored(k, on: 3) == "c+d")
        let all = try #require(try object(cluster)).context
        _ = asked.take()
        cluster.set(k, "e", .all, basis: .context(all))
        #expect(asked.take() == Self.versions)
        #expect((1...3).allSatisfy { cluster.stored(k, on: $0) == "e" })
    }

    private func object(_ cluster: Cluster) throws -> EncodedObject? {
        try cluster.node(1).disk[k].map { try EncodedObject($0) }
    }

    @Test("a write that depends on what is there, or tells it, reads the record where it is made")
    func dependent() throws {
        let (cluster, asked) = try cluster()
        cluster.set(k, "a", .all)
        let value = Mutation.Content.value(ByteBuffer(string: "b"))
        let mutations = [
            Mutation(content: value, condition: .present),
            Mutation(content: value, expiry: .keep),
            Mutation(content: value, returnsPrevious: true),
            Mutation(content: .unchanged, expiry: .at(WallTime(milliseconds: 1 << 50))),
        ]
        for mutation in mutations {
            _ = asked.take()
            cluster.ask(.write(mutation), k, write: .all)
            #expect(asked.take().contains("n1 record"), "\(mutation)")
        }
        #expect((1...3).allSatisfy { cluster.stored(k, on: $0)?.hasPrefix("b") == true })
    }

    @Test("a change that another waits behind reads the record, and both are made")
    func waiting() throws {
        let (cluster, asked) = try cluster()
        cluster.set(k, "a", .all)
        _ = asked.take()
        cluster.holds = { $0.isLoad(on: 1) }
        let first = cluster.request(.write(.value("b")), k)
        let second = cluster.request(.write(.value("c")), k)
        cluster.run()
        cluster.release()
        cluster.run()
        #expect(asked.take().contains("n1 record"))
        #expect(cluster.answer(first) == "OK" && cluster.answer(second) == "OK")
        cluster.settle()
        #expect((1...3).allSatisfy { cluster.stored(k, on: $0) == "c" })
        #expect(cluster.isQuiet)
    }

    @Test("a digest is made of the version")
    func digests() throws {
        let (cluster, asked) = try cluster()
        cluster.set(k, "a", .all)
        _ = asked.take()
        #expect(cluster.get(k, .all) == "a")
        #expect(asked.take() == ["n1 record", "n2 version", "n3 version"])
    }

    @Test("for what is no version the record is read")
    func garbage() throws {
        let (cluster, asked) = try cluster()
        cluster.versions = { _ in ByteBuffer(string: "no version") }
        cluster.set(k, "a", .all)
        _ = asked.take()
        #expect(cluster.set(k, "b", .all) == "OK")
        #expect(asked.take() == (Self.versions + ["n1 record", "n2 record", "n3 record"]).sorted())
        #expect(cluster.get(k, .all) == "b")
        #expect(cluster.isQuiet)
    }

    @Test("a write that comes again is durable already, and is not stored again")
    func again() throws {
        let (cluster, _) = try cluster()
        cluster.set(k, "a", .all)
        let object = try #require(try object(cluster))
        let id = RequestID(rawValue: 1)
        let message = PeerMessage.store(
            id, k, object, timeout: .milliseconds(500), epoch: cluster.ring.document.epoch)
        var persists = 0
        cluster.fails = { _, request in
            if case .persist = request { persists += 1 }
            return nil
        }
        cluster.step(NodeID(2), .message(from: NodeID(1), message))
        cluster.run()
        #expect(persists == 0)
        #expect(cluster.sent.last == "2→1 stored durable")
    }
}
