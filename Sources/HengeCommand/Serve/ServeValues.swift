import Configuration
import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import HengeServer
import HengeStorage
import Logging
import SystemPackage

/// The values of `henge serve` from flags, environment and file, in this order of precedence,
/// checked.
struct ServeValues {
    private let flags: [String: String]
    private let reader: ConfigReader

    /// - Throws: ``CommandFailure`` when the file can't be read.
    init(flags: [String: String], file: String?) async throws {
        self.flags = flags
        let environment = EnvironmentVariablesProvider().prefixKeys(with: "henge")
        guard let file = file ?? Self.fileFromEnvironment(environment) else {
            reader = ConfigReader(provider: environment)
            return
        }
        do {
            let yaml = try await FileProvider<YAMLSnapshot>(filePath: FilePath(file))
            reader = ConfigReader(providers: [environment, yaml])
        } catch {
            throw CommandFailure(.usage, "can't read the configuration file \(file): \(error)")
        }
    }

    private static func fileFromEnvironment(_ environment: some ConfigProvider) -> String? {
        ConfigReader(provider: environment).string(forKey: "config")
    }

    func logLevel() throws(CommandFailure) -> Logger.Level {
        try value("log-level", default: .info, "a log level such as info") {
            Logger.Level(rawValue: $0)
        }
    }

    func logFormat() throws(CommandFailure) -> LogFormat {
        try value("log-format", default: .text, "text or json") { LogFormat(rawValue: $0) }
    }

    func settings() throws(CommandFailure) -> NodeSettings {
        let addresses = try (
            resp: required("resp", "host:port", HostPort.init),
            peer: required("peer", "host:port", HostPort.init)
        )
        let name = try required("name", "a name", { $0.isEmpty ? nil : $0 })
        var settings = NodeSettings(
            name: name,
            dataDirectory: try required("data", "a directory") { $0.isEmpty ? nil : $0 },
            respAddress: addresses.resp,
            peerAddress: addresses.peer,
            origin: try origin()
        )
        try describeOwn(&settings)
        settings.httpAddress = try value("http", default: nil, "host:port") { HostPort($0) }
        settings.replicas = try number("replicas", default: 3, in: 1...ReplicaSet.replicasMax)
        settings.partitions = try number("partitions", default: 1024, in: 64...16384)
        try shards(&settings)
        settings.durability = try durability()
        try reads(&settings.shard)
        let level = try value(
            "consistency",
            default: .quorum,
            "one, quorum, all or a number from 1 to 8",
            { Consistency($0) }
        )
        settings.levels = ConsistencyLevels(read: level, write: level)
        settings.sloppyBuckets = try value(
            "sloppy-buckets",
            default: [],
            "names of buckets of 1 to 255 bytes, separated by commas",
            Self.buckets
        )
        settings.requestTimeout = .milliseconds(
            UInt64(try number("timeout-ms", default: 2000, in: 1...60_000))
        )
        settings.control = try control()
        settings.valueBytesMax = try number(
            "max-value-bytes",
            default: 1 << 20,
            in: 1...(16 << 20)
        )
        settings.connectionsMax = try number("max-connections", default: 20_000, in: 1...1_000_000)
        settings.requestsMax = try number("max-requests", default: 2048, in: 1...16_384)
        try hints(&settings.shard)
        try antiEntropy(&settings.shard)
        settings.bulkCompressionLevel = try number(
            "bulk-compression-level",
            default: BulkCodec.levelDefault,
            in: BulkCodec.levels
        )
        settings.blockCacheBytes =
            try number("block-cache-mib", default: 64, in: 1...1_048_576) << 20
        settings.recordCacheBytes = try number("record-cache-mib", default: 64, in: 0...4096) << 20
        settings.stopTimeout = .seconds(
            UInt64(try number("stop-timeout-s", default: 15, in: 1...600))
        )
        try dashboard(&settings)
        settings.allowsFlush = try value(
            "allow-flush",
            default: false,
            "true or false"
        ) { Bool($0) }
        return settings
    }

    private func shards(_ settings: inout NodeSettings) throws(CommandFailure) {
        let counts = ShardSlice.counts
        settings.shards = try value(
            "shards",
            default: 1,
            "a power of two from \(counts.lowerBound) to \(counts.upperBound)"
        ) { Int($0).flatMap { ShardSlice.isCount($0) ? $0 : nil } }
        guard settings.peerAddress.advanced(by: settings.shards - 1) != nil else {
            throw CommandFailure(
                .usage,
                "--peer \(settings.peerAddress): the \(settings.shards) shards need as many ports "
                    + "from there on"
            )
        }
    }

