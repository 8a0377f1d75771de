import ArgumentParser
import Glibc
import HengeClient

/// Goes on without members when no majority is left to remove them, then has them removed.
struct UnsafeRecovery {
    let names: [String]
    let nodes: NodeOptions
    /// The cluster's name, as `--yes-i-mean` gives it.
    let consent: String?
    let allowsFewerReplicas: Bool
    let commits: Bool
    let json: Bool

    func run() async throws {
        let shown = try await nodes.askRing(["LOSS"] + names)
        let loss = try view(shown)
        if !json { Output.lines(loss.lines(color: Output.usesColor)) }
        if let refusal = loss.refusals.first {
            throw CommandFailure(.failed, Wording.printable(refusal.reason, limit: 500))
        }
        try requireConsent(loss)
        if commits { try await requireNothingStaged() }
        let order = ["RECOVER", loss.cluster, String(loss.epoch)] + names
        let recovered = try await nodes.askRing(order)
        if !json {
            let survivors = loss.survivors.map { Wording.printable($0) }.joined(separator: ", ")
            Output.line("recovered: \(survivors) serve without \(list)")
        }
        let change = try await commits ? remove() : nil
        if json {
            Output.json(.object(("recovery", JSON(recovered)), ("change", change ?? .null)))
        } else if !commits {
            tellHowToGoOn()
        }
    }

    private var list: String { names.map { Wording.printable($0) }.joined(separator: ", ") }

    private func view(_ reply: HengeReply) throws(CommandFailure) -> RecoveryView {
        do throws(ReplyFields.Fault) {
            return try RecoveryView(reply)
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }

    /// - Throws: ``CommandFailure`` unless somebody has given the cluster's name.
    private func requireConsent(_ loss: RecoveryView) throws(CommandFailure) {
        let cluster = Wording.printable(loss.cluster)
        if let consent {
            guard consent == loss.cluster else {
                throw CommandFailure(
                    .usage,
                    "the cluster is called \(cluster), not \(Wording.printable(consent)); nothing "
                        + "was done"
                )
            }
            return
        }
        guard isatty(STDIN_FILENO) == 1, Output.isTerminal else {
            throw CommandFailure(
                .usage,
                "there is no terminal to ask on; add --yes-i-mean \(cluster) to lose this"
            )
        }
        Output.bytes("to lose this for good, type the cluster's name (\(cluster)): ".utf8)
        guard readLine() == loss.cluster else {
            throw CommandFailure(.usage, "that is not the cluster's name; nothing was done")
        }
    }

    /// Other changes that somebody has staged must not be committed along with this one.
    private func requireNothingStaged() async throws(CommandFailure) {
        let reply = try await nodes.ask(["HENGE.RING", "STAGED"])
        guard let staged = try? RingStageView(reply), !staged.operations.isEmpty else { return }
        let operations = staged.operations.map { Wording.printable($0) }.joined(separator: ", ")
        throw CommandFailure(
            .failed,
            "\(operations) is staged and would be committed with this; forget it with henge ring "
                + "stage --clear, or add --no-commit; nothing was done"
        )
    }

    /// Begins the ordinary change that gives what the lost nodes had to the others.
    private func remove() async throws(CommandFailure) -> JSON {
        for name in names {
            _ = try await nodes.ask(["HENGE.RING", "STAGE", "FORCE-REMOVE", name])
        }
        let plan = try RingPlanCommand.view(try await nodes.askRing(["PLAN"]))
        if !json { Output.lines([""] + RingPlanDrawing.summary(plan, color: Output.usesColor)) }
        if let refusal = plan.refusals.first(where: { !$0.mayBeOverruled || !allowsFewerReplicas })
        {
            // Nothing else was staged before, and whoever goes on may want another change.
            _ = try await nodes.ask(["HENGE.RING", "STAGE", "CLEAR"])
            if !json { tellHowToGoOn() }
            throw CommandFailure(
                .failed,
                "recovered, but \(list) could not be removed from the ring yet: "
                    + Wording.printable(refusal.reason, limit: 500)
            )
        }
        let fewer = allowsFewerReplicas ? ["FEWER"] : []
        let reply = try await nodes.askRing(["COMMIT", plan.id] + fewer)
        if !json {
            Output.line("the change has begun; henge ring progress --watch shows how far it is")
        }
        return JSON(reply)
    }

    private func tellHowToGoOn() {
        Output.lines([
            "What they had is still in their names, and the next change of the ring gives it to",
            "others: add nodes that have joined (henge ring add NEW), or stage",
            "  henge ring force-remove \(names.joined(separator: " "))",
            "or henge ring replace \(names.first ?? "n2") NEW, and commit that.",
        ])
    }
}
