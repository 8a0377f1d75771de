package import HengeMessages

/// Why a data directory can't be opened. Nothing of the node's data was changed.
package enum StoreOpenError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The directory is missing and can't be made, or isn't one, or isn't ours to read.
    case directoryUnusable(directory: String, reason: String)
    /// A running process, maybe this one, has it open.
    case inUse(directory: String)
    case otherNode(directory: String, found: String, expected: String)
    case otherCluster(directory: String, found: UInt64, expected: UInt64)
    /// The records of some shards would not be found.
    case otherShards(directory: String, found: Int, expected: Int)
    /// It belongs to no cluster yet, and none was named.
    case unclaimed(directory: String)
    /// Written by a later release; `found` says by what that shows.
    case newerFormat(directory: String, found: String, supported: UInt32)
    /// A RocksDB database of some other program.
    case notAStore(directory: String)
    /// A checksum failed, or a record that must be there isn't.
    case corrupt(directory: String, detail: String)
    /// The operating system, the device or RocksDB refused.
    case failed(directory: String, failure: StorageFailure, detail: String)

    package var description: String {
        switch self {
        case .directoryUnusable(let directory, let reason):
            "data directory \(directory) can't be used: \(reason)"
        case .inUse(let directory):
            "data directory \(directory) is in use by a running process"
        case .otherNode(let directory, let found, let expected):
            "data directory \(directory) belongs to node \(found), not to \(expected)"
        case .otherCluster(let directory, let found, let expected):
            "data directory \(directory) belongs to cluster \(hex(found)), not to \(hex(expected))"
        case .otherShards(let directory, let found, let expected):
            "data directory \(directory) has the databases of \(found) shards, not of \(expected); "
                + "the number of a node's shards can't be changed"
        case .unclaimed(let directory):
            "data directory \(directory) belongs to no cluster yet"
        case .newerFormat(let directory, let found, let supported):
            "data directory \(directory) was written by a newer release (\(found)); "
                + "this one reads formats up to \(supported)"
        case .notAStore(let directory):
            "data directory \(directory) holds a database of another program"
        case .corrupt(let directory, let detail):
            "data directory \(directory) is corrupt: \(detail)"
        case .failed(let directory, _, let detail):
            "data directory \(directory) can't be opened: \(detail)"
        }
    }

    private func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
