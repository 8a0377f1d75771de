package import HengeBase
import HengeCausality
package import HengeMessages
package import HengeRESP

/// The options of SET, from its fourth argument on.
package struct SetOptions {
    private(set) var expiry = Mutation.Expiry.never
    private(set) var condition = Mutation.Condition.always
    private(set) var returnsPrevious = false
    private(set) var consistency: RequestConsistency

    package init(
        _ command: RESPCommand,
        consistency: RequestConsistency,
        wall: WallTime
    ) throws(CommandError) {
        self.consistency = consistency
        var timed: (unit: ExpiryOption, index: Int)?
        var index = 3
        while index < command.count {
            let keyword = command.keyword(index)
            switch keyword {
            case Keyword.nx where condition != .present: condition = .absent
            case Keyword.xx where condition != .absent: condition = .present
            case Keyword.get: returnsPrevious = true
            case Keyword.keepTTL where timed == nil: expiry = .keep
            case Keyword.consistency:
                index = try command.option(consistency: index, &self.consistency)
                continue
            default:
                guard let unit = ExpiryOption(keyword), index + 1 < command.count,
                    expiry == .never, timed == nil
                else { throw .syntax }
                timed = (unit, index + 1)
                index += 1
            }
            index += 1
        }
        if let timed {
            let amount = try command.integer(timed.index)
            expiry = .at(try timed.unit.positive(amount, now: wall, command: "set"))
        }
    }
}

/// The options of EXPIRE and its kin, from the fourth argument on (`expire.c`,
/// `parseExtendedExpireArgumentsOrReply`).
package struct ExpireCondition {
    package let condition: Mutation.Condition

    package init(_ command: RESPCommand) throws(CommandError) {
        var (nx, xx, gt, lt) = (false, false, false, false)
        for index in 3..<max(3, command.count) {
            switch command.keyword(index) {
            case Keyword.nx: nx = true
            case Keyword.xx: xx = true
            case Keyword.gt: gt = true
            case Keyword.lt: lt = true
            default: throw CommandError("ERR Unsupported option \(command.text(index))")
            }
        }
        guard !nx || !(xx || gt || lt) else {
            throw CommandError(
                "ERR NX and XX, GT or LT options at the same time are not compatible"
            )
        }
        guard !(gt && lt) else {
            throw CommandError("ERR GT and LT options at the same time are not compatible")
        }
        guard !(xx && lt) else {
            throw CommandError("ERR XX and LT at the same time are not available")
        }
        if nx {
            condition = .presentWithoutExpiry
        } else if gt {
            // A key without an expiry never meets GT, so XX beside it says nothing more.
            condition = .expiryEarlier
        } else if lt {
            condition = .expiryLater
        } else {
            condition = xx ? .presentWithExpiry : .present
        }
    }
}

/// The options of HENGE.SET and HENGE.DEL: `[CONTEXT c] [PX ms] [CONSISTENCY l [SLOPPY]]`.
package struct CausalOptions {
    private(set) var context: CausalContext.Decoded?
    private(set) var expiry = Mutation.Expiry.never
    private(set) var consistency: RequestConsistency

    init(
        _ command: RESPCommand,
        from start: Int,
        allowsExpiry: Bool,
        _ scope: RequestScope
    ) throws(CommandError) {
        consistency = scope.consistency
        var index = start
        while index < command.count {
            switch command.keyword(index) {
            case Keyword.consistency:
                index = try command.option(consistency: index, &consistency)
                continue
            case Keyword.context where index + 1 < command.count:
                do throws(ObjectDecodeError) {
                    context = try CausalContext.decode(command[index + 1])
                } catch {
                    throw .invalidContext
                }
            case Keyword.px where allowsExpiry && index + 1 < command.count:
                let amount = try command.integer(index + 1)
                expiry = .at(
                    try ExpiryOption.milliseconds.positive(
                        amount,
                        now: scope.wall,
                        command: "henge.set"
                    )
                )
            default: throw .syntax
            }
            index += 2
        }
    }
}
