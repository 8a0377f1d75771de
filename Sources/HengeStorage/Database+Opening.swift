import CRocksDB
import Glibc
import HengeBase
import HengeMessages

extension Database.Open {
    /// The column families, in the order of their handles.
    static let families = ["default", objectsFamily, "meta", "hints"]
    static let objectsFamily = "objects"

    /// Opens the database, making it when it isn't there.
    static func opening(
        _ directory: String,
        _ settings: DatabaseSettings
    ) throws(EngineError) -> Self {
        do {
            return try attempt(directory, settings)
        } catch {
            guard error.detail.contains("is not linked with the binary") else { throw error }
            settings.disableCompression()
            return try attempt(directory, settings)
        }
    }

    private static func attempt(
        _ directory: String,
        _ settings: DatabaseSettings
    ) throws(EngineError) -> Self {
        var handles = [OpaquePointer?](repeating: nil, count: families.count)
        let names = families.map { strdup($0) }
        defer { names.forEach { free($0) } }
        let constants = names.map { UnsafePointer<CChar>($0) }
        let options: [OpaquePointer?] = [
            settings.small, settings.objects, settings.small, settings.hints,
        ]
        let database = try checked { status in
            rocksdb_open_column_families(
                settings.objects,
                directory,
                CInt(families.count),
                constants,
                options,
                &handles,
                status
            )
        }
        BackgroundPriority.lower()
        guard let database, let defaults = handles[0], let objects = handles[1],
            let meta = handles[2], let hints = handles[3]
        else { throw EngineError(.io, "RocksDB gave no handle") }
        var open = Self(
            database: database,
            defaults: defaults,
            objects: objects,
            meta: meta,
            hints: hints,
            snapshot: nil
        )
        do {
            try settings.cutMemtables(of: open)
        } catch {
            open.close()
            throw error
        }
        return open
    }
}

extension Database {
    /// Opens the database of a data directory.
    static func opening(_ options: RocksDBEngine.Options) throws(StoreOpenError) -> Database {
        let directory = options.directory
        try DataDirectory.create(directory)
        var problem: StoreOpenError?
        do throws(EngineError) {
            let settings = try DatabaseSettings(options)
            if DataDirectory.holdsDatabase(directory) {
                problem = unexpected(try listFamilies(directory, settings), directory)
            }
            if problem == nil {
                let open = try Open.opening(directory, settings)
                return Database(directory: directory, settings: settings, open: open)
            }
        } catch {
            problem = StoreOpenError(directory, error)
        }
        throw problem ?? .notAStore(directory: directory)
    }

    /// A later release may have families that this one doesn't know; RocksDB would refuse to open
    /// without them, after having touched the directory.
    private static func unexpected(_ found: [String], _ directory: String) -> StoreOpenError? {
        let unknown = found.filter { !Open.families.contains($0) }.sorted()
        if !found.contains("meta"), found.count > 1 { return .notAStore(directory: directory) }
        guard let first = unknown.first else { return nil }
        return .newerFormat(
            directory: directory,
            found: "it has column family \(first)",
            supported: MetaRecords.format
        )
    }

    private static func listFamilies(
        _ directory: String,
        _ settings: DatabaseSettings
    ) throws(EngineError) -> [String] {
        var count = 0
        let list = try checked {
            rocksdb_list_column_families(settings.objects, directory, &count, $0)
        }
        guard let list else { return [] }
        defer { rocksdb_list_column_families_destroy(list, count) }
        return (0..<count).compactMap { list[$0].map { String(cString: $0) } }
    }
}

extension StoreOpenError {
    init(_ directory: String, _ error: EngineError) {
        // The two forms of "lock", for this process and another one (env/fs_posix.cc, LockFile).
        if error.detail.contains("lock hold by current process")
            || error.detail.contains("While lock file")
        {
            self = .inUse(directory: directory)
        } else if error.failure == .corrupt {
            self = .corrupt(directory: directory, detail: error.detail)
        } else {
            self = .failed(directory: directory, failure: error.failure, detail: error.detail)
        }
    }
}
