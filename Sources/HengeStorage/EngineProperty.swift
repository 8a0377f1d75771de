import CRocksDB

/// A number that RocksDB keeps of itself; see `DB::Properties` in `rocksdb/db.h`.
package enum EngineProperty: String, CaseIterable, Sendable {
    case liveFileBytes = "rocksdb.live-sst-files-size"
    case allFileBytes = "rocksdb.total-sst-files-size"
    case liveDataBytes = "rocksdb.estimate-live-data-size"
    case memtableBytes = "rocksdb.size-all-mem-tables"
    case tableReaderBytes = "rocksdb.estimate-table-readers-mem"
    case blockCacheBytes = "rocksdb.block-cache-usage"
    case blockCachePinnedBytes = "rocksdb.block-cache-pinned-usage"
    case blockCacheCapacityBytes = "rocksdb.block-cache-capacity"
    case pendingCompactionBytes = "rocksdb.estimate-pending-compaction-bytes"
    case delayedWriteBytes = "rocksdb.actual-delayed-write-rate"
    case runningCompactions = "rocksdb.num-running-compactions"
    case runningFlushes = "rocksdb.num-running-flushes"
    case immutableMemtables = "rocksdb.num-immutable-mem-table"
    case levelZeroFiles = "rocksdb.num-files-at-level0"
    case writeStopped = "rocksdb.is-write-stopped"
    case backgroundErrors = "rocksdb.background-errors"
    case estimatedKeys = "rocksdb.estimate-num-keys"
    case snapshots = "rocksdb.num-snapshots"

    /// Whether each column family has its own.
    package var isOfFamily: Bool {
        switch self {
        case .liveFileBytes, .allFileBytes, .liveDataBytes, .memtableBytes, .tableReaderBytes,
            .pendingCompactionBytes, .immutableMemtables, .levelZeroFiles, .estimatedKeys:
            true
        // One cache and one set of background threads serve them all.
        case .blockCacheBytes, .blockCachePinnedBytes, .blockCacheCapacityBytes,
            .delayedWriteBytes, .runningCompactions, .runningFlushes, .writeStopped,
            .backgroundErrors, .snapshots:
            false
        }
    }
}

/// The value of an ``EngineProperty``.
package struct EngineReading: Hashable, Sendable {
    package var property: EngineProperty
    /// Of a column family; nil for all of the database.
    package var family: String?
    package var value: Int

    package init(property: EngineProperty, family: String?, value: Int) {
        self.property = property
        self.family = family
        self.value = value
    }
}

extension RocksDBEngine {
    /// RocksDB's properties; empty while it is being reopened, or is closed. Any thread may ask,
    /// and should not be one that requests wait for: some of them take RocksDB's lock.
    package var properties: [EngineReading] { database.properties }
}

extension Database {
    fileprivate var properties: [EngineReading] {
        withFamiliesIfOpen { open in
            EngineProperty.allCases.flatMap { property in
                let families: [(String?, OpaquePointer)] =
                    property.isOfFamily
                    ? [("objects", open.objects), ("hints", open.hints), ("meta", open.meta)]
                    : [(nil, open.objects)]
                return families.compactMap { name, handle -> EngineReading? in
                    Self.read(property, of: handle, in: open).map {
                        EngineReading(property: property, family: name, value: $0)
                    }
                }
            }
        } ?? []
    }

    private static func read(
        _ property: EngineProperty,
        of family: OpaquePointer,
        in open: Open
    ) -> Int? {
        var value: UInt64 = 0
        if rocksdb_property_int_cf(open.database, family, property.rawValue, &value) == 0 {
            return Int(clamping: value)
        }
        // Some numbers there are as text alone.
        guard let text = rocksdb_property_value_cf(open.database, family, property.rawValue) else {
            return nil
        }
        defer { rocksdb_free(text) }
        return Int(String(cString: text))
    }
}

extension EngineReading {
    /// What several engines read, added up.
    package static func summed(_ engines: [[EngineReading]]) -> [EngineReading] {
        var sums: [EngineReading] = []
        for reading in engines.joined() {
            let place = sums.firstIndex {
                $0.property == reading.property && $0.family == reading.family
            }
            guard let place else {
                sums.append(reading)
                continue
            }
            // Whether it is so in any of them.
            let isFlag = reading.property == .writeStopped
            let value = sums[place].value
            sums[place].value = isFlag ? max(value, reading.value) : value + reading.value
        }
        return sums
    }
}
