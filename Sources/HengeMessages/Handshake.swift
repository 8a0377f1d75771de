package import HengeBase
package import HengeRing

package import struct NIOCore.ByteBuffer

/// What each side of a new connection between nodes says first: who it is and what it speaks.
package struct PeerHello: Hashable, Sendable {
    package static let magic: UInt32 = 0x4845_4E47  // "HENG"
    /// The protocol versions that this build speaks. The fifth is the fourth with shards.
    package static let versions: ClosedRange<UInt16> = 4...5
    /// The first version that knows of shards.
    private static let shardsVersion: UInt16 = 5
    /// The most bytes that each of the texts below may have; longer ones are refused when read.
    package static let textMax = 512

    /// What a connection is for, as the side that dialled it says; the other side's word does not
    /// count.
    package enum Purpose: UInt8, Sendable {
        /// Requests and their answers, both ways: one such connection a pair of nodes.
        case requests = 0
        /// Compressed records from the dialler to the other side, beside the requests.
        case bulk = 1
        /// A node that belongs to no ring yet offers itself; its id is 0, and its cluster 0 while
        /// it knows of none. See ``CandidateMessage``.
        case candidate = 2
    }

    package var versions: ClosedRange<UInt16>
    package var clusterID: UInt64
    package var node: NodeID
    package var name: String
    /// The epoch of the sender's ring document.
    package var epoch: UInt64
    /// Which process of the node this is: the number of its start in the high 40 bits, chance in
    /// the others.
    package var life: UInt64
    /// Where the sender's clients connect, for topology answers; empty when it has none.
    package var respAddress: String
    package var httpAddress: String
    package var purpose: Purpose
    /// With ``Purpose/candidate``, and only then.
    package var candidacy: Candidacy?
    /// Which of its node's shards the connection is of: shards of one number talk to each other.
    package var slice: ShardSlice

    package init(
        versions: ClosedRange<UInt16> = PeerHello.versions,
        clusterID: UInt64,
        node: NodeID,
        name: String,
        epoch: UInt64,
        life: UInt64,
        respAddress: String,
        httpAddress: String,
        purpose: Purpose = .requests,
        candidacy: Candidacy? = nil,
        slice: ShardSlice = .whole
    ) {
        self.versions = versions
        self.clusterID = clusterID
        self.node = node
        self.name = name
        self.epoch = epoch
        self.life = life
        self.respAddress = respAddress
        self.httpAddress = httpAddress
        self.purpose = purpose
        self.candidacy = candidacy
        self.slice = slice
    }

    package func write(into out: inout ByteBuffer) {
        out.writeInteger(PeerHello.magic)
        // Who knows of no shards would take the first one for the whole node.
        let least = slice.count > 1 ? PeerHello.shardsVersion : 0
        let lowest = max(versions.lowerBound, least)
        out.writeInteger(lowest)
        out.writeInteger(max(versions.upperBound, least))
        out.writeInteger(clusterID)
        out.writeInteger(node.rawValue)
        out.writeInteger(epoch)
        out.writeInteger(life)
        out.writeText(name)
        out.writeText(respAddress)
        out.writeText(httpAddress)
        out.writeInteger(purpose.rawValue)
        if purpose == .candidate, let candidacy { out.writeCandidacy(candidacy) }
        if lowest >= PeerHello.shardsVersion {
            out.writeInteger(UInt16(slice.index))
            out.writeInteger(UInt16(slice.count))
        }
    }

    /// Fields that later versions may append are ignored. A hello that ends before its purpose is
    /// one for requests. One of a version that knows of no shards, too, is of a node with one.
    package static func read(_ payload: ByteBuffer) throws(WireDecodeError) -> PeerHello {
        var payload = payload
        guard try payload.field(UInt32.self) == magic else { throw .invalidField("magic") }
        let low = try payload.field(UInt16.self)
        let high = try payload.field(UInt16.self)
        guard low <= high else { throw .invalidField("versions") }
        let clusterID = try payload.field(UInt64.self)
        let node = NodeID(try payload.field(UInt16.self))
        let epoch = try payload.field(UInt64.self)
        let life = try payload.field(UInt64.self)
        let name = try payload.readText(lengthMax: textMax)
        let resp = try payload.readText(lengthMax: textMax)
        let http = try payload.readText(lengthMax: textMax)
        var purpose = Purpose.requests
        if payload.readableBytes > 0 {
            guard let known = Purpose(rawValue: try payload.field(UInt8.self)) else {
                throw .invalidField("purpose")
            }
            purpose = known
        }
        var candidacy: Candidacy?
        if purpose == .candidate {
            candidacy = try payload.readCandidacy()
            guard Member.isName(name) else { throw .invalidField("name") }
        }
        return PeerHello(
            versions: low...high,
            clusterID: clusterID,
            node: node,
            name: name,
            epoch: epoch,
            life: life,
            respAddress: resp,
            httpAddress: http,
            purpose: purpose,
            candidacy: candidacy,
            slice: low >= shardsVersion ? try payload.readSlice() : .whole
        )
    }

    /// The protocol version to speak with a candidate, or with a member as a candidate that may not
    /// know the cluster yet, or why not to.
    package func agree(withCandidacy other: PeerHello) throws(HandshakeRefusal) -> UInt16 {
        if clusterID != 0, other.clusterID != 0, clusterID != other.clusterID {
            throw .wrongCluster(ours: clusterID, theirs: other.clusterID)
        }
        let version = try commonVersion(with: other)
        guard slice == other.slice else { throw .otherShard(ours: slice, theirs: other.slice) }
        return version
    }

    private func commonVersion(with other: PeerHello) throws(HandshakeRefusal) -> UInt16 {
        let version = min(versions.upperBound, other.versions.upperBound)
        guard version >= max(versions.lowerBound, other.versions.lowerBound) else {
            throw .noCommonVersion(ours: versions, theirs: other.versions)
        }
        return version
    }

    /// The protocol version to speak with `other`, or why not to.
    ///
    /// - Parameter expected: the node that was dialled; nil when the other side dialled.
    package func agree(
        with other: PeerHello,
        expected: NodeID?
    ) throws(HandshakeRefusal) -> UInt16 {
        guard clusterID == other.clusterID else {
            throw .wrongCluster(ours: clusterID, theirs: other.clusterID)
        }
        let version = try commonVersion(with: other)
        guard slice == other.slice else { throw .otherShard(ours: slice, theirs: other.slice) }
        guard other.node != node else { throw .ownIdentity(name: other.name) }
        if let expected, other.node != expected {
            throw .wrongNode(expected: expected, actual: other.node, name: other.name)
        }
        return version
    }
}

/// Why a connection between nodes is refused. It is logged, counted and closed.
package enum HandshakeRefusal: Error, Hashable, Sendable {
    case wrongCluster(ours: UInt64, theirs: UInt64)
    case noCommonVersion(ours: ClosedRange<UInt16>, theirs: ClosedRange<UInt16>)
    case wrongNode(expected: NodeID, actual: NodeID, name: String)
    /// Nodes with another number of shards, or connected to a port of another one.
    case otherShard(ours: ShardSlice, theirs: ShardSlice)
    /// The other side claims to be this very node.
    case ownIdentity(name: String)
}

extension ByteBuffer {
    fileprivate mutating func readSlice() throws(WireDecodeError) -> ShardSlice {
        let index = Int(try field(UInt16.self))
        let count = Int(try field(UInt16.self))
        guard ShardSlice.isCount(count), index < count else { throw .invalidField("shard") }
        return ShardSlice(index: index, count: count)
    }
}
