import HengeBase
import HengeMessages
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// Right after an opening most tables of a store with many are not open yet.
@Suite struct UnopenedTableTests {
    private let directory = TestDirectory()
    private static let tables = 64

    @Test("records of tables that aren't open yet are read, and not taken for damaged ones")
    func manyTables() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        let path = store.options.directory
        store.shutDown()
        let keys = (0..<Self.tables).map { TestObjects.key("k\($0)") }
        let object = TestObjects.object("value")
        do {
            let files = try RawDatabase(path)
            for key in keys {
                let raw = Array(buffer: key.bytes)
                files.put(raw, RawDatabase.sealed(Array(buffer: object), key: raw), family: 1)
                try files.flush()
            }
        }
        let again = try RocksDBUnderTest(RocksDBEngine.Options(directory: path, partitionBits: 6))
        defer { again.shutDown() }
        for key in keys { #expect(again.load(key) == .success(object)) }
        #expect(again.engine.metrics.failuresCorrupt == 0)
        #expect(again.load(TestObjects.key("none")) == .success(nil))
    }
}