    private func dashboard(_ settings: inout NodeSettings) throws(CommandFailure) {
        settings.allowsDashboardActions = try value(
            "dashboard-actions",
            default: false,
            "true or false"
        ) { Bool($0) }
        settings.dashboardHosts = try value(
            "dashboard-hosts",
            default: [],
            "names of hosts without ports, separated by commas",
            Self.hosts
        )
    }

    private static func hosts(_ text: String) -> [String]? {
        let names = text.split(separator: ",", omittingEmptySubsequences: false)
        // As a host of an address is read.
        let hosts = names.compactMap { HostPort("\($0):80")?.host }
        return hosts.count == names.count ? hosts : nil
    }

    private func control() throws(CommandFailure) -> ControlSettings {
        var control = ControlSettings()
        control.interval = .milliseconds(
            UInt64(try number("gossip-interval-ms", default: 1000, in: 50...60_000))
        )
        control.phiThreshold = try value(
            "phi-threshold",
            default: PhiDetector.thresholdDefault,
            "a number from 1 to 50"
        ) { text in
            Double(text).flatMap { (1...50).contains($0) ? $0 : nil }
        }
        return control
    }

    private func durability() throws(CommandFailure) -> RocksDBEngine.Durability {
        let interval = try number("sync-interval-ms", default: 1000, in: 1...60_000)
        return try value("durability", default: .sync, "sync or interval") { text in
            switch text {
            case "sync": .sync
            case "interval": .interval(.milliseconds(UInt64(interval)))
            default: nil
            }
        }
    }

    private func reads(_ shard: inout ShardConfiguration) throws(CommandFailure) {
        shard.readRepair = try value(
            "read-repair",
            default: .blocking,
            "blocking, async or off",
            ReadRepair.init
        )
        shard.hedgesReads = try value("hedged-reads", default: true, "on or off") {
            ["on": true, "off": false][$0]
        }
    }

    private func hints(_ shard: inout ShardConfiguration) throws(CommandFailure) {
        shard.hintBytesMax = try number("hint-max-mib", default: 1024, in: 0...1_048_576) << 20
        shard.hintAgeMax = .seconds(
            UInt64(try number("hint-max-age-s", default: 10_800, in: 1...31_536_000))
        )
        shard.hintBytesPerSecond = try number("hint-rate-mib", default: 16, in: 1...65_536) << 20
    }

    private func antiEntropy(_ shard: inout ShardConfiguration) throws(CommandFailure) {
        shard.background.bytesPerSecond =
            try number("background-rate-mib", default: 64, in: 1...65_536) << 20
        shard.compareInterval = .seconds(
            UInt64(try number("compare-interval-s", default: 600, in: 1...604_800))
        )
        shard.entropyBytesPerSecond =
            try number("entropy-rate-mib", default: 32, in: 1...65_536) << 20
        shard.hotKeys = try number("hot-keys", default: Heat.capacity, in: 0...16_384)
        shard.scrubInterval = .seconds(
            UInt64(try number("scrub-interval-s", default: 604_800, in: 60...31_536_000))
        )
    }

    private static func buckets(_ text: String) -> [String]? {
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let limits = 1...StoredKey.bucketLengthMax
        return names.allSatisfy { limits.contains($0.utf8.count) } ? names : nil
    }

    // MARK: Reading one value

    func text(_ key: String) -> String? {
        flags[key] ?? reader.string(forKey: ConfigKey(key))
    }

    private func required<T>(
        _ key: String,
        _ wanted: String,
        _ parse: (String) -> T?
    ) throws(CommandFailure) -> T {
        guard let text = text(key) else { throw missing(key) }
        guard let value = parse(text) else { throw wrong(key, text, wanted) }
        return value
    }

    func value<T>(
        _ key: String,
        default fallback: T,
        _ wanted: String,
        _ parse: (String) -> T?
    ) throws(CommandFailure) -> T {
        guard let text = text(key) else { return fallback }
        guard let value = parse(text) else { throw wrong(key, text, wanted) }
        return value
    }

    func number(
        _ key: String,
        default fallback: Int,
        in range: ClosedRange<Int>
    ) throws(CommandFailure) -> Int {
        try value(
            key,
            default: fallback,
            "a number from \(range.lowerBound) to \(range.upperBound)"
        ) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func missing(_ key: String) -> CommandFailure {
        CommandFailure(.usage, "--\(key) is needed; see henge serve --help")
    }

    func wrong(_ key: String, _ text: String, _ wanted: String) -> CommandFailure {
        CommandFailure(.usage, "--\(key) \(text): must be \(wanted)")
    }
}
