import CRocksDB
import Glibc
import HengeBase
import HengeMessages

import struct NIOCore.ByteBuffer
import struct NIOCore.ByteBufferAllocator

/// One open RocksDB with its column families, and the calls made on it.
///
/// Any thread may call. ``reopen()`` and ``close()`` wait for the calls under way; meanwhile and
/// afterwards calls find the database closed and fail with `.readOnly`.
///
/// `@unchecked Sendable`: `open`, the one thing that changes, is changed under `lock` held
/// exclusively and read under `lock` held shared. RocksDB itself may be called from any thread.
final class Database: @unchecked Sendable {
    /// The pointers of one opening.
    struct Open {
        let database: OpaquePointer
        let defaults: OpaquePointer
        let objects: OpaquePointer
        let meta: OpaquePointer
        let hints: OpaquePointer
        /// State as it was when the directory was opened, before any write; kept until it was
        /// counted.
        var snapshot: OpaquePointer?
    }

    enum Family {
        case defaults
        case objects
        case meta
        case hints
    }

    enum ReadOutcome {
        case found(ByteBuffer)
        case absent
        /// Not in memory; only a read that may wait for the disk can tell.
        case incomplete
        case failed(EngineError)
    }

    let directory: String
    let settings: DatabaseSettings
    private let lock = SharedLock()
    private let longCalls = LongCalls()
    /// Held while something is appended to the log.
    private let appending = Monitor(())
    private var open: Open?

    static let closed = EngineError(.readOnly, "the database is closed")

    init(directory: String, settings: DatabaseSettings, open: Open) {
        self.directory = directory
        self.settings = settings
        self.open = open
    }

    // MARK: Reads

    /// Reads what memtables and block cache hold; nil when the database is being reopened.
    @inline(__always)
    func readCached(_ key: StoredKey) -> ReadOutcome? {
        lock.tryShared { read(key, options: settings.cacheReads) }
    }

    /// Reads a record, from a file where needed.
    func read(_ key: StoredKey) -> ReadOutcome {
        lock.withShared { read(key, options: settings.fullReads) }
    }

    func readMeta(_ key: ByteBuffer) -> ReadOutcome {
        lock.withShared { read(key, .meta, options: settings.fullReads) }
    }

    @inline(__always)
    private func read(_ key: StoredKey, options: OpaquePointer) -> ReadOutcome {
        guard let home = key.standInFor else { return read(key.bytes, .objects, options: options) }
        return read(HintForm.standInKey(key.bytes, home: home), .hints, options: options)
    }

    private func read(_ key: ByteBuffer, _ family: Family, options: OpaquePointer) -> ReadOutcome {
        guard let open else { return .failed(Self.closed) }
        return key.withUnsafeReadableBytes { keyBytes in
            var status = StatusSlot()
            let pinned = rocksdb_get_pinned_cf(
                open.database,
                options,
                open.handle(family),
                keyBytes.characters,
                keyBytes.count,
                &status.pointer
            )
            if status.isIncomplete { return .incomplete }
            if let error = status.take() { return .failed(error) }
            guard let pinned else { return .absent }
            defer { rocksdb_pinnableslice_destroy(pinned) }
            var length = 0
            let start = rocksdb_pinnableslice_value(pinned, &length)
            // With the tier of the cache RocksDB calls a record found, and gives no value, if a
            // table that may have it isn't open (`TableCache::Get`, "treat as kFound if no_io
            // set"): after an opening for one, which opens 16. A stored value is never empty.
            if length == 0, options == settings.cacheReads { return .incomplete }
            let value = UnsafeRawBufferPointer(start: start, count: length)
            guard let object = RecordForm.object(in: value, key: keyBytes) else {
                return .failed(EngineError(.corrupt, "a record fails its checksum"))
            }
            var copy = ByteBufferAllocator().buffer(capacity: object.count)
            copy.writeBytes(object)
            return .found(copy)
        }
    }

    // MARK: Writes

    func write(_ batch: borrowing RecordBatch, synced: Bool) -> EngineError? {
        lock.withShared { write(batch.pointer, synced: synced) }
    }

    /// Writes what `fill` puts into a batch, durably.
    func writeDurably(_ fill: (inout RecordBatch, Open) -> Void) -> EngineError? {
        lock.withShared {
            guard let open else { return Self.closed }
            guard var batch = RecordBatch() else { return RecordBatch.noMemory }
            fill(&batch, open)
            return write(batch.pointer, synced: true)
        }
    }

    /// Makes all that was written durable.
    ///
    /// By a write, since that first looks whether RocksDB has stopped after a failure.
    /// `rocksdb_flush_wal` doesn't, and the assertion on files that have failed aborts the process
    /// (``DatabaseSettings``).
    func syncLog() -> EngineError? {
        writeDurably { batch, _ in batch.putNothing() }
    }

    /// Writes the memtables out, so that the next opening has no log to replay. Only after a
    /// durable write has succeeded, for the reason that ``syncLog()`` gives.
    func flush(_ families: [Family]) -> EngineError? { flush(families, isAwaited: true) }

    /// Gives back memory that nothing of use is in, after most records have gone.
    func returnMemory() {
        settings.dropCachedBlocks()
        malloc_trim(0)
    }

