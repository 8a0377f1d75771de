package import HengeMessages

import struct NIOCore.ByteBuffer

/// What goes into the cache of records, and when (``RecordMemory``).
extension RocksDBEngine {
    /// To be told what has come through `deliver`, before anything else is done with it: records
    /// are cached once their writes are known to be durable. An engine that is not told caches
    /// nothing that was written, and is as right.
    package func noteCompleted(_ completions: [StorageCompletion]) {
        for completion in completions {
            switch completion {
            case .persisted(let token, let failure):
                cache.ended(token, isDurable: failure == nil)
            case .listed(_, .success(let page)):
                // What can't be read on the disk must not seem whole because memory has it: it is
                // mended only when a load fails.
                if !page.rotten.isEmpty || !page.unreadable.isEmpty { cache.removeAll() }
            case .loaded, .versionLoaded, .scanned, .hintsLoaded, .listed(_, .failure): break
            }
        }
    }

    /// Tells the cache of a write that is asked for.
    func noteAsked(_ change: PendingWrite.Change, _ token: StorageToken) {
        switch change {
        case .put(let key, let object, _): cache.changes(key, to: object, token)
        case .remove(let key): cache.changes(key, to: nil, token)
        case .dropPartition(_, let tokens): cache.drops(tokens, token)
        case .keepHints, .dropHints, .saveWatermark, .saveTransfer, .saveLives, .saveRing: break
        }
    }

    /// The record, if the cache has it.
    func cached(_ key: StoredKey) -> ByteBuffer? {
        let recoveries = counters.recoveries.value
        if recoveries != recoveriesSeen {
            // What was not synced when RocksDB stopped may be gone.
            recoveriesSeen = recoveries
            cache.removeAll()
        }
        return cache.find(key)
    }
}
