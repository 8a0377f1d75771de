import HengeBase
import HengeCausality
import HengeMessages
import HengeRESP
import NIOCore

/// The commands on one key: from their arguments to a request.
extension RequestScope {
    func request(
        _ spec: CommandSpec,
        _ command: RESPCommand
    ) throws(CommandError) -> KeyedRequest {
        switch spec.command {
        case .get:
            var consistency = self.consistency
            try onlyConsistency(command, from: 2, &consistency)
            return try read(command, as: .value, consistency: consistency)
        case .strlen: return try read(command, as: .length)
        case .type: return try read(command, as: .type)
        case .ttl: return try read(command, as: .timeLeft(.seconds))
        case .pttl: return try read(command, as: .timeLeft(.milliseconds))
        case .expireTime: return try read(command, as: .timeLeft(.atSeconds))
        case .pexpireTime: return try read(command, as: .timeLeft(.atMilliseconds))
        case .set: return try set(command)
        case .setEx: return try setExpiring(spec, command, .seconds)
        case .psetEx: return try setExpiring(spec, command, .milliseconds)
        case .setNX:
            let mutation = Mutation(content: .value(try value(command, 2)), condition: .absent)
            return try write(command, mutation, as: .applied)
        case .getSet:
            let content = Mutation.Content.value(try value(command, 2))
            let mutation = Mutation(content: content, returnsPrevious: true)
            return try write(command, mutation, as: .previous)
        case .getDel:
            return try write(command, .delete(returnsPrevious: true), as: .previous)
        case .getEx: return try getExpiring(command)
        case .expire: return try expire(spec, command, .seconds)
        case .pexpire: return try expire(spec, command, .milliseconds)
        case .expireAt: return try expire(spec, command, .atSeconds)
        case .pexpireAt: return try expire(spec, command, .atMilliseconds)
        case .persist:
            let mutation = Mutation(content: .unchanged, condition: .presentWithExpiry)
            return try write(command, mutation, as: .applied)
        case .hengeGet, .hengeSet, .hengeDel, .hengeInspect: return try causal(spec, command)
        case .ping, .echo, .hello, .auth, .select, .client, .command, .info, .config, .time, .reset,
            .quit, .readOnly, .readWrite, .cluster, .consistency, .mget, .mset, .del, .unlink,
            .exists, .touch, .scan, .randomKey, .dbSize, .flushAll, .flushDB, .hengeBucket,
            .hengeRing, .hengeStatus, .hengeHints, .hengeEntropy, .hengeRepair, .hengeSettled,
            .hengeHotKeys, .hengeReport, .hengeOverview, .hengeExplain:
            preconditionFailure("not a command on one key: \(spec.name)")
        }
    }

    private func onlyConsistency(
        _ command: RESPCommand,
        from index: Int,
        _ consistency: inout RequestConsistency
    ) throws(CommandError) {
        guard index < command.count else { return }
        guard command.keyword(index) == Keyword.consistency else {
            // Redis knows no options here, so it would speak of the number of arguments.
            throw command.name == Keyword.get ? .wrongArity("get") : .syntax
        }
        guard try command.option(consistency: index, &consistency) == command.count else {
            throw .syntax
        }
    }

    // MARK: SET and its kin

    private func set(_ command: RESPCommand) throws(CommandError) -> KeyedRequest {
        guard command.count > 3 else {
            return try write(
                command, Mutation(content: .value(try value(command, 2))), as: .okOrNull)
        }
        let options = try SetOptions(command, consistency: consistency, wall: wall)
        let mutation = Mutation(
            content: .value(try value(command, 2)),
            expiry: options.expiry,
            condition: options.condition,
            returnsPrevious: options.returnsPrevious
        )
        let form: ReplyForm = options.returnsPrevious ? .previous : .okOrNull
        return try write(command, mutation, as: form, consistency: options.consistency)
    }

    private func setExpiring(
        _ spec: CommandSpec,
        _ command: RESPCommand,
        _ unit: ExpiryOption
    ) throws(CommandError) -> KeyedRequest {
        let amount = try command.integer(2)
        let expiry = try unit.positive(amount, now: wall, command: spec.name)
        let content = Mutation.Content.value(try value(command, 3))
        return try write(command, Mutation(content: content, expiry: .at(expiry)), as: .ok)
    }

    // MARK: Expiry

    private func getExpiring(_ command: RESPCommand) throws(CommandError) -> KeyedRequest {
        guard command.count > 2 else { return try read(command, as: .value) }
        if command.count == 3, command.keyword(2) == Keyword.persist {
            let mutation = Mutation(
                content: .unchanged,
                condition: .presentWithExpiry,
                returnsPrevious: true
            )
            return try write(command, mutation, as: .previous)
        }
        guard command.count == 4, let unit = ExpiryOption(command.keyword(2)) else {
            throw .syntax
        }
        let amount = try command.integer(3)
        let expiry = try unit.positive(amount, now: wall, command: "getex")
        let mutation = Mutation(
            content: expiry > wall ? .unchanged : .tombstone,
            expiry: .at(expiry),
            condition: .present,
            returnsPrevious: true
        )
        return try write(command, mutation, as: .previous)
    }

    private func expire(
        _ spec: CommandSpec,
        _ command: RESPCommand,
        _ unit: ExpiryOption
    ) throws(CommandError) -> KeyedRequest {
        let condition = try ExpireCondition(command).condition
        let amount = try command.integer(2)
        let time = try unit.milliseconds(amount, now: wall, command: spec.name)
        let expiry = WallTime(milliseconds: UInt64(max(0, time)))
        // A time that has passed deletes, as in Redis.
        let mutation = Mutation(
            content: expiry > wall ? .unchanged : .tombstone,
            expiry: .at(expiry),
            condition: condition
        )
        return try write(command, mutation, as: .applied)
    }

    // MARK: HENGE.

    private func causal(
        _ spec: CommandSpec,
        _ command: RESPCommand
    ) throws(CommandError) -> KeyedRequest {
        switch spec.command {
        case .hengeGet:
            var consistency = self.consistency
            try onlyConsistency(command, from: 2, &consistency)
            return try read(command, as: .siblings, consistency: consistency)
        case .hengeInspect:
            var consistency = self.consistency
            try onlyConsistency(command, from: 2, &consistency)
            let key = try key(command, 1)
            let request = request(key, .inspect, consistency)
            return keyed(request, .inspection(key), size: command.size)
        case .hengeSet:
            let options = try CausalOptions(command, from: 3, allowsExpiry: true, self)
            let content = Mutation.Content.value(try value(command, 2))
            return try causalWrite(command, content, options)
        default:
            let options = try CausalOptions(command, from: 2, allowsExpiry: false, self)
            return try causalWrite(command, .tombstone, options)
        }
    }

    private func causalWrite(
        _ command: RESPCommand,
        _ content: Mutation.Content,
        _ options: CausalOptions
    ) throws(CommandError) -> KeyedRequest {
        let key = try key(command, 1)
        var basis = Mutation.Basis.nothing
        if let context = options.context {
            guard context.belongs(to: key.token.rawValue) else { throw .staleContext }
            basis = .context(context.vector)
        }
        let mutation = Mutation(content: content, basis: basis, expiry: options.expiry)
        let request = request(key, .write(mutation), options.consistency)
        return keyed(request, .context, size: command.size)
    }
}

extension Mutation {
    /// What DEL does: a tombstone where there is a value.
    static func delete(returnsPrevious: Bool = false) -> Mutation {
        Mutation(content: .tombstone, condition: .present, returnsPrevious: returnsPrevious)
    }
}
