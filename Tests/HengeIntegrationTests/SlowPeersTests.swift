import Foundation
import HengeClient
import HengeCommand
import NIOCore
import Testing

/// A node that has more to tell its peers than they read.
@Suite(.serialized) struct SlowPeersTests {
    /// So many in flight are a quarter of what may wait on a link, so that those that were taken on
    /// before it was behind don't end it.
    private static let writers = 16
    private static let writesMax = 160
    private static let value = ByteBuffer(repeating: 0x76, count: 1_000_000)

    @Test("while most peers don't read writes are refused, and no connection is given up")
    func refused() async throws {
        try await TestCluster.run { cluster in
            var replies: Set<String> = []
            // Frozen nodes are found to be down some time later, and need not be told any more: a
            // busy machine may be too slow for what this is about.
            for _ in 0..<5 where !replies.contains("overloaded") {
                try await eventually("all nodes are up") { try await writesToAll(cluster) }
                replies = try await repliesWhileFrozen(2...3, cluster)
            }
            // Where the disk has more to do than this, some may come too late.
            #expect(replies.subtracting(["timedOut"]) == ["stored", "overloaded"])
            try await eventually("writes reach all nodes") { try await writesToAll(cluster) }
            let log = try String(contentsOfFile: "\(cluster.directory)/n1/log", encoding: .utf8)
            #expect(!log.contains("does not keep up"), "\(log)")
        }
    }

    @Test("while one peer alone doesn't read no write is refused")
    func oneAlone() async throws {
        try await TestCluster.run { cluster in
            try await eventually("all nodes are up") { try await writesToAll(cluster) }
            let replies = try await repliesWhileFrozen(3...3, cluster)
            #expect(replies.subtracting(["timedOut"]) == ["stored"])
            try await eventually("writes reach all nodes") { try await writesToAll(cluster) }
        }
    }

    /// What became of writes at ONE while these nodes did not run: until some were refused, or many
    /// were not.
    private func repliesWhileFrozen(
        _ nodes: ClosedRange<Int>,
        _ cluster: TestCluster
    ) async throws -> Set<String> {
        let records = nodes.compactMap(cluster.process)
        for record in records { #expect(NodeProcess.signal(record, SIGSTOP)) }
        defer { for record in records { _ = NodeProcess.signal(record, SIGCONT) } }
        return try await withThrowingTaskGroup(of: Set<String>.self) { group in
            for writer in 0..<Self.writers {
                group.addTask { try await Self.write(from: writer, to: cluster.address(of: 1)) }
            }
            return try await group.reduce(into: []) { $0.formUnion($1) }
        }
    }

    private static func write(
        from writer: Int,
        to address: HengeAddress
    ) async throws -> Set<String> {
        let connection = try await HengeConnection.connect(to: address)
        var replies: Set<String> = []
        for number in 0..<(writesMax / writers) where !replies.contains("overloaded") {
            let words = ["SET", "k\(writer)-\(number)", "", "CONSISTENCY", "ONE"]
            var arguments = words.map { ByteBuffer(string: $0) }
            arguments[2] = value
            do throws(HengeError) {
                _ = try await connection.send(arguments)
                replies.insert("stored")
            } catch {
                replies.insert(error.code.description)
            }
        }
        await connection.close()
        return replies
    }

    private func writesToAll(_ cluster: TestCluster) async throws -> Bool {
        let connection = try await HengeConnection.connect(to: cluster.address(of: 1))
        let reply = try? await connection.send("SET", "small", "v", "CONSISTENCY", "ALL")
        await connection.close()
        return reply != nil
    }
}
