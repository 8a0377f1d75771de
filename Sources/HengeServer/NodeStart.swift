import HengeBase
import HengeMembership
import HengeMessages
import HengeRing
import HengeStorage
import Logging

import struct NIOCore.ByteBuffer

/// What a node begins with: its data, open, and what it knows of the ring.
struct NodeStart {
    let store: NodeStore
    let acceptor: RingAcceptor
    let member: Member
    /// Nothing was ever saved of rings, so that the ring is the bootstrap list's: the node is one
    /// of a new cluster, or has lost its disk. Only the other nodes can tell.
    let isUnconfirmed: Bool
}

/// Finds out what a node begins with.
struct NodeStarter {
    let settings: NodeSettings
    let logger: Logger
    /// By shard: who is told of what its storage has done.
    let deliver: [@Sendable ([StorageCompletion]) -> Void]

    /// For one of the first members: the ring on the disk counts, where there is one, and the
    /// bootstrap list else.
    func begin(bootstrap list: BootstrapList) throws(StartError) -> NodeStart {
        let document = try bootstrapDocument(list)
        guard let own = document.members.first(where: { $0.name == settings.name }) else {
            throw .notInBootstrap(name: settings.name)
        }
        let store = try open(document.clusterID, partitions: document.owners.count)
        do throws(StartError) {
            let found = savedAcceptor(in: store)
            if case .unreadable = found { tellLoss() }
            let acceptor =
                found.acceptor ?? RingAcceptor(document: document, hasLostVotes: true)
            let member = try member(in: acceptor.document, at: own.peerAddress)
            if case .unreadable = found { try save(acceptor, in: store) }
            return NodeStart(
                store: store,
                acceptor: acceptor,
                member: member,
                isUnconfirmed: found == .none
            )
        } catch {
            store.close()
            throw error
        }
    }

    /// For a node that joins, or has joined: nil for a directory that belongs to no
    /// cluster yet.
    func openExisting() throws(StartError) -> NodeStore? {
        do throws(StoreOpenError) {
            try StoreDirectory.make(settings.dataDirectory)
        } catch {
            throw .cannotOpenData("\(error)")
        }
        guard StoreDirectory.holdsStore(settings.dataDirectory) else { return nil }
        do throws(StoreOpenError) {
            return try openStore(nil, partitions: RingDocument.partitionCounts.upperBound)
        } catch .unclaimed {
            return nil
        } catch {
            throw .cannotOpenData("\(error)")
        }
    }

    /// With the ring on its disk; nil when there is none, or none that can be read: then it offers
    /// itself again, and where it is a member it hears so.
    func begin(joined store: NodeStore) throws(StartError) -> NodeStart? {
        let found = savedAcceptor(in: store)
        if case .unreadable = found { tellLoss() }
        guard let acceptor = found.acceptor else { return nil }
        return NodeStart(
            store: store,
            acceptor: acceptor,
            member: try member(in: acceptor.document, at: settings.peerAddress.description),
            isUnconfirmed: false
        )
    }

    /// With a ring that names the node, as others told; nil when it does not.
    ///
    /// It may have been a member before it lost its disk, and so it votes only when the others have
    /// made sure that it can't contradict itself. One that is new has no vote until then anyway.
    func begin(
        with document: RingDocument,
        _ store: NodeStore
    ) throws(StartError) -> NodeStart? {
        let address = settings.peerAddress.description
        guard let member = try? member(in: document, at: address) else { return nil }
        let acceptor = RingAcceptor(document: document, hasLostVotes: true)
        try save(acceptor, in: store)
        return NodeStart(
            store: store,
            acceptor: acceptor,
            member: member,
            isUnconfirmed: false
        )
    }

    func open(_ clusterID: UInt64, partitions: Int) throws(StartError) -> NodeStore {
        do throws(StoreOpenError) {
            return try openStore(clusterID, partitions: partitions)
        } catch {
            throw .cannotOpenData("\(error)")
        }
    }

