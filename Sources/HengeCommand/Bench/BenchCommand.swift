import ArgumentParser
import Glibc
import HengeClient

/// `henge bench`
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Put a load on nodes and measure rate and latency.",
        discussion: """
            Without --rate, each connection sends its next --pipeline operations when the last are \
            answered (a closed loop, as redis-benchmark). With --rate, operations are due at fixed \
            times whatever became of those before, and latency counts from then: it is corrected \
            for coordinated omission.

            It also drives Redis. There a replicated write is a SET and a WAIT behind it, which \
            count as one operation: --mix set --after-write 'WAIT 1 1000'. One of --threads sends \
            about as much as one core of a server answers; mind who is the bottleneck.

            With --cluster each of the --connections is a client with a connection to every node, \
            and asks each key's own: the first of its preference list, or its Redis Cluster master.

            --compare sets the figures beside those that --json printed before, under the same \
            load; exits 2 if that load was another.

            Example: henge bench --populate --mix 80:20 --distribution zipfian --seconds 10
            Example: henge bench --mix set --consistency all --rate 5000 --seconds 30 --json
            Example: henge bench --json >before.json; henge bench --compare before.json
            Example: henge bench --node 127.0.0.1:6379 --mix ping --operations 100000
            """,
        subcommands: [BenchPlacementCommand.self]
    )

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try options.check()
    }

    func run() async throws {
        // A server that closes a connection is an error to count and not the end of this process.
        signal(SIGPIPE, SIG_IGN)
        let load = options.description
        // Before the load, which may take long.
        let earlier = try options.compare.map { path throws(CommandFailure) in
            let earlier = try EarlierRun.read(path)
            try earlier.require(comparable: load, path: path)
            return earlier
        }
        let plan = try options.plan(slots: options.cluster ? try await options.slotMap() : nil)
        let display = BenchDisplay(isShown: !options.json)
        let result: LoadResult
        do {
            result = try await LoadRun(plan: plan) { display.show($0) }.run()
        } catch let error as LoadError {
            display.clear()
            throw Self.failure(error)
        }
        display.clear()
        let report = LoadReport(result, of: load, beside: earlier)
        if options.json {
            Output.json(report.json)
        } else {
            Output.lines(report.lines(color: Output.usesColor))
        }
        if let loss = result.loss { throw Self.failure(.lost(loss)) }
    }

    private static func failure(_ error: LoadError) -> CommandFailure {
        let text = Wording.printable(error.description, limit: 500)
        switch error {
        case .unreachable(let reason):
            return CommandFailure(unreachable: [HengeError(.connectionFailed, reason)])
        case .refused:
            return CommandFailure(
                .failed,
                "\(text); --consistency and --bucket need nodes of henge"
            )
        case .lost, .populate:
            return CommandFailure(.failed, "\(text); see the nodes' logs")
        }
    }
}
