import CRocksDB
import Glibc
import HengeRing

/// The engine's files, opened by RocksDB without the engine, to look at them and to harm them.
final class RawDatabase {
    private let options: OpaquePointer
    private let writes: OpaquePointer
    private let database: OpaquePointer
    private let families: [OpaquePointer]

    static let allFamilies = ["default", "objects", "meta", "hints"]

    struct Failed: Error {
        let status: String
    }

    init(_ directory: String, families names: [String] = allFamilies) throws {
        let options = try Self.made(rocksdb_options_create())
        rocksdb_options_set_create_if_missing(options, 1)
        rocksdb_options_set_create_missing_column_families(options, 1)
        // Files stay as they are put, however many they are.
        rocksdb_options_set_disable_auto_compactions(options, 1)
        rocksdb_options_set_level0_slowdown_writes_trigger(options, 1_000)
        rocksdb_options_set_level0_stop_writes_trigger(options, 1_000)
        var handles = [OpaquePointer?](repeating: nil, count: names.count)
        let copies = names.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        var status: UnsafeMutablePointer<CChar>?
        let database = rocksdb_open_column_families(
            options,
            directory,
            CInt(names.count),
            copies.map { UnsafePointer($0) },
            Array(repeating: options, count: names.count),
            &handles,
            &status
        )
        guard let database else {
            throw Failed(status: status.map { String(cString: $0) } ?? "no status")
        }
        self.options = options
        self.database = database
        self.writes = try Self.made(rocksdb_writeoptions_create())
        self.families = handles.compactMap { $0 }
    }

    private static func made(_ pointer: OpaquePointer?) throws -> OpaquePointer {
        guard let pointer else { throw Failed(status: "no memory") }
        return pointer
    }

    deinit {
        for family in families { rocksdb_column_family_handle_destroy(family) }
        rocksdb_close(database)
        rocksdb_writeoptions_destroy(writes)
        rocksdb_options_destroy(options)
    }

    /// Puts `value` as it is, without the checksum that the engine expects.
    func put(_ key: [UInt8], _ value: [UInt8], family: Int) {
        var status: UnsafeMutablePointer<CChar>?
        rocksdb_put_cf(
            database,
            writes,
            families[family],
            key.map { CChar(bitPattern: $0) },
            key.count,
            value.map { CChar(bitPattern: $0) },
            value.count,
            &status
        )
    }

    /// Writes all memtables out as table files.
    func flush() throws {
        let options = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(options) }
        for family in families {
            var status: UnsafeMutablePointer<CChar>?
            rocksdb_flush_cf(database, options, family, &status)
            if let status { throw Failed(status: String(cString: status)) }
        }
    }

    /// A stored value as docs/decisions/0002 describes it: the bytes, then the checksum over key
    /// and bytes.
    static func sealed(_ value: [UInt8], key: [UInt8]) -> [UInt8] {
        let checksum = key.withUnsafeBytes { keyBytes in
            value.withUnsafeBytes { XXH3.hash64($0, seed: XXH3.hash64(keyBytes)) }
        }
        return value + withUnsafeBytes(of: checksum.bigEndian) { Array($0) }
    }
}
