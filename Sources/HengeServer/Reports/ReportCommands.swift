import HengeBase
import HengeRESP
import HengeRing
import NIOCore

/// `HENGE.REPORT DISTRIBUTION|SIBLINGS|SIZES [SAMPLE n]`
extension ClientSession {
    func report(_ command: RESPCommand) throws(CommandError) {
        let reporter = hub.driver.reporter
        switch command.keyword(1) {
        case Keyword.distribution:
            reporter.distribution(
                sample: try sample(command) ?? ClusterReporter.sampleDefault,
                replying { (tree: ReplyTree) in .success(tree) }
            )
        case Keyword.siblings:
            // The others have none.
            reporter.survey(
                sample: try sample(command) ?? ClusterReporter.searchDefault,
                where: { $0.siblings > 0 },
                replying { (survey: DistributionSurvey) in
                    .success(RecordReply(.siblings, survey).tree)
                }
            )
        case Keyword.sizes:
            reporter.survey(
                sample: try sample(command) ?? ClusterReporter.searchDefault,
                replying { (survey: DistributionSurvey) in
                    .success(RecordReply(.sizes, survey).tree)
                }
            )
        default: throw .unknownSubcommand(command, of: "henge.report")
        }
    }

    /// How many records to look at; nil when it is not said.
    private func sample(_ command: RESPCommand) throws(CommandError) -> Int? {
        switch command.count {
        case 2: return nil
        case 4 where command.keyword(2) == Keyword.sample:
            let wanted = try command.integer(3)
            guard (0...Int64(ClusterReporter.sampleMax)).contains(wanted) else {
                throw CommandError(
                    "ERR SAMPLE is a number of records from 0 to \(ClusterReporter.sampleMax)"
                )
            }
            return Int(wanted)
        default: throw .syntax
        }
    }
}
