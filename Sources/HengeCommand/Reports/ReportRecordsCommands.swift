import ArgumentParser
import HengeClient
import HengeServer

/// What the reports on single records have in common.
struct RecordsOptions: ParsableArguments {
    @OptionGroup var nodes: NodeOptions

    @OptionGroup var report: ReportOptions

    @Option(help: "Records to look at, over all nodes.")
    var sample = ClusterReporter.searchDefault

    @Option(help: "Records to show, 1 to 100.")
    var limit = 20

    func validate() throws {
        guard (1...ClusterReporter.sampleMax).contains(sample) else {
            throw ValidationError("--sample must be 1 to \(ClusterReporter.sampleMax).")
        }
        guard (1...RecordReply.recordsMax).contains(limit) else {
            throw ValidationError("--limit must be 1 to \(RecordReply.recordsMax).")
        }
    }

    func show(_ kind: RecordReply.Kind) async throws(CommandFailure) {
        let reply = try await nodes.ask(
            ["HENGE.REPORT", kind.rawValue, "SAMPLE", "\(sample)"],
            // A node waits some twelve seconds for others.
            patience: .seconds(30)
        )
        do throws(ReplyFields.Fault) {
            let view = try RecordsView(reply)
            report.print(
                text: { view.lines(limit: limit, color: $0) },
                json: { JSON(reply) },
                html: { view.page(limit: limit) }
            )
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }
}

/// `henge report siblings`
struct ReportSiblingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "siblings",
        abstract: "List the keys with the most siblings.",
        discussion: """
            How many siblings there are is counted; which keys have them is found by looking at \
            records of the partitions that have some, in the background of the nodes and in at \
            most some ten seconds. docs/reports.md has the fields of the JSON.

            Example: henge report siblings
            Example: henge report siblings --sample 1000000 --json
            """
    )

    @OptionGroup var options: RecordsOptions

    func run() async throws { try await options.show(.siblings) }
}

/// `henge report sizes`
struct ReportSizesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sizes",
        abstract: "List the largest objects.",
        discussion: """
            Found by looking at records in the background of the nodes, in at most some ten \
            seconds; it says how many were looked at. A size is that of key and object, siblings \
            included. docs/reports.md has the fields of the JSON.

            Example: henge report sizes
            Example: henge report sizes --limit 100 --format html > sizes.html
            """
    )

    @OptionGroup var options: RecordsOptions

    func run() async throws { try await options.show(.sizes) }
}
