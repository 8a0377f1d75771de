import HengeClient

/// Finds the node that keeps what is staged: whichever was asked first keeps it, in memory.
enum StageHolder {
    /// The one member that has something staged, else those that were named.
    ///
    /// - Throws: ``CommandFailure`` when several have.
    static func find(_ nodes: NodeOptions) async throws(CommandFailure) -> NodeOptions {
        let ring = try await ClusterQuestion.ring(through: nodes)
        let members = ring.nodes.filter { $0.state != "candidate" && !$0.resp.isEmpty }
        let answers = await ClusterQuestion.ask(
            ["HENGE.RING", "STAGED"],
            of: members.map { ($0.name, $0.resp) }
        )
        var holders: [RingView.Node] = []
        for (member, answer) in zip(members, answers) {
            // One that can't be asked can't commit either.
            guard case .success(let reply) = answer.result, let view = try? RingStageView(reply),
                !view.operations.isEmpty
            else { continue }
            holders.append(member)
        }
        guard let holder = holders.first else { return nodes }
        guard holders.count == 1 else { throw ambiguous(holders) }
        var found = NodeOptions()
        found.nodes = [holder.resp]
        return found
    }

    private static func ambiguous(_ holders: [RingView.Node]) -> CommandFailure {
        let names = holders.map { Wording.printable($0.name) }.joined(separator: " and ")
        let addresses = holders.map { "--node \(Wording.printable($0.resp))" }
        return CommandFailure(
            .failed,
            "\(names) both have changes staged; look with henge ring stage \(addresses[0]), and "
                + "forget what is not wanted with henge ring stage --clear \(addresses[1])"
        )
    }
}
