package import HengeBase
package import HengeRing

package import struct NIOCore.ByteBuffer

/// How far a node is with taking a partition over; this is what it saves.
package struct TransferCursor: Hashable, Sendable {
    /// A node that the partition is read from.
    package struct Source: Hashable, Sendable {
        package let node: NodeID
        /// Where to go on; nil when it was read to its end.
        package internal(set) var next: Token?
    }

    /// The epoch of the partition's step that this belongs to. After another step it says nothing:
    /// the node may have dropped the partition meanwhile.
    package let fence: UInt64
    /// All before this has been taken over, from enough nodes, and is durable; nil when all has.
    /// It only rises.
    package private(set) var base: Token?
    /// Those that are being read; empty before they are chosen.
    package private(set) var sources: [Source] = []
    /// Records and bytes that have come, from all sources together.
    package private(set) var keys = 0
    package private(set) var bytes = 0
    /// Places at which a source could not read its records.
    package private(set) var skipped = 0

    /// - Parameter base: the first token of the partition.
    package init(fence: UInt64, base: Token) {
        self.fence = fence
        self.base = base
    }

    package var isDone: Bool { base == nil }

    /// The source that is behind the others, the first of several; nil when all are through.
    var slowest: Int? {
        var slowest: Int?
        for index in sources.indices {
            guard let next = sources[index].next else { continue }
            if let other = slowest.flatMap({ sources[$0].next }), other <= next { continue }
            slowest = index
        }
        return slowest
    }

    /// Reads on from these nodes: those that are sources already from where they are, the others
    /// from ``base`` on.
    mutating func read(from nodes: [NodeID], keepingSources: Bool) {
        let before = keepingSources ? sources : []
        sources = nodes.map { node in
            before.first { $0.node == node } ?? Source(node: node, next: base)
        }
    }

    mutating func forgetSources() {
        sources = []
    }

    /// A page of a source is durable.
    mutating func took(_ page: TransferTally, from source: Int, next: Token?) {
        sources[source].next = next
        keys += page.keys
        bytes += page.bytes
        skipped += page.skipped
        base = slowest.flatMap { sources[$0].next }
    }

    // MARK: On the disk

    private static let format: UInt8 = 1
    /// No partition is as large; so sums of what is read don't overflow.
    private static let countMax: UInt64 = 1 << 48

    /// u8 format, u64 fence, the base, three u64 of counts, u8 number of sources, and for each a
    /// u16 id and where to go on. Tokens are a u8 flag and, if that is 1, a u64.
    package var stored: ByteBuffer {
        var out = ByteBuffer()
        out.writeInteger(Self.format)
        out.writeInteger(fence)
        Self.write(base, &out)
        for count in [keys, bytes, skipped] { out.writeInteger(UInt64(count)) }
        out.writeInteger(UInt8(sources.count))
        for source in sources {
            out.writeInteger(source.node.rawValue)
            Self.write(source.next, &out)
        }
        return out
    }

    /// Reads what was saved; nil when it is nothing of the kind.
    package init?(stored: ByteBuffer) {
        var stored = stored
        guard stored.readInteger() == Self.format, let fence: UInt64 = stored.readInteger(),
            case .some(let base) = Self.readToken(&stored),
            let keys: UInt64 = stored.readInteger(), let bytes: UInt64 = stored.readInteger(),
            let skipped: UInt64 = stored.readInteger(), let count: UInt8 = stored.readInteger(),
            max(keys, bytes, skipped) < Self.countMax, Int(count) <= ReplicaSet.capacity
        else { return nil }
        self.fence = fence
        self.base = base
        self.keys = Int(keys)
        self.bytes = Int(bytes)
        self.skipped = Int(skipped)
        for _ in 0..<count {
            guard let node: UInt16 = stored.readInteger(),
                case .some(let next) = Self.readToken(&stored)
            else { return nil }
            sources.append(Source(node: NodeID(node), next: next))
        }
        guard stored.readableBytes == 0 else { return nil }
    }

    private static func write(_ token: Token?, _ out: inout ByteBuffer) {
        out.writeInteger(UInt8(token == nil ? 0 : 1))
        if let token { out.writeInteger(token.rawValue) }
    }

    /// The outer nil says that there is none whole.
    private static func readToken(_ stored: inout ByteBuffer) -> Token?? {
        switch stored.readInteger(as: UInt8.self) {
        case 0: return .some(nil)
        case 1:
            guard let raw: UInt64 = stored.readInteger() else { return nil }
            return .some(Token(rawValue: raw))
        default: return nil
        }
    }
}

/// What a page brought.
struct TransferTally: Sendable {
    var keys = 0
    var bytes = 0
    var skipped = 0
}
