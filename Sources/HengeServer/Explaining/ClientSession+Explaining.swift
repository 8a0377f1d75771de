import HengeBase
import HengeMessages
import HengeRESP

/// `HENGE.EXPLAIN command key …`: carries a command on one key out as if it stood alone, and
/// replies how that went in place of what the command says.
extension ClientSession {
    func explained(_ command: RESPCommand) throws(CommandError) -> KeyedRequest {
        let inner = command.droppingFirst()
        guard let name = inner.name, let spec = hub.commands[name] else {
            throw .unknownCommand(inner)
        }
        var keyed: KeyedRequest
        switch spec.command {
        case .hengeInspect: throw .notExplained(spec.name)
        case .del, .unlink: keyed = try deletion(spec, inner)
        default:
            guard spec.lane == .keyed else { throw .notExplained(spec.name) }
            guard spec.admits(argumentCount: inner.count) else { throw .wrongArity(spec.name) }
            keyed = try scope.request(spec, inner)
        }
        keyed.request.isExplained = true
        keyed.form = .explanation(spec.name.uppercased(), keyed.request)
        return keyed
    }

    /// DEL of one key.
    private func deletion(
        _ spec: CommandSpec,
        _ command: RESPCommand
    ) throws(CommandError) -> KeyedRequest {
        var consistency = scope.consistency
        guard command.count > 1 else { throw .wrongArity(spec.name) }
        guard try command.trailingConsistency(&consistency) == 2 else {
            throw .notExplained("\(spec.name) of several keys")
        }
        return try scope.write(command, .delete(), as: .applied, consistency: consistency)
    }

    func write(
        _ response: ClientResponse,
        of command: String,
        _ request: ClientRequest,
        _ explanation: Explanation?
    ) {
        let reply = ExplanationReply(
            command: command,
            request: request,
            response: response,
            explanation: explanation,
            world: ExplanationReply.World(hub.driver)
        )
        write(reply.tree())
    }
}

extension ExplanationReply.World {
    init(_ driver: NodeDriver) {
        self.init(ring: driver.ring, wall: driver.wall) { driver.peerStatus($0).stateName }
    }
}

extension CommandError {
    /// - Parameter name: in lower case.
    static func notExplained(_ name: String) -> CommandError {
        CommandError("ERR '\(name)' can't be explained; commands that read or write one key can")
    }
}
