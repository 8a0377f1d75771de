import Glibc

/// What can be told of a data directory without opening it.
package enum StoreDirectory {
    /// Makes the directory and its missing parents and sees that it can be used.
    package static func make(_ path: String) throws(StoreOpenError) {
        try DataDirectory.create(path)
    }

    /// Whether a store was made there; it may still belong to no cluster.
    package static func holdsStore(_ path: String) -> Bool {
        DataDirectory.holdsDatabase(path)
    }

    /// Bytes of the file system that the directory is on: those that this process may still write,
    /// and all. Zeroes when that can't be told.
    package static func space(_ path: String) -> (free: UInt64, total: UInt64) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return (0, 0) }
        let total = UInt64(status.f_blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return (DataDirectory.freeBytes(path), total.partialValue)
    }
}