    private func openStore(
        _ clusterID: UInt64?,
        partitions: Int
    ) throws(StoreOpenError) -> NodeStore {
        var options = RocksDBEngine.Options(
            directory: settings.dataDirectory,
            partitionBits: partitions.trailingZeroBitCount
        )
        options.durability = settings.durability
        options.blockCacheBytes = settings.blockCacheBytes
        options.recordCacheBytes = settings.recordCacheBytes
        return try NodeStore.open(
            options,
            identity: StoreIdentity(clusterID: clusterID, nodeName: settings.name),
            logger: logger,
            deliver: deliver
        )
    }

    // MARK: Rings

    private enum Saved: Equatable {
        case none
        case unreadable
        case acceptor(RingAcceptor)

        var acceptor: RingAcceptor? {
            if case .acceptor(let acceptor) = self { acceptor } else { nil }
        }
    }

    private func savedAcceptor(in store: NodeStore) -> Saved {
        let storage = store.first
        guard let bytes = storage.storedRing else { return .none }
        guard let acceptor = try? RingAcceptor(saved: bytes),
            acceptor.document.clusterID == storage.clusterID
        else { return .unreadable }
        return .acceptor(acceptor)
    }

    private func tellLoss() {
        logger.warning(
            """
            the ring on the disk can't be read; this node asks the others for it, and has no vote \
            on changes of the ring until they have made sure that it can't contradict itself
            """
        )
    }

    private func save(_ acceptor: RingAcceptor, in store: NodeStore) throws(StartError) {
        do throws(StorageFailure) {
            try store.first.saveRing(acceptor.encoded())
        } catch {
            throw .cannotOpenData(
                "data directory \(settings.dataDirectory): the ring can't be saved (\(error.name))"
            )
        }
    }

    /// This node in a ring. Another one may have its name by now, or its address.
    private func member(
        in document: RingDocument,
        at address: String
    ) throws(StartError) -> Member {
        guard let member = document.allMembers.first(where: { $0.name == settings.name }) else {
            throw document.recoveries.isEmpty
                ? .removed(name: settings.name, epoch: document.epoch)
                : .removedOrGivenUp(name: settings.name, epoch: document.epoch)
        }
        guard member.peerAddress == address else {
            throw .movedAway(name: settings.name, found: member.peerAddress, expected: address)
        }
        return member
    }

    private func bootstrapDocument(_ list: BootstrapList) throws(StartError) -> RingDocument {
        do throws(RingError) {
            return try RingDocument.bootstrap(
                list,
                replicas: settings.replicas,
                partitions: settings.partitions
            )
        } catch {
            throw .badRing("\(error)")
        }
    }
}

/// Why a node did not start.
package enum StartError: Error, Hashable, Sendable, CustomStringConvertible {
    case notInBootstrap(name: String)
    case badRing(String)
    case cannotOpenData(String)
    case cannotListen(String)
    /// The ring that this node knew last doesn't have it any more.
    case removed(name: String, epoch: UInt64)
    /// The same, where unsafe recoveries have given nodes up.
    case removedOrGivenUp(name: String, epoch: UInt64)
    case movedAway(name: String, found: String, expected: String)

    package var description: String {
        switch self {
        case .notInBootstrap(let name):
            "node \(name) is not in the bootstrap list; one of the first members has to be there, "
                + "as \(name)=HOST:PEERPORT, and one that was added later starts with --join"
        case .badRing(let reason): "the ring can't be made: \(reason)"
        case .cannotOpenData(let reason): reason
        case .cannotListen(let reason): "can't listen: \(reason)"
        case .removed(let name, let epoch):
            "node \(name) was removed from the ring, as of epoch \(epoch), and its data is of no "
                + "use any more; to add the machine again, start it with --join, an empty --data "
                + "directory and a new --name, and take it in with henge ring add"
        case .removedOrGivenUp(let name, let epoch):
            "node \(name) is in the ring no more, as of epoch \(epoch); if it was given up for "
                + "lost by an unsafe recovery, it may hold what the others do not have, so keep "
                + "its data if that matters; to add the machine again, start it with --join, an "
                + "empty --data directory and a new --name"
        case .movedAway(let name, let found, let expected):
            "the node \(name) of the ring is at \(found), not at \(expected); a member keeps its "
                + "address, so to move it use henge ring replace with a node of another name"
        }
    }
}
