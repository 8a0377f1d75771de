package import HengeBase
package import HengeNode
package import HengeRing
package import HengeStorage

/// Everything that `henge serve` was told, checked; see `henge serve --help` for the meanings.
package struct NodeSettings: Sendable {
    /// How the node comes by its first ring.
    package enum Origin: Hashable, Sendable {
        /// It is one of the first members.
        case bootstrap(BootstrapList)
        /// It offers itself to the cluster of which these are members, at their peer addresses.
        case join(seeds: [HostPort])
    }

    package var name: String
    package var dataDirectory: String
    package var respAddress: HostPort
    /// Nil for a node that serves no HTTP.
    package var httpAddress: HostPort?
    package var http = HTTPLimits()
    /// Whether the dashboard offers to change the ring, and pages may use the operators' API.
    package var allowsDashboardActions = false
    /// Names, in lower case, beside addresses and the node's own under which pages may change
    /// things.
    package var dashboardHosts: [String] = []
    package var peerAddress: HostPort
    package var origin: Origin
    /// N, 1...8, of a cluster that is bootstrapped; who joins one learns its N.
    package var replicas = 3
    /// Q, a power of two, 64...16384, of a cluster that is bootstrapped; who joins one learns its
    /// Q.
    package var partitions = 1024
    /// Of a node that joins, for the plan that takes it in; the bootstrap list has those of others.
    package var zone = ""
    package var weight = 1
    package var durability = RocksDBEngine.Durability.sync
    package var levels = ConsistencyLevels.standard
    /// Buckets whose requests are sloppy where neither they nor their connection say.
    package var sloppyBuckets: [String] = []
    /// How long a request may take before the client hears `TIMEOUT`.
    package var requestTimeout = Interval.seconds(2)
    /// The largest value a client may store, in bytes; at most 16 MiB.
    package var valueBytesMax = 1024 * 1024
    /// Clients' reads, and writes, without an answer at a time. The shard's own bound is higher: it
    /// counts what other nodes forward, too.
    package var requestsMax = 2048
    /// Client connections at a time; one more is told so and closed.
    package var connectionsMax = 20_000
    /// How long a stop may take in all; see ``Server``.
    package var stopTimeout = Interval.seconds(15)
    package var allowsFlush = false
    /// How hard bulk messages are compressed: zlib's levels, 0 (not at all) to 9.
    package var bulkCompressionLevel = BulkCodec.levelDefault
    package var blockCacheBytes = 64 * 1024 * 1024
    package var recordCacheBytes = 64 * 1024 * 1024
    package var shard = ShardConfiguration()
    package var control = ControlSettings()
    /// S, a power of two within ``ShardSlice/counts``: event loops of this node, each with a part
    /// of the token space. The same on all nodes of a cluster, and for as long as it lives.
    package var shards = 1

    package init(
        name: String,
        dataDirectory: String,
        respAddress: HostPort,
        peerAddress: HostPort,
        origin: Origin
    ) {
        self.name = name
        self.dataDirectory = dataDirectory
        self.respAddress = respAddress
        self.peerAddress = peerAddress
        self.origin = origin
    }

    package init(
        name: String,
        dataDirectory: String,
        respAddress: HostPort,
        peerAddress: HostPort,
        bootstrap: BootstrapList
    ) {
        self.init(
            name: name,
            dataDirectory: dataDirectory,
            respAddress: respAddress,
            peerAddress: peerAddress,
            origin: .bootstrap(bootstrap)
        )
    }
}
