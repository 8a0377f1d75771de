import HengeMessages
import HengeStorage
import Logging

import struct NIOCore.ByteBuffer

/// The databases of a node's shards, one each. The first is the data directory itself and has the
/// node's own records, such as its ring; the others are in directories in it, which are named after
/// how many there are: a shard knows nothing of the others' records, so the number has to stay.
struct NodeStore: Sendable {
    /// In order of the shards.
    let engines: [RocksDBEngine]

    var first: RocksDBEngine { engines[0] }

    /// - Parameters:
    ///   - options: of a node with one shard; the shards share the bytes that it may have in
    ///     memory.
    ///   - deliver: by shard.
    static func open(
        _ options: RocksDBEngine.Options,
        identity: StoreIdentity,
        logger: Logger,
        deliver: [@Sendable ([StorageCompletion]) -> Void]
    ) throws(StoreOpenError) -> NodeStore {
        let count = deliver.count
        try StoreDirectory.make(options.directory)
        try checkShards(of: options.directory, count)
        var engines: [RocksDBEngine] = []
        do throws(StoreOpenError) {
            // The first one last: where it is, the others were made.
            for index in (0..<count).reversed() {
                var own = options
                own.directory = directory(of: index, of: count, in: options.directory)
                own.blockCacheBytes /= count
                own.recordCacheBytes /= count
                own.writeBufferBytes /= count
                own.pendingBytesMax /= count
                var ownLogger = logger
                if count > 1 { ownLogger[metadataKey: "shard"] = "\(index)" }
                let engine = try RocksDBEngine.open(
                    own,
                    identity: identity,
                    logger: ownLogger,
                    deliver: deliver[index]
                )
                engines.insert(engine, at: 0)
            }
        } catch {
            for engine in engines { engine.close() }
            throw error
        }
        return NodeStore(engines: engines)
    }

    func close() {
        for engine in engines { engine.close() }
    }

    /// Closes after a stop in order, with what each shard saves; see ``RocksDBEngine``.
    ///
    /// - Returns: whether all of that was saved.
    func closeClean(states: [ByteBuffer], isEmpty: Bool) -> Bool {
        // The first one last here, too: it says that the node had come to its end.
        zip(engines, states).reversed().reduce(true) { isClean, part in
            part.0.closeClean(state: part.1, isEmpty: isEmpty) && isClean
        }
    }

    private static func directory(of shard: Int, of count: Int, in root: String) -> String {
        shard == 0 ? root : "\(root)/shard-\(shard)-of-\(count)"
    }

    /// A directory that was made with another number of shards would seem to lack records.
    private static func checkShards(of root: String, _ count: Int) throws(StoreOpenError) {
        guard StoreDirectory.holdsStore(root) else { return }
        let found = StoreDirectory.entries(of: root).compactMap { name -> Int? in
            let parts = name.split(separator: "-")
            guard parts.count == 4, parts[0] == "shard", parts[2] == "of" else { return nil }
            return Int(parts[3])
        }
        let shards = found.max() ?? 1
        guard shards == count, found.count == count - 1 else {
            throw .otherShards(directory: root, found: shards, expected: count)
        }
    }
}
