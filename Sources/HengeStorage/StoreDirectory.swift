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

    /// The names of what is in the directory; none when it can't be read.
    package static func entries(of path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
            )
        }
        return names
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
