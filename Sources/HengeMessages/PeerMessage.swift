package import HengeBase
package import HengeCausality
import HengeRing

/// What nodes say to each other about requests, as values; ``PeerMessageCodec`` gives them bytes.
package enum PeerMessage: Hashable, Sendable {
    /// Merge this object into the record and make it durable.
    ///
    /// `epoch` here and below is that of the ring by which the sender has chosen whom to ask.
    case store(RequestID, StoredKey, EncodedObject, timeout: Interval, epoch: UInt64)
    case stored(RequestID, StoreResult)
    /// Send the record, or the digest of its version alone.
    case fetch(RequestID, StoredKey, FetchKind, timeout: Interval, epoch: UInt64)
    case fetched(RequestID, FetchResult)
    /// Coordinate this request: the sender holds no replica of its key.
    case forward(RequestID, ClientRequest, epoch: UInt64)
    case forwarded(RequestID, ClientResponse)
    /// How the forwarded request went, if the sender asked for it: after `forwarded`, once all that
    /// was done for the request has ended.
    case explained(RequestID, Explanation)
    case scan(RequestID, ScanRange, timeout: Interval, epoch: UInt64)
    case scanned(RequestID, Result<ScanPage, StorageFailure>)
    /// Ask for the keys held in each of the partitions.
    case count(RequestID, epoch: UInt64)
    /// `keys[p]` for each partition.
    case counted(RequestID, keys: [Int])
    /// The answer to a store, a fetch, a scan or a count whose epoch is before the last step of a
    /// partition that it concerns: nothing was done. The sender has the ring of this epoch.
    case staleRing(RequestID, epoch: UInt64)
    /// Merge these records, which the receiver missed, and say when all are durable.
    case handOff(RequestID, [HandedRecord])
    case handedOff(RequestID, HandOffResult)
    case entropy(RequestID, EntropyMessage)
    /// Send the next records of a partition, which the sender takes over.
    case transfer(RequestID, TransferRequest)
    case transferred(RequestID, TransferResult)
    /// Between control planes; it never reaches a shard.
    case gossip(GossipMessage)
    /// Between control planes: which ring comes next.
    case ring(RingMessage)
    /// Between control planes: how far the sender is with the change that is running.
    case ringReport(RingReport)
    /// Between drivers, for one that plans a change of the ring; it never reaches a shard.
    case facts(RequestID, FactsMessage)
    /// Between drivers, for metrics; it never reaches a shard.
    case clock(ClockMessage)
}

/// A record on its way to a replica that missed it.
package struct HandedRecord: Hashable, Sendable {
    package var key: StoredKey
    package var object: EncodedObject

    package init(key: StoredKey, object: EncodedObject) {
        self.key = key
        self.object = object
    }
}

package enum HandOffResult: Hashable, Sendable {
    /// All are durable, except so many whose timestamps were too far ahead of the receiver's clock.
    case durable(refused: Int)
    case failed(StorageFailure)
    case overloaded
}

package enum FetchKind: UInt8, Sendable {
    case object = 0
    case digest = 1
    /// The object, for an inspection: also when it may not be read from.
    case inspection = 2
}

package enum StoreResult: Hashable, Sendable {
    case durable
    case failed(StorageFailure)
    /// The object's timestamp is too far ahead of the replica's clock.
    case clockDrift
    case overloaded
}

package enum FetchResult: Hashable, Sendable {
    /// nil where nothing is stored.
    case object(EncodedObject?)
    /// ``VersionDigest`` of the record; ``VersionDigest/absent`` where nothing is stored.
    case digest(VersionDigest)
    case failed(StorageFailure)
    case overloaded
}

/// A 64-bit hash of an object's header: equal versions have equal digests, and two different ones
/// collide with a chance of 2⁻⁶⁴.
package struct VersionDigest: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let absent = VersionDigest(rawValue: 0)

    package init(of object: EncodedObject?) {
        guard let object else {
            self = .absent
            return
        }
        rawValue = object.withHeaderBytes(Self.hash)
    }

    package init(of version: EncodedVersion) {
        rawValue = version.withHeaderBytes(Self.hash)
    }

    private static func hash(_ header: UnsafeRawBufferPointer) -> UInt64 {
        XXH3.hash64(header, seed: 1)
    }
}
