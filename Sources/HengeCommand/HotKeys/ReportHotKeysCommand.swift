import ArgumentParser
import HengeClient

/// `henge report hotkeys`
struct ReportHotKeysCommand: AsyncParsableCommand {
    enum Window: String, ExpressibleByArgument, CaseIterable {
        case minute, hour, start
    }

    static let configuration = CommandConfiguration(
        commandName: "hotkeys",
        abstract: "Show which keys and partitions clients ask for most.",
        discussion: """
            Finds the nodes through --node and asks all of them. Each node counts the requests \
            that it coordinates, always, in memory that is fixed: a key that comes into the list \
            late may have had more requests than are shown, and ± says how many at most. Below \
            the keys: the hottest partitions, and the ring by time, a row for each sixteenth of \
            the tokens and a column for each minute.

            JSON: {"window","seconds","reads","writes","bytes","error_max","keys":[{"token",\
            "bucket","key","cut","reads","writes","bytes","error"}],"partitions":[{"partition",\
            "reads","writes","bytes"}],"minutes":[[…]],"not_counting":[…],"unreached":["n3"]}. \
            bytes are those of the objects read and written; a key is null where no node has seen \
            it twice, and cut where it is longer than what is kept of it.

            Example: henge report hotkeys
            Example: henge report hotkeys --window hour --count 50 --format html
            """
    )

    @OptionGroup var nodes: NodeOptions

    @Option(help: "minute, hour, or start: since the nodes' starts.")
    var window = Window.minute

    @Option(help: "How many keys to show, 1 to 500.")
    var count = 20

    @OptionGroup var report: ReportOptions

    /// Asked of each node, so that a key that is hot on several is found whole.
    private static let askedMin = 500

    func validate() throws {
        guard (1...500).contains(count) else {
            throw ValidationError("--count must be 1 to 500")
        }
    }

    func run() async throws {
        let words = [
            "HENGE.HOTKEYS", "WINDOW", window.rawValue, "COUNT", "\(Self.askedMin)",
        ]
        var view = HotKeysView(window: window.rawValue, limit: count)
        for answer in try await ClusterQuestion.ask(words, through: nodes) {
            switch answer.result {
            case .success(let reply):
                do throws(ReplyFields.Fault) {
                    try view.add(reply)
                } catch {
                    throw CommandFailure(.failed, "\(answer.node): \(error)")
                }
            case .failure: view.lacks(answer.node)
            }
        }
        report.print(
            text: { view.lines(color: $0) },
            json: { view.json },
            html: { view.page }
        )
    }
}
