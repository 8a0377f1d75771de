import Foundation
import Glibc
import HengeBase
import HengeMessages
import HengeStorage
import Logging
import Synchronization
import Testing

import struct NIOCore.ByteBuffer

/// A process that is killed while it writes.
@Suite(.serialized) struct KillTests {
    /// How the child is told its directory; it can capture nothing.
    private static let variable = "HENGE_KILL_TEST_DIRECTORY"

    @Test("kill -9 in the middle of writes loses nothing acknowledged (sync)")
    func killInSync() async throws {
        let directory = TestDirectory()
        setenv(Self.variable, directory.path, 1)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            try KillTests.writeUntilKilled(durability: .sync)
        }
        try expectAcknowledged(in: directory)
    }

    @Test("kill -9 in the middle of writes loses nothing acknowledged (interval)")
    func killInInterval() async throws {
        let directory = TestDirectory()
        setenv(Self.variable, directory.path, 1)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            try KillTests.writeUntilKilled(durability: .interval(.seconds(60)))
        }
        try expectAcknowledged(in: directory)
    }

    /// The child: writes k0, k1, … and notes each acknowledgement in a file; after 5,000 kills
    /// itself.
    private static func writeUntilKilled(durability: RocksDBEngine.Durability) throws {
        let path = try #require(getenv(variable).map { String(cString: $0) })
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let notes = Glibc.open(path + "/acknowledged", O_CREAT | O_WRONLY | O_APPEND, 0o600)
        try #require(notes >= 0)
        let acknowledged = Atomic<Int>(0)
        var options = options(path)
        options.durability = durability
        let engine = try RocksDBEngine.open(
            options,
            identity: RocksDBUnderTest.identity,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            deliver: { completions in
                for case .persisted(let token, nil) in completions {
                    var number = token.rawValue
                    write(notes, &number, 8)
                    let count = acknowledged.wrappingAdd(1, ordering: .relaxed).newValue
                    if count == 5_000 { kill(getpid(), SIGKILL) }
                }
            }
        )
        var number: UInt64 = 0
        while true {
            for _ in 0..<7 {
                let object = TestObjects.object("v\(number)", counter: number + 1)
                let token = StorageToken(rawValue: number)
                let key = TestObjects.key("k\(number)")
                // A third is held for another node, and each write earns a hint.
                let hint = hint(number)
                let place = number.isMultiple(of: 3) ? hint.key : key
                engine.persist(place, object, hints: [hint], token: token)
                number += 1
            }
            engine.endTurn()
            while engine.metrics.pendingWrites > 500 { sched_yield() }
        }
    }

    private static func hint(_ number: UInt64) -> Hint {
        let target = NodeID(UInt16(number % 2))
        let key = TestObjects.key("k\(number)")
        return Hint(
            target: target,
            sequence: number,
            created: WallTime(milliseconds: number),
            key: number.isMultiple(of: 3) ? key.standingIn(for: target) : key
        )
    }

    private static func options(_ path: String) -> RocksDBEngine.Options {
        var options = RocksDBEngine.Options(directory: path + "/n1", partitionBits: 6)
        // Small, so that tables are written and logs change meanwhile.
        options.writeBufferBytes = 64 << 10
        return options
    }

    private func expectAcknowledged(in directory: TestDirectory) throws {
        let notes = try Data(
            contentsOf: URL(fileURLWithPath: directory.path + "/acknowledged")
        )
        #expect(notes.count >= 5_000 * 8)
        let store = try RocksDBUnderTest(Self.options(directory.path))
        defer { store.shutDown() }
        #expect(store.engine.previousCleanState == nil)
        // Acknowledgements come in the order of the writes, so they are 0, 1, … and so is what is
        // there.
        let count = notes.count / 8
        for number in 0..<count {
            let expected = TestObjects.object("v\(number)", counter: UInt64(number + 1))
            if store.load(Self.hint(UInt64(number)).key) != .success(expected) {
                Issue.record("write \(number) of \(count) was acknowledged and is gone")
                return
            }
        }
        // A record and its hint came together, so that where the records end the hints end.
        let hints = try (0...1).flatMap { try store.allHints(NodeID(UInt16($0))) }
            .sorted { $0.sequence < $1.sequence }
        // The engine takes sequences from 0; a page begins above 0.
        let total = hints.count + 1
        #expect(total >= count)
        #expect(hints == (1..<total).map { Self.hint(UInt64($0)) })
        #expect(store.load(Self.hint(UInt64(total - 1)).key) != .success(nil))
        for number in total..<(total + 7) {
            #expect(store.load(Self.hint(UInt64(number)).key) == .success(nil))
        }
        let own = try #require(store.tally()).partitions.reduce(.nothing, +).records
        #expect(own == (0..<total).count { !$0.isMultiple(of: 3) })
    }
}
