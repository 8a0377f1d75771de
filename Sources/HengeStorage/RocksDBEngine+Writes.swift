package import HengeBase
package import HengeMessages
package import HengeRing

package import struct NIOCore.ByteBuffer

/// Writes. Each starts at the next ``endTurn()``, and they take effect in the order of the calls.
/// The completion comes when the write is as durable as the setting promises.
extension RocksDBEngine {
    /// Replaces a record, and keeps hints in the same batch: both are durable, or neither.
    package func persist(
        _ key: StoredKey,
        _ object: ByteBuffer,
        hints: [Hint] = [],
        token: StorageToken
    ) {
        guard hints.isEmpty, !isClosed, GatheredWrites.takes(key, object) else {
            return ask(.put(key, object, hints: hints), token)
        }
        let checksum = RecordForm.checksum(key: key.bytes, object: object)
        cache.changes(key, to: object, checksum: checksum, token)
        gather(key, object, checksum: checksum, token: token)
    }

    /// Forgets a record.
    package func remove(_ key: StoredKey, token: StorageToken) {
        ask(.remove(key), token)
    }

    package func keepHints(_ hints: [Hint], token: StorageToken) {
        ask(.keepHints(hints), token)
    }

    /// Forgets the hints for a node up to and with this sequence.
    package func dropHints(_ target: NodeID, through: UInt64, token: StorageToken) {
        if !isClosed { counters.hintDrops.count() }
        ask(.dropHints(target, through: through), token)
    }

    /// Saves what a node keeps of a partition's watermark; empty bytes forget it.
    ///
    /// - Parameter partition: 0...65,535.
    package func saveWatermark(partition: Int, _ bytes: ByteBuffer, token: StorageToken) {
        ask(.saveWatermark(partition: partition, bytes), token)
    }

    /// Saves how far the node is with taking a partition over; empty bytes forget it.
    ///
    /// - Parameter partition: 0...65,535.
    package func saveTransfer(partition: Int, _ bytes: ByteBuffer, token: StorageToken) {
        ask(.saveTransfer(partition: partition, bytes), token)
    }

    /// Forgets the node's own records of these tokens, and what is saved of the partition.
    ///
    /// - Parameter partition: 0...65,535.
    package func dropPartition(
        _ partition: Int,
        tokens: ClosedRange<Token>,
        token: StorageToken
    ) {
        ask(.dropPartition(partition, tokens), token)
    }

    /// Saves what the node knows of the lives of others, no later than any write that is asked for
    /// after it. Nobody is told; a failure is logged and counted, and then the writes that went
    /// with it fail too.
    package func saveLives(_ bytes: ByteBuffer) {
        guard !isClosed else { return }
        gather(PendingWrite(change: .saveLives(bytes), token: StorageToken(rawValue: 0)))
    }

    /// Saves what the node knows and has promised about rings, in place of what was saved before:
    /// with an fsync whatever the durability is, and in order with all other writes.
    ///
    /// - Parameter done: called exactly once, on a thread of the engine, nil when it is durable.
    ///   After a failure it may or may not be there at the next start.
    package func saveRing(
        _ bytes: ByteBuffer,
        done: @escaping @Sendable (StorageFailure?) -> Void
    ) {
        guard !isClosed else { return done(.readOnly) }
        let token = StorageToken(rawValue: 0)
        gather(PendingWrite(change: .saveRing(bytes, done: done), token: token))
    }

    /// The same at a start, before there is anything to keep in order with. Blocks for an fsync.
    package func saveRing(_ bytes: ByteBuffer) throws(StorageFailure) {
        guard let error = MetaRecords(database: database).saveRing(bytes) else { return }
        counters.countFailure(error.failure)
        failures.record(error, during: "saving the ring")
        throw error.failure
    }

    private func ask(_ change: PendingWrite.Change, _ token: StorageToken) {
        guard !isClosed else { return deliver([.persisted(token, .readOnly)]) }
        noteAsked(change, token)
        gather(PendingWrite(change: change, token: token))
    }
}
