import HengeBase
import HengeMessages

import struct NIOCore.ByteBuffer

/// The few records about the store itself, in column family `meta`, each with a checksum as objects
/// have.
///
/// `format`: u32. `identity`: u64 cluster id, then the node's name. `clean`: what the node wanted
/// to know after a clean stop. `ring`: the last ring document. `starts`: u64, how often the store
/// was opened. `lives`: which lives of other nodes the node has met. `watermark` and the partition
/// (u16): what the node saved of that partition's watermark. `transfer` and the partition (u16):
/// how far the node is with taking it over. Integers are big-endian.
struct MetaRecords {
    /// Rises when an older release could misread what this one writes.
    static let format: UInt32 = 1

    private static let formatKey = ByteBuffer(string: "format")
    private static let identityKey = ByteBuffer(string: "identity")
    private static let cleanKey = ByteBuffer(string: "clean")
    private static let ringKey = ByteBuffer(string: "ring")
    private static let startsKey = ByteBuffer(string: "starts")
    static let livesKey = ByteBuffer(string: "lives")

    static let watermarkPrefix = ByteBuffer(string: "watermark")

    static let transferPrefix = ByteBuffer(string: "transfer")

    static func watermarkKey(_ partition: Int) -> ByteBuffer { key(watermarkPrefix, partition) }

    static func transferKey(_ partition: Int) -> ByteBuffer { key(transferPrefix, partition) }

    private static func key(_ prefix: ByteBuffer, _ partition: Int) -> ByteBuffer {
        var key = prefix
        key.writeInteger(UInt16(partition))
        return key
    }

    /// A node tells its peers its start number in 40 bits.
    private static let startNumberMax: UInt64 = 1 << 40 - 1

    let database: Database

    /// Compares format and identity with what is expected; writes them when the store is new.
    func claim(for identity: StoreIdentity) throws(StoreOpenError) {
        guard var format = try read(Self.formatKey) else {
            return try claimNew(for: identity)
        }
        guard let version: UInt32 = format.readInteger() else { throw corrupt("format record") }
        guard version <= Self.format else {
            throw .newerFormat(
                directory: database.directory,
                found: "format \(version)",
                supported: Self.format
            )
        }
        guard var found = try read(Self.identityKey), let cluster: UInt64 = found.readInteger(),
            let name = found.readString(length: found.readableBytes)
        else { throw corrupt("identity record") }
        guard cluster == identity.clusterID else {
            throw .otherCluster(
                directory: database.directory,
                found: cluster,
                expected: identity.clusterID
            )
        }
        guard name == identity.nodeName else {
            throw .otherNode(
                directory: database.directory,
                found: name,
                expected: identity.nodeName
            )
        }
    }

    /// Reads what the last clean stop left, and durably removes it: from here on the directory
    /// counts as not cleanly stopped. Nil when there is nothing, or nothing whole.
    ///
    /// The same write raises the start number. So no two openings of a directory have the same, and
    /// a copy that is put back gets one that its later life had.
    ///
    /// - Parameter rotten: keys that go in the same write.
    func begin(
        removing rotten: [ByteBuffer]
    ) throws(StoreOpenError) -> (cleanState: ByteBuffer?, startNumber: UInt64) {
        let state: ByteBuffer?
        switch database.readMeta(Self.cleanKey) {
        case .found(let bytes): state = bytes
        case .absent, .incomplete: state = nil
        case .failed(let error):
            // A node that can't read it starts as after a crash, which is always safe.
            guard error.failure == .corrupt else { throw opening(error) }
            state = nil
        }
        let startNumber = try startCount() + 1
        let error = database.writeDurably { batch, open in
            batch.delete(Self.cleanKey, from: open.meta)
            for key in rotten { batch.delete(key, from: open.meta) }
            batch.put(Self.startsKey, ByteBuffer(integer: startNumber), into: open.meta)
        }
        if let error { throw opening(error) }
        return (state, startNumber)
    }

    /// How often the store was opened before; an older release didn't count.
    private func startCount() throws(StoreOpenError) -> UInt64 {
        guard var record = try read(Self.startsKey) else { return 0 }
        guard let count: UInt64 = record.readInteger(), count < Self.startNumberMax else {
            throw corrupt("starts record")
        }
        return count
    }

    func lives() throws(StoreOpenError) -> ByteBuffer? {
        try read(Self.livesKey)
    }

    func saveCleanState(_ state: ByteBuffer) -> EngineError? {
        database.writeDurably { $0.put(Self.cleanKey, state, into: $1.meta) }
    }

    func ring() throws(StoreOpenError) -> ByteBuffer? {
        try read(Self.ringKey)
    }

    func saveRing(_ bytes: ByteBuffer) -> EngineError? {
        database.writeDurably { $0.put(Self.ringKey, bytes, into: $1.meta) }
    }

    private func claimNew(for identity: StoreIdentity) throws(StoreOpenError) {
        // A process that dies while it makes a store leaves column families without these records;
        // but records come only after them.
        guard isEmpty(.defaults) else { throw .notAStore(directory: database.directory) }
        guard isEmpty(.objects), isEmpty(.hints) else {
            throw corrupt("the format record is missing")
        }
        var format = ByteBuffer()
        format.writeInteger(Self.format)
        var whose = ByteBuffer()
        whose.writeInteger(identity.clusterID)
        whose.writeString(identity.nodeName)
        let error = database.writeDurably { batch, open in
            batch.put(Self.formatKey, format, into: open.meta)
            batch.put(Self.identityKey, whose, into: open.meta)
        }
        if let error { throw opening(error) }
    }

    private func isEmpty(_ family: Database.Family) -> Bool {
        let holds = database.withIterator(over: family) { iterator in
            iterator.seek(token: 0)
            return iterator.withRecord { _, _ in true } ?? (iterator.failure != nil)
        }
        return holds == false
    }

    private func read(_ key: ByteBuffer) throws(StoreOpenError) -> ByteBuffer? {
        switch database.readMeta(key) {
        case .found(let bytes): return bytes
        case .absent: return nil
        case .incomplete: throw corrupt("record \(String(buffer: key)) can't be read")
        case .failed(let error):
            guard error.failure == .corrupt else { throw opening(error) }
            throw corrupt("record \(String(buffer: key)): \(error.detail)")
        }
    }

    private func corrupt(_ detail: String) -> StoreOpenError {
        .corrupt(directory: database.directory, detail: detail)
    }

    private func opening(_ error: EngineError) -> StoreOpenError {
        StoreOpenError(database.directory, error)
    }
}
