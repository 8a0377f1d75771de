import ArgumentParser

/// The flags of `henge serve`. All are optional here, since each may come from elsewhere.
struct ServeOptions: ParsableArguments {
    @Option(help: "This node's name, as in the bootstrap list if it is there.")
    var name: String?

    @Option(help: "Directory for this node's data; made when missing.")
    var data: String?

    @Option(help: "Address for Redis clients, host:port.")
    var resp: String?

    @Option(help: "Address for HTTP, host:port; without it none is served.")
    var http: String?

    @Option(help: "Address for other nodes, host:port.")
    var peer: String?

    @Option(
        help: ArgumentHelp(
            "All first members: n1=host:port,n2=host:port,… each maybe with /zone=Z and /weight=W.",
            discussion: "The list must be the same on all nodes."
        )
    )
    var bootstrap: String?

    @Option(
        help: ArgumentHelp(
            "In place of --bootstrap: the peer addresses of some members, host:port,…",
            discussion: """
                The node owns nothing until 'henge ring add NAME' at a member takes it in. Until \
                then it prints a line that begins with "candidate", and answers its clients PING \
                with PONG and all else with -LOADING.
                """
        )
    )
    var join: String?

    @Option(help: "This node's zone; must agree with the bootstrap list if it is there.")
    var zone: String?

    @Option(
        help: "This node's weight, 1 to 1000; must agree with the bootstrap list if it is there."
    )
    var weight: String?

    @Option(help: "Replicas of each key, 1 to 8; not with --join. (default: 3)")
    var replicas: String?

    @Option(
        help: """
            Partitions of the ring, a power of two from 64 to 16384; not with --join. \
            (default: 1024)
            """
    )
    var partitions: String?

    @Option(
        help: ArgumentHelp(
            "Event loops that share the partitions, a power of two, 1 to 64. (default: 1)",
            discussion: """
                The same on all nodes, and for as long as the data lives. Each shard listens for \
                its like at other nodes on a port of its own, the first at --peer and the others \
                at the ports behind it.
                """
        )
    )
    var shards: String?

    @Option(
        help: "When a write counts as stored: sync (after fsync) or interval. (default: sync)"
    )
    var durability: String?

    @Option(
        name: .customLong("sync-interval-ms"),
        help: "With --durability interval: milliseconds between fsyncs. (default: 1000)"
    )
    var syncIntervalMs: String?

    @Option(help: "Default level of connections: one, quorum, all or a number. (default: quorum)")
    var consistency: String?

    @Option(
        name: .customLong("sloppy-bucket"),
        help: ArgumentHelp(
            "A bucket whose requests are sloppy where they don't say; repeatable.",
            discussion: "In the environment and the file sloppy-buckets, separated by commas."
        )
    )
    var sloppyBuckets: [String] = []

    @Option(help: "What reads do about stale replicas: blocking, async or off. (default: blocking)")
    var readRepair: String?

    @Option(help: "Ask one more replica when a read takes unusually long: on or off. (default: on)")
    var hedgedReads: String?

    @Option(
        name: .customLong("timeout-ms"),
        help: "How long a request may take, 1 to 60000. (default: 2000)"
    )
    var timeoutMs: String?

    @Option(
        name: .customLong("gossip-interval-ms"),
        help: "How often nodes exchange heartbeats, 50 to 60000. (default: 1000)"
    )
    var gossipIntervalMs: String?

    @Option(
        help:
            "How unlikely a silence must be for a node to be down, 1 to 50 as -log10. (default: 8)"
    )
    var phiThreshold: String?

    @Option(help: "Largest value in bytes, up to 16 MiB. (default: 1048576)")
    var maxValueBytes: String?

    @Option(
        help: "Reads, and writes, without an answer at a time; more are refused. (default: 2048)")
    var maxRequests: String?

    @Option(help: "MiB that hints for nodes that are away may take. (default: 1024)")
    var hintMaxMib: String?

    @Option(
        name: .customLong("hint-max-age-s"),
        help: "How long hints are kept, in seconds. (default: 10800)"
    )
    var hintMaxAgeS: String?

    @Option(help: "How fast hints are delivered, in MiB a second. (default: 16)")
    var hintRateMib: String?

