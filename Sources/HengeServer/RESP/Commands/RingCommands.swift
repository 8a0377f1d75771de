import HengeBase
import HengeRESP
import HengeRing
import NIOCore

/// `HENGE.RING` and its subcommands.
extension ClientSession {
    func ring(_ command: RESPCommand) throws(CommandError) {
        guard command.count > 1 else { return write(RingDescription(hub.driver).tree) }
        let administrator = hub.driver.administrator
        switch command.keyword(1) {
        case Keyword.stage where command.count > 2: try stage(command)
        case Keyword.staged where command.count == 2: write(RingStageReport(hub.driver).tree)
        case Keyword.plan where command.count == 2:
            administrator.plan(
                replying { (result: Result<RingPlan, RingPlanFault>) in
                    switch result {
                    case .success(let plan): .success(RingPlanReport(plan).tree)
                    case .failure(let fault): .failure(CommandError("ERR \(fault)"))
                    }
                }
            )
        case Keyword.commit where (3...4).contains(command.count):
            try commit(command)
        case Keyword.abort where command.count == 2:
            administrator.abort(
                replying { (result: Result<UInt64, RingCommitFault>) in
                    switch result {
                    case .success(let epoch):
                        .success(.map(["epoch": .integer(Int64(clamping: epoch))]))
                    case .failure(let fault): .failure(CommandError(fault.description))
                    }
                }
            )
        case Keyword.progress where command.count == 2:
            write(RingProgressReport(hub.driver).tree)
        case Keyword.loss where command.count > 2: try recoveryLoss(command)
        case Keyword.recover where command.count > 4: try recover(command)
        case Keyword.stage, Keyword.staged, Keyword.plan, Keyword.commit, Keyword.abort,
            Keyword.progress, Keyword.loss, Keyword.recover:
            throw .wrongArity("henge.ring|\(command.text(1).lowercased())")
        default: throw .unknownSubcommand(command, of: "henge.ring")
        }
    }

    private func commit(_ command: RESPCommand) throws(CommandError) {
        let isFewer = command.count == 4
        guard !isFewer || command.keyword(3) == Keyword.fewer else { throw .syntax }
        hub.driver.administrator.commit(
            command.text(2),
            allowsFewerReplicas: isFewer,
            replying { (result: Result<RingPlan, RingCommitFault>) in
                switch result {
                case .success(let plan):
                    .success(
                        .map([
                            "id": .text(plan.id),
                            "epoch": .integer(Int64(clamping: plan.proposal.epoch)),
                        ])
                    )
                case .failure(let fault): .failure(CommandError(fault.description))
                }
            }
        )
    }

    /// `STAGE ADD name [WEIGHT w] [ZONE z]`, `REMOVE name`, `REPLACE old new`, `FORCE-REMOVE name`,
    /// `WEIGHT name w`, `ZONE name z` (empty for none), `CLEAR`.
    private func stage(_ command: RESPCommand) throws(CommandError) {
        let administrator = hub.driver.administrator
        if command.keyword(2) == Keyword.clear, command.count == 3 {
            administrator.clear()
        } else {
            let operation = try RingOperation(command)
            do throws(RingStageFault) {
                try administrator.append(operation)
            } catch {
                throw CommandError("ERR \(error)")
            }
        }
        write(RingStageReport(hub.driver).tree)
    }

    /// Keeps the commands behind this one waiting until the returned function has been called, and
    /// replies with what is made of its argument.
    func replying<Answer>(
        _ make: @escaping (Answer) -> Result<ReplyTree, CommandError>
    ) -> (Answer) -> Void {
        beginAdministration()
        return { answer in
            self.endAdministration {
                switch make(answer) {
                case .success(let tree): self.write(tree)
                case .failure(let error):
                    self.connection.writer.error(error.message, into: &self.out)
                }
            }
        }
    }

    /// Begins to wait for what is answered later; everything before it has been answered.
    func beginAdministration() {
        invariant(pending.isEmpty && !isCovering)
        isCovering = true
        pending.append(PendingReply(work: .administration))
    }

    /// Replies to what was waited for, unless the connection has gone meanwhile.
    func endAdministration(_ reply: () -> Void) {
        guard phase == .open, isCovering else { return }
        prepareOut()
        reply()
        isCovering = false
        popFirst()
        accountForMemory()
        wake()
    }
}

extension RingOperation {
    /// From the arguments behind `HENGE.RING STAGE`.
    init(_ command: RESPCommand) throws(CommandError) {
        switch (command.keyword(2), command.count) {
        case (Keyword.add, 4...): self = try .addition(command)
        case (Keyword.remove, 4): self = .remove(command.text(3))
        case (Keyword.forceRemove, 4): self = .forceRemove(command.text(3))
        case (Keyword.replace, 5): self = .replace(command.text(3), with: command.text(4))
        case (Keyword.weight, 5): self = .weight(command.text(3), try Self.weight(command, 4))
        case (Keyword.zone, 5): self = .zone(command.text(3), command.text(4))
        default: throw .syntax
        }
    }

    private static func addition(_ command: RESPCommand) throws(CommandError) -> RingOperation {
        var weight: Int?
        var zone: String?
        for index in stride(from: 4, to: command.count, by: 2) {
            guard index + 1 < command.count else { throw .syntax }
            switch command.keyword(index) {
            case Keyword.weight: weight = try Self.weight(command, index + 1)
            case Keyword.zone: zone = command.text(index + 1)
            default: throw .syntax
            }
        }
        return .add(command.text(3), weight: weight, zone: zone)
    }

    private static func weight(_ command: RESPCommand, _ index: Int) throws(CommandError) -> Int {
        Int(try command.integer(index))
    }
}

/// What is staged at this node, as `HENGE.RING STAGED` shows it.
struct RingStageReport {
    let tree: ReplyTree

    init(_ driver: NodeDriver) {
        let administrator = driver.administrator
        tree = .map([
            "node": .text(driver.name(of: driver.node)),
            "epoch": .integer(Int64(clamping: driver.ring.document.epoch)),
            "operations": .array(administrator.stage.operations.map { .text($0.description) }),
            "fault": administrator.fault.map { .text($0.description) } ?? .null,
            "candidates": .array(driver.joiners.map { .text($0.candidate.name) }),
        ])
    }
}
