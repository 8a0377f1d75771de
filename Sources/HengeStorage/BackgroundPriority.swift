import Glibc

/// How the threads on which RocksDB writes memtables out and compacts stand beside those that
/// answer requests, while there are more of both than processors (docs/decisions/0040).
///
/// Only the threads that are there when it is called are changed; RocksDB starts its own while a
/// database is opened, and keeps them for all databases of the process.
enum BackgroundPriority {
    /// How much nicer than the process they are (`setpriority(2)`): to the scheduler each counts a
    /// tenth of a thread that answers. With more, where other programs take all processors, they
    /// would be so late that writes are held up.
    private static let nicer: CInt = 10
    /// The names that RocksDB gives them: `rocksdb:high`, `rocksdb:low`, and two for what Henge
    /// does not use.
    private static let prefix = "rocksdb:"

    /// Of one thread alone, in spite of the name.
    private static let ofThread = CInt(PRIO_PROCESS.rawValue)

    /// Lowers it. What fails is passed over: nothing but latency depends on it.
    static func lower() {
        let priority = getpriority(ofThread, id_t(getpid())) + nicer
        for thread in threads where name(of: thread).hasPrefix(prefix) {
            setpriority(ofThread, thread, min(priority, 19))
        }
    }

    private static let tasks = "/proc/self/task"

    private static var threads: [id_t] { StoreDirectory.entries(of: tasks).compactMap { id_t($0) } }

    private static func name(of thread: id_t) -> String {
        let file = open("\(tasks)/\(thread)/comm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { bytes in
            let count = read(file, bytes.baseAddress, bytes.count)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
    }
}
