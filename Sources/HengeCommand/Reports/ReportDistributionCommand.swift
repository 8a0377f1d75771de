import ArgumentParser
import HengeClient
import HengeMessages
import HengeRing
import HengeServer

/// `henge report distribution`
struct ReportDistributionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distribution",
        abstract: "Show how keys and bytes lie on nodes, zones, partitions and buckets.",
        discussion: """
            Asks one node, which asks all others. What nodes count is exact: keys, bytes, siblings \
            and tombstones of each partition. Buckets and sizes are told from a sample of records \
            and marked as estimates, unless the sample is of all. With --keys no cluster is \
            needed: the keys are laid on a ring of --nodes equal nodes, or of --bootstrap, and \
            their bytes are those of the keys alone.

            --what-if shows the ring as it would be, and the keys that would move: add=n4,n5 \
            remove=n2 replace=n1:n6 weight=n1:2 zone=n1:b partitions=4096, in this order of \
            time. --compare-strategies lays the same keys out by the three strategies of the \
            Dynamo paper (section 6.2).

            docs/reports.md explains every number and the fields of the JSON.

            Example: henge report distribution
            Example: henge report distribution --what-if add=n4 weight=n1:2
            Example: henge report distribution --keys keys.txt --nodes 5 --format html > report.html
            """
    )

    @OptionGroup var nodes: NodeOptions

    @OptionGroup var report: ReportOptions

    @Option(
        help: "Records to look at for what is not counted, over all nodes; 0 for none.")
    var sample = ClusterReporter.sampleDefault

    @Option(
        help: ArgumentHelp("A list of keys, one a line; - for standard input.", valueName: "file"))
    var keys: String?

    @Option(help: "With --keys: the bucket of the keys.")
    var bucket = "default"

    @Option(name: .customLong("nodes"), help: "With --keys: how many nodes there are, 1 to 1000.")
    var nodeCount = 3

    @Option(help: "With --keys: the nodes, as for henge serve, in place of --nodes.")
    var bootstrap: String?

    @Option(help: "With --keys: replicas of each key, 1 to 8.")
    var replicas = 3

    @Option(help: "With --keys: partitions, a power of two from 64 to 16384.")
    var partitions = 1024

    @Option(
        name: .customLong("what-if"), parsing: .upToNextOption,
        help: ArgumentHelp("Changes of the ring to compare with.", valueName: "change"))
    var whatIf: [String] = []

    @Flag(help: "Compare with Dynamo's three partitioning strategies.")
    var compareStrategies = false

    func validate() throws {
        guard (0...ClusterReporter.sampleMax).contains(sample) else {
            throw ValidationError("--sample must be 0 to \(ClusterReporter.sampleMax).")
        }
        guard (1...Member.countMax).contains(nodeCount) else {
            throw ValidationError("--nodes must be 1 to \(Member.countMax).")
        }
        guard (1...StoredKey.bucketLengthMax).contains(bucket.utf8.count) else {
            throw ValidationError("--bucket must be 1 to \(StoredKey.bucketLengthMax) bytes.")
        }
        _ = try changes()
    }

    private func changes() throws -> WhatIf? {
        guard !whatIf.isEmpty else { return nil }
        do throws(WhatIf.Fault) {
            return try WhatIf(whatIf)
        } catch {
            throw ValidationError("--what-if: \(error)")
        }
    }

    func run() async throws {
        let (survey, tooLong) = try await survey()
        do throws(RingStageFault) {
            let result = try DistributionResult(
                survey,
                whatIf: try? changes(),
                comparesStrategies: compareStrategies,
                tooLong: tooLong
            )
            report.print(
                text: { DistributionText(result, color: $0).lines },
                json: { result.json },
                html: { DistributionPage(result).page }
            )
        } catch {
            throw CommandFailure(.usage, "--what-if: \(error)")
        }
    }

    private func survey() async throws(CommandFailure) -> (DistributionSurvey, tooLong: Int) {
        if let keys { return try count(keys) }
        let reply = try await nodes.ask(
            ["HENGE.REPORT", "DISTRIBUTION", "SAMPLE", "\(sample)"],
            // A node waits some twelve seconds for others.
            patience: .seconds(30)
        )
        do throws(ReplyFields.Fault) {
            return (try DistributionSurvey(reply), 0)
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }

    private func count(
        _ path: String
    ) throws(CommandFailure) -> (DistributionSurvey, tooLong: Int) {
        let ring = try plannedRing()
        var line = ProgressLine()
        let file = try KeyFile(path: path, bucket: bucket) { bytes in
            line.draw("\(Wording.bytes(bytes)) of keys read")
        }
        line.clear()
        return (DistributionSurvey(file.tally, ring: ring), file.tooLong)
    }

    /// The ring that `henge serve` would make of the same list.
    private func plannedRing() throws(CommandFailure) -> Ring {
        let names = (1...nodeCount).map { "n\($0)=n\($0):7401" }
        let text = bootstrap ?? names.joined(separator: ",")
        let list: BootstrapList
        do throws(BootstrapError) {
            list = try BootstrapList.parse(text)
        } catch {
            throw CommandFailure(.usage, "--bootstrap: \(error)")
        }
        do throws(RingError) {
            let document = try RingDocument.bootstrap(
                list,
                replicas: replicas,
                partitions: partitions
            )
            return Ring(document)
        } catch {
            throw CommandFailure(.usage, "\(error)")
        }
    }
}
