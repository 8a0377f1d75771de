import Foundation
import HengeClient
import HengeCommand
import NIOCore
import Testing

/// Replicas of real processes become equal by comparing, and what is deleted goes from all.
@Suite(.serialized) struct EntropyTests {
    private static let keys = 20_000
    private static let batch = 250
    private static let list = ["n1", "n2", "n3"]

    /// No hints are kept, so nothing but comparisons mends.
    private static let options = [
        "--hint-max-mib", "0", "--compare-interval-s", "1", "--read-repair", "off",
    ]

    private struct Place {
        let folder: TemporaryFolder
        let base: Int

        func address(_ index: Int) -> HengeAddress {
            HengeAddress(host: "127.0.0.1", port: base + index)
        }

        func start(_ name: String) throws -> ServeNode {
            try ServeNode(
                name,
                data: folder.path(name),
                base: base,
                list: EntropyTests.list,
                folder: folder,
                more: EntropyTests.options
            )
        }

        func report() async throws -> [String: Any] {
            try await Henge.run([
                "report", "entropy", "--json", "--node", address(0).description,
            ]).json()
        }

        /// How many records each node says that it has.
        func records() async throws -> [Int64] {
            var records: [Int64] = []
            for index in EntropyTests.list.indices {
                let connection = try await HengeConnection.connect(to: address(index))
                let reply = try await connection.send("HENGE.STATUS")
                await connection.close()
                records.append(EntropyTests.integer("records", of: reply) ?? -1)
            }
            return records
        }
    }

    @Test("a node that lost its disk gets all back, and deleted keys are purged everywhere")
    func lostDisk() async throws {
        let place = Place(
            folder: try TemporaryFolder(),
            base: try TestCluster.freeBasePort(nodes: 3)
        )
        defer { place.folder.remove() }
        var nodes = try Self.list.map(place.start)
        defer { for node in nodes { node.remove() } }
        for node in nodes { try await node.waitReady() }
        try await Self.write("old", 0..<Self.keys, to: place.address(0))

        let writer = Task {
            try await Self.write("new", 0..<(Self.keys / 2), to: place.address(1))
        }
        defer { writer.cancel() }
        nodes[2].remove()
        try FileManager.default.removeItem(atPath: place.folder.path("n3"))
        nodes[2] = try place.start("n3")
        try await nodes[2].waitReady()
        try await writer.value

        try await Self.verifyAll(place)
        #expect(try await place.records() == Array(repeating: Int64(Self.keys), count: 3))
        for number in [0, Self.keys / 2 - 1, Self.keys / 2, Self.keys - 1] {
            try await Self.expectEqual("key:\(number)", place)
        }

        try await Self.delete(0..<Self.keys, at: place.address(2))
        try await eventually("all tombstones are purged", within: .seconds(120)) {
            let repair = try await Henge.run(["repair", "--node", place.address(0).description])
            #expect(repair.status == 0, "\(repair.errors)")
            return try await place.records() == [0, 0, 0]
        }
    }

    /// Waits until every range was verified on all its replicas after now.
    private static func verifyAll(_ place: Place) async throws {
        let begin = ContinuousClock.now
        try await eventually("every range is verified", within: .seconds(120)) {
            let asked = ContinuousClock.now
            let report = try await place.report()
            guard (report["unreached"] as? [Any])?.isEmpty == true else { return false }
            let ranges = try #require(report["ranges"] as? [[String: Any]])
            #expect(ranges.count == 64)
            return ranges.allSatisfy { range in
                guard let age = range["verified_seconds"] as? Double else { return false }
                return Duration.seconds(age) < asked - begin
            }
        }
    }

    /// The replicas of a key hold one version.
    private static func expectEqual(_ key: String, _ place: Place) async throws {
        let shown = try await Henge.run([
            "inspect", key, "--json", "--node", place.address(0).description,
        ]).json()
        let replicas = try #require(shown["replicas"] as? [[String: Any]])
        let digests = replicas.map { "\($0["digest"] ?? "none")" }
        #expect(digests.count == 3 && Set(digests).count == 1, "\(key): \(shown)")
        #expect(digests.first != "none", "\(key): \(shown)")
    }

    private static func integer(_ name: String, of reply: HengeReply) -> Int64? {
        guard case .map(let entries) = reply else { return nil }
        for entry in entries
        where entry.key == .text(name) || entry.key == .bytes(ByteBuffer(string: name)) {
            if case .integer(let number) = entry.value { return number }
        }
        return nil
    }

    // MARK: Load

    private static func write(
        _ prefix: String,
        _ numbers: Range<Int>,
        to address: HengeAddress
    ) async throws {
        try await send(numbers, to: address) { ["SET", "key:\($0)", "\(prefix) value of \($0)"] }
    }

    private static func delete(_ numbers: Range<Int>, at address: HengeAddress) async throws {
        try await send(numbers, to: address) { ["DEL", "key:\($0)"] }
    }

    /// Sends what is refused again, as a node may be going just now.
    private static func send(
        _ numbers: Range<Int>,
        to address: HengeAddress,
        _ words: (Int) -> [String]
    ) async throws {
        let connection = try await HengeConnection.connect(to: address)
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: batch) {
            var left = (start..<min(start + batch, numbers.upperBound)).map { number in
                words(number).map { ByteBuffer(string: $0) }
            }
            try await eventually("a batch is written", within: .seconds(120)) {
                let replies = try await connection.pipeline(left)
                left = zip(left, replies).compactMap { request, reply in
                    if case .failure = reply { return request }
                    return nil
                }
                return left.isEmpty
            }
        }
        await connection.close()
    }
}