    @Option(
        name: .customLong("compare-interval-s"),
        help: "How often partitions are compared with other nodes, in seconds. (default: 600)"
    )
    var compareIntervalS: String?

    @Option(help: "How fast records that differ are sent, in MiB a second. (default: 32)")
    var entropyRateMib: String?

    @Option(
        name: .customLong("scrub-interval-s"),
        help: "In what time every record is read to verify it, in seconds. (default: 604800)"
    )
    var scrubIntervalS: String?

    @Option(
        help: "Most that all background work may take, in MiB a second. (default: 64)"
    )
    var backgroundRateMib: String?

    @Option(help: "Keys that are counted as asked for most, 0 (none) to 16384. (default: 512)")
    var hotKeys: String?

    @Option(
        help: "How hard records between nodes are compressed, 0 (not at all) to 9. (default: 1)"
    )
    var bulkCompressionLevel: String?

    @Option(help: "Client connections at a time. (default: 20000)")
    var maxConnections: String?

    @Option(help: "Memory for cached blocks in MiB. (default: 64)")
    var blockCacheMib: String?

    @Option(
        help: """
            Memory for records read or written last in MiB, 0 (none) to 4096; up to a quarter \
            more for the versions of large ones. (default: 64)
            """
    )
    var recordCacheMib: String?

    @Option(
        name: .customLong("stop-timeout-s"),
        help: "How long a clean stop may take, in seconds, 1 to 600. (default: 15)"
    )
    var stopTimeoutS: String?

    @Flag(help: "Let the dashboard change the ring, start repairs and hold hints.")
    var dashboardActions = false

    @Option(
        name: .customLong("dashboard-host"),
        help: ArgumentHelp(
            "A name under which browsers reach this node, to act from there; repeatable.",
            discussion: """
                Addresses, localhost and the node's own names need not be said. In the environment \
                and the file dashboard-hosts, separated by commas.
                """
        )
    )
    var dashboardHosts: [String] = []

    @Flag(help: "Let clients empty a bucket with FLUSHALL and FLUSHDB.")
    var allowFlush = false

    @Option(help: "trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: String?

    @Option(help: "text, or json for an object a line; one event a line. (default: text)")
    var logFormat: String?

    @Option(help: "YAML file with any of these options.")
    var config: String?

    /// What was given on the command line, by key.
    var flags: [String: String] {
        let pairs: [(String, String?)] = [
            ("name", name), ("data", data), ("resp", resp), ("http", http), ("peer", peer),
            ("bootstrap", bootstrap), ("join", join), ("zone", zone), ("weight", weight),
            ("replicas", replicas),
            ("partitions", partitions), ("shards", shards), ("durability", durability),
            ("sync-interval-ms", syncIntervalMs), ("consistency", consistency),
            ("sloppy-buckets", sloppyBuckets.isEmpty ? nil : sloppyBuckets.joined(separator: ",")),
            ("read-repair", readRepair), ("hedged-reads", hedgedReads),
            ("timeout-ms", timeoutMs),
            ("gossip-interval-ms", gossipIntervalMs), ("phi-threshold", phiThreshold),
            ("max-value-bytes", maxValueBytes), ("max-connections", maxConnections),
            ("max-requests", maxRequests), ("hint-max-mib", hintMaxMib),
            ("hint-max-age-s", hintMaxAgeS), ("hint-rate-mib", hintRateMib),
            ("compare-interval-s", compareIntervalS), ("entropy-rate-mib", entropyRateMib),
            ("scrub-interval-s", scrubIntervalS), ("background-rate-mib", backgroundRateMib),
            ("hot-keys", hotKeys), ("bulk-compression-level", bulkCompressionLevel),
            ("block-cache-mib", blockCacheMib), ("record-cache-mib", recordCacheMib),
            ("allow-flush", allowFlush ? "true" : nil),
            ("dashboard-actions", dashboardActions ? "true" : nil),
            (
                "dashboard-hosts",
                dashboardHosts.isEmpty ? nil : dashboardHosts.joined(separator: ",")
            ),
            ("stop-timeout-s", stopTimeoutS), ("log-level", logLevel),
            ("log-format", logFormat),
        ]
        return pairs.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
}
