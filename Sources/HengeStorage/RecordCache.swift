import Glibc
package import HengeMessages
package import HengeRing

package import struct NIOCore.ByteBuffer
package import struct NIOCore.ByteBufferAllocator

/// The records that were read or written last, so that most loads need not search RocksDB.
///
/// A search of a large memtable misses the processor's caches at each of its steps and takes
/// microseconds, which was half of what a read cost all nodes; here it is two or three misses
/// (docs/decisions/0029).
///
/// Records lie one behind the other in a ring of memory, where the next one overwrites the oldest,
/// and a version of a record the one before it where it fits.
/// They are found by their token: it names a bucket of eight places, each with some more bits of
/// the token and where the record begins. Memory is reserved once, and takes room as it is used.
///
/// No access leaves that memory: a record is looked at only while ``isWhole(_:)`` says that nothing
/// has been written over it, so its lengths are those that ``append(_:_:)`` gave it and made room
/// for; and a way is one of a bucket, of which there are as many as the mask lets a token name.
///
/// What it finds is durable and the newest that is: a record is forgotten when a change of it is
/// asked for, and comes back only when the last change in flight has become durable. Until then
/// RocksDB answers. Which records have changes in flight is counted by some bits of the token, so
/// that two of the same bits pass for one, which costs a search and no more.
///
/// Each record carries its checksum, as on the disk, which is checked at every load.
package struct RecordCache: ~Copyable {
    private static let waysBits = 3
    private static let ways = 1 << waysBits
    /// Positions are counted in units of so many bytes, from the start of the process.
    private static let unit = 8
    private static let positionBits: UInt64 = 48
    private static let positionMask: UInt64 = (1 << positionBits) - 1
    /// Checksum, length of the key, length of the object.
    private static let headerBytes = 16
    /// About what a record of 100 bytes takes.
    package static let recordBytesMean = 160
    /// A larger record would push too many others out.
    private static let recordShareMax = 64
    /// Each is looked at in each search.
    private static let droppedMax = 64
    /// Of a huge page on the processors that Henge is built for.
    private static let pageBytes = 2 << 20
    /// How far before the head memory is asked for.
    private static let pagesAhead = 2
    /// With a thousand changes in flight one record in 250 passes for a changing one and is not
    /// found until RocksDB has been searched for it; an eighth of these counters would be better in
    /// the processor's caches, but one in 30 then is searched for (docs/decisions/0040).
    private static let countersBits: UInt64 = 18

    private struct Change {
        let token: StorageToken
        let kind: Kind

        enum Kind {
            /// - position: where the object is; 0 when it was too large, and for a removal.
            case record(UInt64, position: UInt64)
            case drop
        }
    }

    private let capacity: Int
    /// The records, then the places.
    private let memory: UnsafeMutableRawBufferPointer
    /// Nil of a cache that is too small to have pages of its own.
    private let pages: PagesAhead?
    /// Up to where memory was asked for.
    private var bytesWanted = 0
    private let placeCount: Int
    private let bucketMask: UInt64
    /// Where the next record begins. Not 0, which marks an empty place.
    private var head: UInt64 = 1
    /// What begins before this was forgotten.
    private var floor: UInt64 = 1
    /// Of these tokens, what begins before `floor` was forgotten.
    private var dropped: [(tokens: ClosedRange<Token>, floor: UInt64)] = []
    /// Changes in flight, by some bits of the token.
    private var changing: [UInt32]
    /// In the order in which they were asked for, from `firstChange` on.
    private var changes: [Change] = []
    private var firstChange = 0
    private var dropsInFlight = 0

    /// - Parameters:
    ///   - bytes: for records; their places take a sixteenth to an eighth more. 0 for none.
    ///   - recordBytesMean: about what a record takes; decides how many places there are.
    package init(bytes: Int, recordBytesMean: Int = recordBytesMean) {
        capacity = bytes / Self.unit * Self.unit
        var buckets = 1
        while buckets * Self.ways * recordBytesMean < capacity { buckets *= 2 }
        bucketMask = UInt64(buckets - 1)
        placeCount = capacity == 0 ? 0 : buckets * Self.ways
        let byteCount = capacity + placeCount * MemoryLayout<UInt64>.size
        memory = .allocate(byteCount: byteCount, alignment: Self.pageBytes)
        // Both are met in no order, and with small pages each is a miss of the TLB too. It is
        // advice: nothing depends on whether the system takes it.
        if capacity >= Self.pageBytes { madvise(memory.baseAddress, byteCount, MADV_HUGEPAGE) }
        let ring = UnsafeMutableRawBufferPointer(rebasing: memory[..<capacity])
        pages = capacity >= Self.pageBytes ? PagesAhead(ring, pageBytes: Self.pageBytes) : nil
        changing = Array(repeating: 0, count: capacity == 0 ? 0 : 1 << Int(Self.countersBits))
        emptyPlaces()
        wantPages()
    }

    /// Whether it has room for nothing.
    var isOff: Bool { capacity == 0 }

    deinit {
        pages?.stop()
        memory.deallocate()
    }

    // MARK: What the engine tells

    /// The record, if it is here.
    package func find(_ key: StoredKey) -> ByteBuffer? {
        guard capacity > 0, key.standInFor == nil, let way = way(of: key) else { return nil }
        return object(at: place(way) & Self.positionMask, of: key)
    }

    /// RocksDB has found this, and it was not here.
    package mutating func loaded(_ key: StoredKey, _ object: ByteBuffer) {
        guard capacity > 0, key.standInFor == nil, dropsInFlight == 0,
            changing[counter(of: key.token.rawValue)] == 0
        else { return }
        let position = append(key, object, nil)
        if position != 0 { keep(key.token.rawValue, position) }
    }

    /// A write of the record, or with nil its removal, was asked for under this token.
    ///
    /// - Parameter checksum: ``RecordForm/checksum(key:object:)``, where it is known already.
    package mutating func changes(
        _ key: StoredKey,
        to object: ByteBuffer?,
        checksum: UInt64? = nil,
        _ token: StorageToken
    ) {
        guard capacity > 0, key.standInFor == nil else { return }
        var old: UInt64 = 0
        if let way = way(of: key) {
            old = place(way) & Self.positionMask
            setPlace(way, 0)
        }
        changing[counter(of: key.token.rawValue)] += 1
        let position = object.map { rewrite(old, key, $0, checksum) } ?? 0
        let kind = Change.Kind.record(key.token.rawValue, position: position)
        changes.append(Change(token: token, kind: kind))
    }

    /// The removal of all records of these tokens was asked for.
    package mutating func drops(_ tokens: ClosedRange<Token>, _ token: StorageToken) {
        guard capacity > 0 else { return }
        dropped = dropped.filter { !isOverwritten($0.floor) }
        if dropped.count == Self.droppedMax { removeAll() }
        dropped.append((tokens, head))
        dropsInFlight += 1
        changes.append(Change(token: token, kind: .drop))
    }

    /// What was asked for under this token has ended; what is none of the changes is passed over.
    package mutating func ended(_ token: StorageToken, isDurable: Bool) {
        // They end in their order.
        guard firstChange < changes.count, changes[firstChange].token == token else { return }
        let change = changes[firstChange]
        firstChange += 1
        if firstChange == changes.count {
            changes.removeAll(keepingCapacity: true)
            firstChange = 0
        } else if firstChange >= 1_024, 2 * firstChange >= changes.count {
            changes.removeFirst(firstChange)
            firstChange = 0
        }
        switch change.kind {
        case .drop: dropsInFlight -= 1
        case .record(let name, let position):
            changing[counter(of: name)] -= 1
            if isDurable, position != 0, isWhole(position), dropsInFlight == 0,
                changing[counter(of: name)] == 0
            {
                keep(name, position)
            }
        }
    }

    /// Forgets all records.
    package mutating func removeAll() {
        floor = head
        dropped.removeAll()
    }

    private mutating func emptyPlaces() {
        for way in 0..<placeCount { setPlace(way, 0) }
    }

    // MARK: Places

    /// By bucket, then by way: 16 bits of the token above 48 of the position; 0 where nothing is.
    private func place(_ way: Int) -> UInt64 {
        memory.load(fromByteOffset: capacity + way * MemoryLayout<UInt64>.size, as: UInt64.self)
    }

    private func setPlace(_ way: Int, _ place: UInt64) {
        let offset = capacity + way * MemoryLayout<UInt64>.size
        memory.storeBytes(of: place, toByteOffset: offset, as: UInt64.self)
    }

    /// The slot in the high bits of a token is of few values on a node, so none of these uses it.
    private func bucket(of name: UInt64) -> Int {
        Int(truncatingIfNeeded: name & bucketMask) << Self.waysBits
    }

    private func tag(of name: UInt64) -> UInt64 { (name >> 34) << Self.positionBits }

    private func counter(of name: UInt64) -> Int {
        Int(truncatingIfNeeded: (name >> 16) & (1 << Self.countersBits - 1))
    }

    /// Where the record's place is.
    private func way(of key: StoredKey) -> Int? {
        let bucket = bucket(of: key.token.rawValue)
        let tag = tag(of: key.token.rawValue)
        for way in bucket..<bucket + Self.ways {
            let place = place(way)
            guard place != 0, place & ~Self.positionMask == tag else { continue }
            let position = place & Self.positionMask
            if isWhole(position), !isDropped(key.token, position), isRecord(position, of: key) {
                return way
            }
        }
        return nil
    }

    /// In place of the oldest of the bucket where all are taken. The key has no other place: one
    /// that is changed is forgotten first, and one that is loaded was looked for first.
    private mutating func keep(_ name: UInt64, _ position: UInt64) {
        let bucket = bucket(of: name)
        var oldest = bucket
        for way in bucket..<bucket + Self.ways
        where place(way) & Self.positionMask < place(oldest) & Self.positionMask { oldest = way }
        setPlace(oldest, tag(of: name) | position)
    }

    // MARK: Records

    /// Whether it was not forgotten, and nothing has overwritten it yet.
    private func isWhole(_ position: UInt64) -> Bool {
        position >= floor && position < head && !isOverwritten(position)
    }

    private func isOverwritten(_ position: UInt64) -> Bool {
        (head - position) * UInt64(Self.unit) > UInt64(capacity)
    }

    private func isDropped(_ token: Token, _ position: UInt64) -> Bool {
        dropped.contains { position < $0.floor && $0.tokens.contains(token) }
    }

    private func offset(_ position: UInt64) -> Int {
        Int(position % UInt64(capacity / Self.unit)) * Self.unit
    }

    private func bytes(
        _ position: UInt64
    ) -> (
        checksum: UInt64, key: UnsafeRawBufferPointer, object: UnsafeRawBufferPointer
    ) {
        let start = offset(position)
        let checksum = memory.load(fromByteOffset: start, as: UInt64.self)
        let keyBytes = Int(memory.load(fromByteOffset: start + 8, as: UInt32.self))
        let objectBytes = Int(memory.load(fromByteOffset: start + 12, as: UInt32.self))
        let key = start + Self.headerBytes
        let object = key + keyBytes
        return (
            checksum, UnsafeRawBufferPointer(rebasing: memory[key..<object]),
            UnsafeRawBufferPointer(rebasing: memory[object..<object + objectBytes])
        )
    }

    private func isRecord(_ position: UInt64, of key: StoredKey) -> Bool {
        let held = bytes(position).key
        return key.bytes.withUnsafeReadableBytes { wanted in
            guard wanted.count == held.count else { return false }
            guard let a = wanted.baseAddress, let b = held.baseAddress else { return true }
            return memcmp(a, b, wanted.count) == 0
        }
    }

    /// Nil where memory has gone bad.
    private func object(at position: UInt64, of key: StoredKey) -> ByteBuffer? {
        let record = bytes(position)
        guard RecordForm.checksum(key: record.key, object: record.object) == record.checksum else {
            return nil
        }
        var copy = ByteBufferAllocator().buffer(capacity: record.object.count)
        copy.writeBytes(record.object)
        return copy
    }

    /// Over the key's last version where it fits, so that keys written again and again do not push
    /// others out; else at the head. No place leads to the last version any more, nor will one: it
    /// had a place, so no change of it is in flight.
    ///
    /// - Parameter old: where the last version is, whole; 0 where there is none.
    /// - Returns: where it is; 0 for one that is too large.
    private mutating func rewrite(
        _ old: UInt64,
        _ key: StoredKey,
        _ object: ByteBuffer,
        _ checksum: UInt64?
    ) -> UInt64 {
        guard old != 0, units(key, object.readableBytes) <= units(key, bytes(old).object.count)
        else { return append(key, object, checksum) }
        write(key, object, checksum, at: old)
        return old
    }

    private func units(_ key: StoredKey, _ objectBytes: Int) -> UInt64 {
        let length = Self.headerBytes + key.bytes.readableBytes + objectBytes
        return UInt64((length + Self.unit - 1) / Self.unit)
    }

    /// Returns where it is; 0 for one that is too large.
    private mutating func append(
        _ key: StoredKey,
        _ object: ByteBuffer,
        _ checksum: UInt64?
    ) -> UInt64 {
        let units = units(key, object.readableBytes)
        guard units <= UInt64(capacity / Self.recordShareMax / Self.unit) else { return 0 }
        // A record lies in one piece.
        let left = UInt64((capacity - offset(head)) / Self.unit)
        if left < units { head += left }
        if head + units > Self.positionMask { startAnew() }
        let position = head
        head += units
        if bytesWanted < capacity { wantPages() }
        write(key, object, checksum, at: position)
        return position
    }

    /// For the first way round: later all of the memory is there.
    private mutating func wantPages() {
        let end = min(capacity, Int(head) * Self.unit + Self.pagesAhead * Self.pageBytes)
        guard let pages, end == capacity || end >= bytesWanted + Self.pageBytes else { return }
        bytesWanted = end
        pages.want(upTo: end)
    }

    private func write(
        _ key: StoredKey,
        _ object: ByteBuffer,
        _ checksum: UInt64?,
        at position: UInt64
    ) {
        let start = offset(position)
        key.bytes.withUnsafeReadableBytes { key in
            object.withUnsafeReadableBytes { object in
                let checksum = checksum ?? RecordForm.checksum(key: key, object: object)
                memory.storeBytes(of: checksum, toByteOffset: start, as: UInt64.self)
                memory.storeBytes(of: UInt32(key.count), toByteOffset: start + 8, as: UInt32.self)
                memory.storeBytes(
                    of: UInt32(object.count), toByteOffset: start + 12, as: UInt32.self)
                let keyStart = start + Self.headerBytes
                copy(key, to: keyStart)
                copy(object, to: keyStart + key.count)
            }
        }
    }

    private func copy(_ bytes: UnsafeRawBufferPointer, to offset: Int) {
        UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: bytes)
    }

    /// After 2 PiB the positions begin again. Those of changes in flight then name nothing.
    private mutating func startAnew() {
        emptyPlaces()
        floor = 1
        dropped.removeAll()
        for index in changes.indices {
            guard case .record(let name, _) = changes[index].kind else { continue }
            let kind = Change.Kind.record(name, position: 0)
            changes[index] = Change(token: changes[index].token, kind: kind)
        }
        head = 1
    }
}
