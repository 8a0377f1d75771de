import Foundation
import Testing

import struct NIOCore.ByteBuffer

/// Threads of this process, by their names.
private func priorities(ofThreads prefix: String) throws -> [CInt] {
    let tasks = "/proc/self/task"
    return try FileManager.default.contentsOfDirectory(atPath: tasks).compactMap { name in
        // A thread may end meanwhile.
        guard let comm = try? String(contentsOfFile: "\(tasks)/\(name)/comm", encoding: .utf8),
            let thread = id_t(name), comm.hasPrefix(prefix)
        else { return nil }
        return getpriority(CInt(PRIO_PROCESS.rawValue), thread)
    }
}

@Suite struct BackgroundPriorityTests {
    @Test("RocksDB's own threads give way to those that answer, from the first opening on")
    func lowered() throws {
        let store = try RocksDBUnderTest { _ in }
        defer { store.shutDown() }
        let ours = getpriority(CInt(PRIO_PROCESS.rawValue), id_t(getpid()))
        let background = try priorities(ofThreads: "rocksdb:")
        #expect(background.count >= 2, "one to write memtables out, one to compact")
        #expect(background.allSatisfy { $0 == min(ours + 10, 19) }, "\(background)")
        // A thread has its name by the time it works.
        #expect(store.persist(TestObjects.key("k"), ByteBuffer(string: "v")) == nil)
        let writers = try priorities(ofThreads: "henge-writer")
        #expect(!writers.isEmpty && writers.allSatisfy { $0 == ours }, "\(writers)")
    }
}
