import HengeBase

import struct NIOCore.ByteBuffer

/// A message under way.
struct Envelope {
    let from: Int
    let to: Int
    /// Whose it is at both ends; the first one's also what control planes say.
    let shard: Int
    /// The connection that carries it, or number 0 for a datagram.
    let connection: Int
    let isGossip: Bool
    /// The sender's life if it must not be taken for another one's.
    let life: UInt64?
    let bytes: ByteBuffer
}

/// The state of the network between the nodes: which ways are blocked, and for each pair of nodes
/// what each end knows of their connection.
struct Network {
    /// One pair of nodes; end 0 is the one of the lower index.
    struct Link {
        /// The connection that each end believes in.
        var ends: [Int?] = [nil, nil]
        var isDialing = false
        /// By sending end, for each shard first for requests and then for bulk: when the last
        /// message arrives, so that the next arrives after it.
        var lastArrivals: [Instant] = []
        /// By sending end: what arrived while the way was blocked.
        var stalled: [[Envelope]] = [[], []]

        var isOpen: Bool { ends[0] != nil && ends[0] == ends[1] }
    }

    let count: Int
    let shards: Int
    private var links: [Link]
    /// How many faults block the way from one node to another.
    private var blocks: [Int]
    private var connections = 0

    init(count: Int, shards: Int) {
        self.count = count
        self.shards = shards
        links = Array(repeating: Link(), count: count * count)
        blocks = Array(repeating: 0, count: count * count)
    }

    /// The link of two nodes, in either order.
    subscript(a: Int, b: Int) -> Link {
        get { links[min(a, b) * count + max(a, b)] }
        set { links[min(a, b) * count + max(a, b)] = newValue }
    }

    /// Which end of its link to `other` a node is.
    static func end(of node: Int, to other: Int) -> Int { node < other ? 0 : 1 }

    /// The place in ``Link/lastArrivals`` of what an end sends.
    static func lane(end: Int, shard: Int, inBulk: Bool) -> Int {
        end + (inBulk ? 2 : 0) + 4 * shard
    }

    /// A new connection is open from then on.
    mutating func open(_ a: Int, _ b: Int, from time: Instant) {
        self[a, b].stalled = [[], []]
        self[a, b].lastArrivals = Array(repeating: time, count: 4 * shards)
    }

    func connection(of node: Int, to other: Int) -> Int? {
        self[node, other].ends[Network.end(of: node, to: other)]
    }

    mutating func setConnection(_ connection: Int?, of node: Int, to other: Int) {
        self[node, other].ends[Network.end(of: node, to: other)] = connection
    }

    mutating func newConnection() -> Int {
        connections += 1
        return connections
    }

    func isBlocked(from: Int, to: Int) -> Bool { blocks[from * count + to] > 0 }

    /// Whether either way between them is blocked.
    func isCut(_ a: Int, _ b: Int) -> Bool {
        isBlocked(from: a, to: b) || isBlocked(from: b, to: a)
    }

    mutating func block(from: Int, to: Int) { blocks[from * count + to] += 1 }

    mutating func unblock(from: Int, to: Int) {
        blocks[from * count + to] -= 1
        invariant(blocks[from * count + to] >= 0)
    }
}