    /// Has memtables written out in the background. Only after a write has succeeded, for the
    /// reason that ``syncLog()`` gives.
    func startFlush(of families: [Family]) -> EngineError? { flush(families, isAwaited: false) }

    private func flush(_ families: [Family], isAwaited: Bool) -> EngineError? {
        lock.withShared {
            guard let open else { return Self.closed }
            guard let options = rocksdb_flushoptions_create() else { return RecordBatch.noMemory }
            defer { rocksdb_flushoptions_destroy(options) }
            rocksdb_flushoptions_set_wait(options, isAwaited ? 1 : 0)
            for family in families {
                let handle = open.handle(family)
                let error = failure { rocksdb_flush_cf(open.database, options, handle, $0) }
                if let error { return error }
            }
            return nil
        }
    }

    /// Lends the handles of the column families to put records of them into a batch.
    func withFamilies<R>(_ body: (Open) -> R) -> R? {
        lock.withShared { open.map(body) }
    }

    /// As ``withFamilies(_:)``; nil also while the database is being reopened.
    func withFamiliesIfOpen<R>(_ body: (Open) -> R) -> R? {
        lock.tryShared { open.map(body) } ?? nil
    }

    private func write(_ batch: OpaquePointer, synced: Bool) -> EngineError? {
        guard let open else { return Self.closed }
        let options = synced ? settings.syncedWrites : settings.unsyncedWrites
        return appending.withLock { _ in
            failure { rocksdb_write(open.database, options, batch, $0) }
        }
    }

    /// Calls while nothing is appended to the log: RocksDB does so for writes alone.
    func withoutAppending(_ body: () -> Void) {
        appending.withLock { _ in body() }
    }

    private func failure(
        _ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Void
    ) -> EngineError? {
        var status = StatusSlot()
        call(&status.pointer)
        return status.take()
    }

    // MARK: Walks

    /// Lends an iterator over records. The database stays open meanwhile, so walks must be short.
    ///
    /// - Parameter useSnapshot: see the state as it was at the opening; nil is returned when that
    ///   is gone.
    func withIterator<R>(
        over family: Family = .objects,
        through last: UInt64 = .max,
        useSnapshot: Bool = false,
        _ body: (inout RecordIterator) -> R
    ) -> R? {
        lock.withShared {
            guard let open, !useSnapshot || open.snapshot != nil else { return nil }
            guard
                var iterator = RecordIterator(
                    open,
                    family,
                    settings: settings,
                    through: last,
                    snapshot: useSnapshot ? open.snapshot : nil
                )
            else { return nil }
            return body(&iterator)
        }
    }

    var hasSnapshot: Bool { lock.withShared { open?.snapshot != nil } }

    /// Keeps the state as it is now, for ``withIterator(through:useSnapshot:_:)``.
    func takeSnapshot() {
        lock.withExclusive {
            guard let database = open?.database, open?.snapshot == nil else { return }
            open?.snapshot = rocksdb_create_snapshot(database)
        }
    }

    func releaseSnapshot() {
        lock.withExclusive { open?.releaseSnapshot() }
    }

    // MARK: Life

    /// Closes and opens again in place, which ends the state in which RocksDB refuses writes after
    /// some failures: the C API has no `Resume`. Waits for the calls under way. A snapshot is lost.
    ///
    /// When it fails the database stays closed; the next call may succeed.
    func reopen() -> EngineError? {
        withoutLongCalls {
            closeLocked()
            do throws(EngineError) {
                open = try Open.opening(directory, settings)
                return nil
            } catch {
                return error
            }
        }
    }

    func close() {
        withoutLongCalls { closeLocked() }
    }

    private func closeLocked() {
        open?.close()
        open = nil
    }

    // MARK: Long calls

    /// Makes a call that may take minutes. It isn't made while the database is closed, and ends
    /// early when it is to be.
    func makeLongCall(_ body: (Open) -> Void) {
        longCalls.run {
            // Whoever closes waits for this to end, so the pointers live on.
            if let open = lock.withShared({ self.open }) { body(open) }
        }
    }

    /// Has the compactions that were asked for end early, and begins no more of them.
    func endCompactions() {
        lock.withShared {
            if let open { rocksdb_disable_manual_compaction(open.database) }
        }
    }

    private func withoutLongCalls<R>(_ body: () -> R) -> R {
        longCalls.keepingOut {
            lock.withExclusive(body)
        } ending: {
            // They may wait for a flush that a database which has failed never ends: this has all
            // of its work end, without waiting.
            lock.withShared {
                if let open { rocksdb_cancel_all_background_work(open.database, 0) }
            }
        }
    }
}

extension Database.Open {
    func handle(_ family: Database.Family) -> OpaquePointer {
        switch family {
        case .defaults: defaults
        case .objects: objects
        case .meta: meta
        case .hints: hints
        }
    }

    mutating func releaseSnapshot() {
        guard let snapshot else { return }
        rocksdb_release_snapshot(database, snapshot)
        self.snapshot = nil
    }

    mutating func close() {
        releaseSnapshot()
        rocksdb_cancel_all_background_work(database, 1)
        for handle in [defaults, objects, meta, hints] {
            rocksdb_column_family_handle_destroy(handle)
        }
        rocksdb_close(database)
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes as the C API wants them.
    var characters: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }
}
