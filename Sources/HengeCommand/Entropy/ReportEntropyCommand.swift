import ArgumentParser
import HengeClient

/// `henge report entropy`
struct ReportEntropyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entropy",
        abstract: "Show how long ago replicas were found or made equal.",
        discussion: """
            Finds the nodes through --node and asks all of them. Each range of the ring is as old \
            as the longest ago that one of its home replicas has it verified with another; henge \
            repair has all verified now.

            JSON: {"oldest_verified_seconds","differences","ranges":[{"partition",\
            "verified_seconds","replicas"}],"bytes_raw","bytes_compressed","unverified","received",\
            "sent","purged","comparisons","failed","hand_off_bytes_raw",\
            "hand_off_bytes_compressed","nodes":[…],"unreached":["n3"]}. Ages are null before the \
            first time. Totals count from the nodes' starts: the bytes are those of comparisons, \
            before and after compression; records are handed over, for hints and after \
            comparisons, beside these.

            Example: henge report entropy
            Example: henge report entropy --node 127.0.0.1:6402 --format json
            """
    )

    @OptionGroup var nodes: NodeOptions

    @OptionGroup var report: ReportOptions

    func run() async throws {
        let ring = try await ClusterQuestion.ring(through: nodes)
        let view = try await EntropyView.ask(ring)
        report.print(text: { view.lines(color: $0) }, json: { view.json }, html: { view.page })
    }
}

extension EntropyView {
    /// Asks every node of the ring.
    ///
    /// - Throws: ``CommandFailure`` when one answers something else.
    static func ask(_ ring: RingView) async throws(CommandFailure) -> EntropyView {
        var nodes: [Node] = []
        var unreached: [String] = []
        let addresses = ring.nodes.map { (name: $0.name, resp: $0.resp) }
        for answer in await ClusterQuestion.ask(["HENGE.ENTROPY"], of: addresses) {
            switch answer.result {
            case .success(let reply):
                do throws(ReplyFields.Fault) {
                    nodes.append(try Node(reply))
                } catch {
                    throw CommandFailure(.failed, "\(answer.node): \(error)")
                }
            case .failure: unreached.append(answer.node)
            }
        }
        return EntropyView(
            nodes: nodes,
            unreached: unreached,
            partitions: ring.partitions,
            replicas: min(ring.replicas, ring.nodes.count { $0.vnodes > 0 })
        )
    }
}
