package import HengeClient
import HengeRing

/// Which node clients that know the cluster ask for a key: the master of its hash slot, as `CLUSTER
/// SLOTS` lists them.
///
/// Nodes of Henge answer this, too: there the master of a slot is the first node of its keys'
/// preference list, so that a request needs no forwarding.
///
/// Source: Redis Cluster specification, "Key distribution model".
package struct SlotMap: Equatable, Sendable {
    /// The answer is not that to `CLUSTER SLOTS`, or not of a whole cluster.
    package enum Fault: Error, Equatable, CustomStringConvertible {
        case malformed
        /// So many slots have no node.
        case unserved(Int)

        package var description: String {
            switch self {
            case .malformed:
                "the answer to CLUSTER SLOTS makes no sense; --cluster needs nodes of henge or of "
                    + "Redis Cluster"
            case .unserved(let count): "\(count) of \(HashSlot.count) hash slots have no node"
            }
        }
    }

    /// The masters, each once, in the order in which the answer names them.
    package private(set) var nodes: [HengeAddress] = []
    /// By slot, an index of ``nodes``.
    private var owners: [Int]

    /// - Parameters:
    ///   - reply: to `CLUSTER SLOTS`.
    ///   - asked: who gave it; it names no host where it knows none of its own.
    package init(_ reply: HengeReply, from asked: HengeAddress) throws(Fault) {
        owners = Array(repeating: -1, count: HashSlot.count)
        guard case .array(let ranges) = reply else { throw .malformed }
        for range in ranges { try add(range, asked) }
        let unserved = owners.count { $0 < 0 }
        guard unserved == 0 else { throw .unserved(unserved) }
    }

    /// An index of ``nodes``.
    package func owner(of slot: UInt16) -> Int { owners[Int(slot)] }

    /// `[first, last, [host, port, …], …]`, the master first.
    private mutating func add(_ range: HengeReply, _ asked: HengeAddress) throws(Fault) {
        guard case .array(let fields) = range, fields.count >= 3,
            case .integer(let first) = fields[0], case .integer(let last) = fields[1],
            0 <= first, first <= last, last < HashSlot.count,
            case .array(let master) = fields[2], master.count >= 2,
            case .integer(let port) = master[1], 1 <= port, port <= Int64(UInt16.max)
        else { throw .malformed }
        let address = HengeAddress(host: Self.host(master[0]) ?? asked.host, port: Int(port))
        let index = nodes.firstIndex(of: address) ?? nodes.count
        if index == nodes.count { nodes.append(address) }
        for slot in Int(first)...Int(last) { owners[slot] = index }
    }

    private static func host(_ reply: HengeReply) -> String? {
        let text: String
        switch reply {
        case .text(let status): text = status
        case .bytes(let bytes): text = String(buffer: bytes)
        case .null, .integer, .double, .boolean, .array, .map, .error: return nil
        }
        return text.isEmpty || text == "?" ? nil : text
    }
}
