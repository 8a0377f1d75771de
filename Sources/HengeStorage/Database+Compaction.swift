import CRocksDB
import HengeRing

/// What takes long and must not keep the database from being reopened or closed meanwhile.
extension Database {
    /// A table file of the objects.
    struct Table {
        let level: Int
        let bytes: Int
        let tokens: ClosedRange<Token>
    }

    /// Of the objects, in no order; empty while the database is closed.
    func objectTables() -> [Table] {
        withFamilies { open in
            guard let files = rocksdb_livefiles(open.database) else { return [] }
            defer { rocksdb_livefiles_destroy(files) }
            return (0..<rocksdb_livefiles_count(files)).compactMap { Self.table($0, files) }
        } ?? []
    }

    private static func table(_ index: CInt, _ files: OpaquePointer) -> Table? {
        guard let name = rocksdb_livefiles_column_family_name(files, index),
            String(cString: name) == Open.objectsFamily
        else { return nil }
        var length = 0
        let smallest = rocksdb_livefiles_smallestkey(files, index, &length)
        let first = token(UnsafeRawBufferPointer(start: smallest, count: length))
        let largest = rocksdb_livefiles_largestkey(files, index, &length)
        let last = token(UnsafeRawBufferPointer(start: largest, count: length))
        return Table(
            level: Int(rocksdb_livefiles_level(files, index)),
            bytes: rocksdb_livefiles_size(files, index),
            tokens: min(first, last)...max(first, last)
        )
    }

    /// The bound of a file may be that of a range delete, and so shorter than a record's key.
    private static func token(_ key: UnsafeRawBufferPointer) -> Token {
        var token: UInt64 = 0
        for index in 0..<MemoryLayout<UInt64>.size {
            token = token << 8 | UInt64(index < key.count ? key[index] : 0)
        }
        return Token(rawValue: token)
    }

    /// Writes the tables that hold records of these tokens anew, without what was deleted. Takes as
    /// long as it takes; ends early, with nothing lost, when the database is to be reopened or
    /// closed. Only after a write has succeeded, for the reason that ``syncLog()`` gives.
    func compactObjects(_ tokens: ClosedRange<Token>) {
        makeLongCall { open in
            guard let options = rocksdb_compactoptions_create() else { return }
            defer { rocksdb_compactoptions_destroy(options) }
            // RocksDB's own compactions go on beside it.
            rocksdb_compactoptions_set_exclusive_manual_compaction(options, 0)
            let bounds = TokenBounds(tokens)
            bounds.start.withUnsafeReadableBytes { start in
                bounds.end.withUnsafeReadableBytes { end in
                    rocksdb_compact_range_cf_opt(
                        open.database,
                        open.objects,
                        options,
                        start.characters,
                        start.count,
                        end.characters,
                        end.count
                    )
                }
            }
        }
    }

    /// Forgets all records at once, those that are held for others and hints too, and frees what
    /// they took. The next opening finds none.
    func dropRecords() -> EngineError? {
        withFamilies { open in
            for family in [open.objects, open.hints] {
                var status = StatusSlot()
                rocksdb_drop_column_family(open.database, family, &status.pointer)
                if let error = status.take() { return error }
            }
            return nil
        } ?? Self.closed
    }
}
