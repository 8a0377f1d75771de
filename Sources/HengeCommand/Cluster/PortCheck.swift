import Glibc

/// Whether ports on loopback are free.
package enum PortCheck {
    /// - Throws: ``CommandFailure`` naming the first port of `node` that something else listens on.
    static func requireFree(_ node: LocalCluster.Node) throws(CommandFailure) {
        for (port, purpose) in node.ports where !isFree(port) {
            throw CommandFailure(
                .failed,
                "port \(port), \(purpose) of \(node.name), is in use by another process; end that, "
                    + "or start a cluster elsewhere with --dir and --base-port"
            )
        }
    }

    package static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        // As the node will: a port that only waits for old connections to fade counts as free.
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return result == 0 || errno != EADDRINUSE
    }
}
