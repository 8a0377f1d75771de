import HengeRESP
import HengeRing

/// `HENGE.RING LOSS` and `HENGE.RING RECOVER`.
extension ClientSession {
    /// `LOSS name …`: what an unsafe recovery without these members would cost.
    func recoveryLoss(_ command: RESPCommand) throws(CommandError) {
        let names = (2..<command.count).map { command.text($0) }
        do throws(RecoveryFault) {
            let plan = try hub.driver.administrator.recoveryPlan(without: names)
            write(RecoveryReport(plan).tree)
        } catch {
            throw CommandError(error.description)
        }
    }

    /// `RECOVER cluster epoch name …`: goes on without these members. The cluster's name and the
    /// epoch, as `LOSS` shows them, tell that somebody has looked.
    func recover(_ command: RESPCommand) throws(CommandError) {
        let epoch = try command.integer(3)
        hub.driver.administrator.recover(
            cluster: command.text(2),
            epoch: UInt64(clamping: epoch),
            without: (4..<command.count).map { command.text($0) },
            replying { (result: Result<RecoveryPlan, RecoveryFault>) in
                switch result {
                case .success(let plan): .success(RecoveryReport(plan).tree)
                case .failure(let fault): .failure(CommandError(fault.description))
                }
            }
        )
    }
}

/// The cost of an unsafe recovery, with the field names of
/// `henge ring force-remove --unsafe-recover --json`.
struct RecoveryReport {
    let tree: ReplyTree

    init(_ plan: RecoveryPlan) {
        let loss = plan.loss
        tree = .map([
            "cluster": .text(hexadecimal(plan.clusterID)),
            "epoch": .integer(Int64(clamping: plan.epoch)),
            "next_epoch": .integer(Int64(clamping: loss.document.epoch)),
            "lost": .array(loss.lost.map { .text($0.name) }),
            "survivors": .array(loss.survivors.map { .text($0.name) }),
            "partitions": .integer(plan.partitions),
            "partitions_gone": .integer(loss.emptied),
            "partitions_in_doubt": .integer(loss.inDoubt),
            "partitions_thinned": .integer(loss.thinned),
            "refusals": .array(
                plan.refusals.map { refusal in
                    .map([
                        "code": .text(refusal.code), "reason": .text(refusal.description),
                    ])
                }
            ),
        ])
    }
}
