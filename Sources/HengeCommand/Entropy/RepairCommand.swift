import ArgumentParser
import HengeClient
import HengeMessages

/// `henge repair`
struct RepairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Compare all replicas now and mend what differs.",
        discussion: """
            Nodes compare their replicas by themselves every --compare-interval-s; this has all \
            nodes, found through --node, begin at once. With --watch it waits until every range \
            has been verified on all its replicas since; interrupted it leaves the repair running. \
            Exits 1 when a node could not be told, 4 when --timeout is over.

            All buckets share all ranges, and comparing costs what differs and not what is there, \
            so a repair of one --bucket is one of all: its keys are mended, and others with them.

            JSON: {"nodes":["n1"]}, with --watch {"verified","ranges","seconds","differences",\
            "bytes_raw","bytes_compressed","received","sent","purged","comparisons","failed",\
            "hand_off_bytes_raw","hand_off_bytes_compressed"}.

            Example: henge repair
            Example: henge repair --watch --timeout 60
            """
    )

    @OptionGroup var nodes: NodeOptions

    @Option(help: "The bucket whose keys are to be mended; see above.")
    var bucket: String?

    @Flag(help: "Show how far it is, and wait until it is done.")
    var watch = false

    @Option(help: "With --watch: how long to wait, in seconds, 1 to 604800.")
    var timeout = 600

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...604_800).contains(timeout) else {
            throw ValidationError("--timeout \(timeout): must be a number from 1 to 604800")
        }
        if let bucket, !(1...StoredKey.bucketLengthMax).contains(bucket.utf8.count) {
            throw ValidationError(
                "--bucket: a name has 1 to \(StoredKey.bucketLengthMax) bytes, "
                    + "not \(bucket.utf8.count)"
            )
        }
    }

    func run() async throws {
        let ring = try await ClusterQuestion.ring(through: nodes)
        let addresses = ring.nodes.map { (name: $0.name, resp: $0.resp) }
        let before = try await EntropyView.ask(ring)
        let begin = ContinuousClock.now
        try Self.check(await ClusterQuestion.ask(["HENGE.REPAIR"], of: addresses))
        let names = ring.nodes.map { Wording.printable($0.name) }
        guard watch else {
            if json {
                Output.json(.object(("nodes", .array(ring.nodes.map { .string($0.name) }))))
            } else {
                Output.line(
                    "\(names.joined(separator: ", ")) compare now; henge report entropy shows how "
                        + "far they are"
                )
            }
            return
        }
        var watcher = RepairWatch(
            ring: ring,
            begin: begin,
            limit: .seconds(timeout),
            isQuiet: json,
            progress: RepairProgress(before: before)
        )
        let progress = try await watcher.wait()
        if json { Output.json(progress.json) } else { Output.line(progress.result) }
    }

    /// Ranges of a node that was not told can't become verified, so there is nothing to wait for.
    private static func check(_ answers: [ClusterQuestion.Answer]) throws(CommandFailure) {
        var failures: [String] = []
        for answer in answers {
            if case .failure(let error) = answer.result {
                failures.append("\(answer.node): \(CommandFailure(error).message)")
            }
        }
        guard !failures.isEmpty else { return }
        let done = answers.count - failures.count
        throw CommandFailure(
            .failed,
            "\(done) of \(answers.count) nodes compare, not \(failures.joined(separator: "; "))"
        )
    }
}
