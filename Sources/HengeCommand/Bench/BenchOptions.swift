import ArgumentParser
import HengeClient

extension KeyDistribution: ExpressibleByArgument {}

/// The options of `henge bench`.
struct BenchOptions: ParsableArguments {
    private static let populatePipeline = 16
    private static let standardSeconds = 10.0

    @OptionGroup var nodes: NodeOptions

    @Option(help: "Connections, spread over the nodes; with --cluster, clients.")
    var connections = 50

    @Option(help: "Operations in flight on each connection; with --cluster, of each client.")
    var pipeline = 1

    @Option(help: "Event loops to send from, each on a thread of its own.")
    var threads = 1

    @Option(help: "How many operations to measure. (default: as many as --seconds allows)")
    var operations: Int?

    @Option(help: "How long to measure. (default: 10, unless --operations is given)")
    var seconds: Double?

    @Option(help: "Operations a second. (default: as many as are answered)")
    var rate: Double?

    @Option(help: "How many different keys.")
    var keys = 100_000

    @Option(help: "Which keys follow each other: uniform, zipfian or sequential.")
    var distribution = KeyDistribution.uniform

    @Option(help: "Size of the values.")
    var valueBytes = 100

    @Option(
        help: ArgumentHelp(
            "What to do: ping, set, get, or reads to writes such as 80:20.",
            valueName: "ping|set|get|R:W"
        )
    )
    var mix = "80:20"

    @Option(
        help: ArgumentHelp(
            "Level for all connections, set once on each. (default: the nodes' own)",
            valueName: "one|quorum|all|N"
        )
    )
    var consistency: String?

    @Option(help: "The bucket of the keys. (default: default)")
    var bucket: String?

    @Option(
        help: ArgumentHelp(
            "A request to send behind each write, such as 'WAIT 1 1000'; the two count as one.",
            valueName: "request"
        )
    )
    var afterWrite: String?

    @Flag(help: "Write every key once before.")
    var populate = false

    @Option(help: "Seconds of the same load before measuring.")
    var warmup = 0.0

    @Option(help: "Seed of keys, values and order.")
    var seed: UInt64 = 1

    @Flag(help: "Ask each key's own node; --node are those to ask for the map of the cluster.")
    var cluster = false

    @Option(
        help: ArgumentHelp(
            "Set the figures beside those of an earlier run's --json.",
            valueName: "file"
        )
    )
    var compare: String?

    @Flag(help: "Print JSON.")
    var json = false

    /// - Throws: `ValidationError`.
    func check() throws {
        try require(connections, in: 1...20_000, "--connections")
        try require(pipeline, in: 1...10_000, "--pipeline")
        try require(threads, in: 1...256, "--threads")
        try require(keys, in: 1...1_000_000_000_000, "--keys")
        try require(valueBytes, in: 0...(16 << 20), "--value-bytes")
        try require(operations ?? 1, in: 1...1_000_000_000_000, "--operations")
        try require(seconds ?? 1, in: 0.01...86_400, "--seconds")
        try require(rate ?? 1, in: 0.01...100_000_000, "--rate")
        try require(warmup, in: 0...3_600, "--warmup")
        if operations != nil, seconds != nil {
            throw ValidationError("Give --operations or --seconds, not both.")
        }
        guard OperationMix(parsing: mix) != nil else {
            throw ValidationError("--mix must be ping, set, get, or reads to writes such as 80:20.")
        }
        if consistency.map({ Self.words($0).isEmpty }) == true {
            throw ValidationError("--consistency must be one, quorum, all or a number.")
        }
    }

    private func require<Number: Comparable>(
        _ value: Number,
        in range: ClosedRange<Number>,
        _ name: String
    ) throws {
        guard !range.contains(value) else { return }
        throw ValidationError("\(name) must be from \(range.lowerBound) to \(range.upperBound).")
    }

    /// What to do. The options have passed ``check()``.
    ///
    /// - Parameter slots: where clients go that know the cluster; nil for those that do not.
    func plan(slots: SlotMap?) throws(CommandFailure) -> LoadPlan {
        guard let mix = OperationMix(parsing: mix) else {
            throw CommandFailure(.usage, "--mix makes no sense")
        }
        var preparation: [[String]] = []
        if let bucket { preparation.append(["HENGE.BUCKET", bucket]) }
        if let consistency {
            preparation.append(["CONSISTENCY"] + Self.words(consistency.uppercased()))
        }
        let measured = LoadPhase(
            name: "measuring",
            mix: mix,
            distribution: distribution,
            keys: keys,
            limit: operations.map { .operations($0) } ?? .seconds(seconds ?? Self.standardSeconds),
            rate: rate,
            pipeline: pipeline
        )
        return LoadPlan(
            addresses: try nodes.addresses(),
            slots: slots,
            connections: connections,
            threads: min(threads, connections),
            valueBytes: valueBytes,
            preparation: preparation,
            afterWrite: Self.words(afterWrite ?? ""),
            seed: seed,
            populate: populate ? filling(measured) : nil,
            warmup: warmup > 0 ? warming(measured) : nil,
            measured: measured
        )
    }

    /// The load, to be told and compared.
    var description: LoadDescription {
        LoadDescription(
            mix: mix.lowercased(),
            distribution: distribution.rawValue,
            keys: keys,
            valueBytes: valueBytes,
            connections: connections,
            pipeline: pipeline,
            rate: rate,
            threads: min(threads, connections),
            isClusterAware: cluster,
            consistency: consistency?.lowercased(),
            bucket: bucket,
            afterWrite: afterWrite
        )
    }

    /// The map of the cluster, from the first node that can be reached.
    func slotMap() async throws(CommandFailure) -> SlotMap {
        var failures: [HengeError] = []
        for address in try nodes.addresses() {
            let reply: HengeReply
            do throws(HengeError) {
                reply = try await Question.ask(["CLUSTER", "SLOTS"], at: address)
            } catch {
                guard error.code == .connectionFailed else { throw CommandFailure(error) }
                failures.append(error)
                continue
            }
            do throws(SlotMap.Fault) {
                return try SlotMap(reply, from: address)
            } catch {
                throw CommandFailure(.failed, "\(address): \(error)")
            }
        }
        throw CommandFailure(unreachable: failures)
    }

    private func filling(_ measured: LoadPhase) -> LoadPhase {
        var phase = measured
        phase.name = "filling"
        phase.mix = .set
        phase.distribution = .sequential
        phase.limit = .operations(keys)
        phase.rate = nil
        phase.pipeline = max(pipeline, Self.populatePipeline)
        return phase
    }

    private func warming(_ measured: LoadPhase) -> LoadPhase {
        var phase = measured
        phase.name = "warming up"
        phase.limit = .seconds(warmup)
        return phase
    }

    private static func words(_ text: String) -> [String] {
        text.split { $0 == " " || $0 == "," }.map(String.init)
    }
}
