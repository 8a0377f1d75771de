import Glibc
import HengeBase

/// Zeros in RocksDB's log ahead of what is appended to it, so that an fsync has only blocks to
/// write that the file has already. An fsync of a file that grows also waits for the file system's
/// journal, which takes half as long again (docs/decisions/0049).
///
/// RocksDB appends at a position of its own and not at the file's end, so that it writes over the
/// zeros; when it closes a log it cuts the file to what it has written. After a crash it finds
/// zeros behind the last record, and takes them for nothing (`log_reader.cc`, "zero length
/// record"), as those that fill up a block.
///
/// Nothing that was written is ever written over: zeros are only put where the file ends, and it
/// never ends before what RocksDB has appended. So nothing may be appended between the two, which
/// the caller sees to.
struct LogAhead: ~Copyable {
    /// More of them makes the one fsync that has to write them longer, fewer makes such more often.
    private static let aheadBytes = 256 << 10
    /// What is appended until the log is looked at again.
    private static let lookBytes = 64 << 10
    /// Where fewer commits append that much, an fsync is short beside what it writes.
    private static let lookCommits = 4
    /// What RocksDB may add to a commit: headers of records, and the rest of a block.
    private static let commitBytes = 64
    /// A log is read by blocks; one that ends within a header would look torn.
    private static let blockBytes = 32 << 10
    private static let pieceBytes = 64 << 10

    private let directory: String
    private let zeros: UnsafeMutableRawBufferPointer
    /// Of the log's file.
    private var name = ""
    /// Of that file; -1 while there is none.
    private var descriptor: CInt = -1
    /// About where RocksDB appends next, rather too far than not.
    private var position = 0
    private var bytes = 0
    private var commits = 0

    /// - Parameter directory: where RocksDB has its logs.
    init(directory: String) {
        self.directory = directory
        zeros = .allocate(byteCount: Self.pieceBytes, alignment: Self.blockBytes)
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        zeros.deallocate()
    }

    /// Counts a commit that was synced.
    mutating func appended(_ count: Int) {
        bytes += count
        commits += 1
    }

    /// Whether enough was appended for ``extend()``.
    var isDue: Bool { bytes >= Self.lookBytes }

    /// Looks at the log, and puts zeros behind its end where few are left. What fails is left: the
    /// log grows as it would without.
    ///
    /// - Precondition: nothing is appended meanwhile.
    mutating func extend() {
        position += bytes + bytes >> 10 + commits * Self.commitBytes
        let isWanted = commits >= Self.lookCommits
        (bytes, commits) = (0, 0)
        guard isWanted, let newest = newestLog() else { return }
        if newest != name { turn(to: newest) }
        guard descriptor >= 0, let end = size() else { return }
        if position > end { position = end }
        guard end < position + 2 * Self.lookBytes else { return }
        let target = (position + Self.aheadBytes) / Self.blockBytes * Self.blockBytes
        fill(from: end, to: target)
    }

    /// A log that was begun since the last look has no zeros of ours: it ends where RocksDB
    /// appends.
    private mutating func turn(to newest: String) {
        if descriptor >= 0 { close(descriptor) }
        name = newest
        descriptor = open(directory + "/" + newest, O_WRONLY | O_CLOEXEC)
        position = size() ?? 0
    }

    private func fill(from start: Int, to end: Int) {
        var offset = start
        while offset < end {
            let count = pwrite(
                descriptor,
                zeros.baseAddress,
                min(zeros.count, end - offset),
                off_t(offset)
            )
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            offset += count
        }
    }

    private func size() -> Int? {
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    /// RocksDB numbers all its files in the order in which they are made.
    private func newestLog() -> String? {
        guard let entries = opendir(directory) else { return nil }
        defer { closedir(entries) }
        var newest: (number: UInt64, name: String)?
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasSuffix(".log"), let number = UInt64(name.dropLast(4)) else { continue }
            if number >= newest?.number ?? 0 { newest = (number, name) }
        }
        return newest?.name
    }
}
