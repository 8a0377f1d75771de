import ArgumentParser
import HengeClient

/// `henge report`
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Report on the cluster.",
        discussion: "Example: henge report distribution",
        subcommands: [
            ReportDistributionCommand.self, ReportSiblingsCommand.self, ReportSizesCommand.self,
            ReportHotKeysCommand.self, ReportHintsCommand.self, ReportEntropyCommand.self,
        ]
    )
}

/// `henge report hints`
struct ReportHintsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hints",
        abstract: "List what nodes keep for others that missed writes.",
        discussion: """
            Finds the nodes through --node and asks all of them. A hint names a record that a node \
            missed while it was away; it is delivered when that node returns. The size counts the \
            hints and the records that are held in the node's place.

            JSON: {"count","bytes","nodes":[{"node","paused","targets":[{"node","count","bytes",\
            "oldest_ms"}],"stored","delivered","expired","dropped","bytes_delivered"}],"unreached":\
            ["n3"]}. The totals of a node count from its start; oldest_ms is an age.

            Example: henge report hints
            Example: henge report hints --node 127.0.0.1:6402 --json
            """
    )

    @OptionGroup var nodes: NodeOptions

    @OptionGroup var report: ReportOptions

    func run() async throws {
        var view = HintsView(holders: [], unreached: [])
        for answer in try await ClusterQuestion.ask(["HENGE.HINTS"], through: nodes) {
            switch answer.result {
            case .success(let reply):
                do throws(ReplyFields.Fault) {
                    view.holders.append(try HintsView.Holder(reply))
                } catch {
                    throw CommandFailure(.failed, "\(answer.node): \(error)")
                }
            case .failure: view.unreached.append(answer.node)
            }
        }
        let hints = view
        report.print(
            text: { hints.lines(color: $0) },
            json: { hints.json },
            html: { hints.page }
        )
    }
}
