import HengeBase
import HengeMessages
import HengeNode
import HengeRESP
import HengeRing
import NIOCore

/// Commands of many keys, and those over the whole cluster.
extension ClientSession {
    // MARK: Many keys

    func beginFanOut(_ spec: CommandSpec, _ command: RESPCommand) throws(CommandError) {
        var scope = self.scope
        let end = try command.trailingConsistency(&scope.consistency)
        let isPaired = spec.keyStep == 2
        guard spec.admits(argumentCount: end), !isPaired || end % 2 == 1 else {
            throw .wrongArity(spec.name)
        }
        let kind = FanOut.Kind(spec.command)
        if end == 1 + spec.keyStep {
            let request = try single(kind, command, scope)
            held = .request(request)
        } else {
            let fanOut = try FanOut(kind, command, end: end, scope)
            pending.append(PendingReply(work: .fanOut(fanOut)))
            held = .fanOut(fanOut)
        }
    }

    /// One key is the usual case, and needs no window.
    private func single(
        _ kind: FanOut.Kind,
        _ command: RESPCommand,
        _ scope: RequestScope
    ) throws(CommandError) -> KeyedRequest {
        switch kind {
        case .mget: try scope.read(command, as: .valueInArray)
        case .exists: try scope.read(command, as: .presence)
        case .delete: try scope.write(command, .delete(), as: .applied)
        case .mset:
            try scope.write(
                command, Mutation(content: .value(try scope.value(command, 2))), as: .ok)
        }
    }

    // MARK: The whole cluster

    /// Begins a command that runs alone: everything before it has been answered.
    func cover(_ spec: CommandSpec, _ command: RESPCommand) throws(CommandError) {
        invariant(pending.isEmpty)
        let wall = hub.driver.wall
        switch spec.command {
        case .dbSize:
            begin(CoverageJob(.count, bucket: nil, wall: wall))
        case .randomKey:
            let from = Token(rawValue: .random(in: 0 ... .max))
            begin(CoverageJob(.random, bucket: connection.bucket, from: from, wall: wall))
        case .scan:
            let options = try ScanOptions(command)
            guard options.wantsStrings else {
                return ReplyTree.array([.text("0"), .array([])])
                    .write(connection.writer, into: &out)
            }
            begin(
                CoverageJob(
                    .scan(options.pattern),
                    bucket: connection.bucket,
                    from: options.cursor,
                    limit: options.count,
                    wall: wall
                )
            )
        default:
            try checkFlush(spec, command)
            begin(CoverageJob(.flush, bucket: connection.bucket, wall: wall))
        }
    }

    private func checkFlush(
        _ spec: CommandSpec,
        _ command: RESPCommand
    ) throws(CommandError) {
        let mode = command.count > 1 ? command.keyword(1) : nil
        guard
            command.count == 1
                || (command.count == 2 && (mode == Keyword.async || mode == Keyword.sync))
        else { throw .syntax }
        guard hub.driver.settings.allowsFlush else {
            throw CommandError(
                "ERR \(spec.name.uppercased()) is disabled; start the node with --allow-flush"
            )
        }
    }

    func begin(_ job: CoverageJob) {
        isCovering = true
        pending.append(PendingReply(work: .coverage(job)))
        if case .count = job.purpose {
            hub.driver.count(for: self, slot: slotOfLast(part: 0))
        } else {
            advance(job)
        }
    }

    /// Part 0 is a page or a count, part 1 a delete.
    private func advance(_ job: CoverageJob) {
        // An answer that comes before its submission returns leaves the rest to the loop below it.
        guard !job.isAdvancing else { return }
        job.isAdvancing = true
        defer { job.isAdvancing = false }
        while isCovering {
            switch job.advance() {
            case .page(let range):
                hub.driver.scan(range, for: self, slot: slotOfLast(part: 0))
            case .delete(let key):
                let request = scope.request(key, .write(.delete()))
                hub.driver.submit(request, for: self, slot: slotOfLast(part: 1))
            case .wait:
                return
            case .reply:
                isCovering = false
                job.write(connection.writer, into: &out)
                popFirst()
            }
        }
    }

    func take(_ reply: ShardReply, for job: CoverageJob, part: Int) {
        switch reply {
        case .page(let page): job.took(page)
        case .count(let count): job.took(count: count)
        case .response(let response) where part == 1: job.deleted(response)
        case .response(.failed(let failure)): job.failed(failure)
        case .response, .explained:
            preconditionFailure("a scan was answered like a request on a key")
        }
        advance(job)
    }
}

extension FanOut.Kind {
    init(_ command: Command) {
        switch command {
        case .mget: self = .mget
        case .mset: self = .mset
        case .del, .unlink: self = .delete
        default: self = .exists
        }
    }
}

/// The arguments of SCAN.
struct ScanOptions {
    let cursor: Token
    private(set) var pattern: GlobPattern?
    private(set) var count = 10
    /// Whether TYPE, if given, is that of the values there are.
    private(set) var wantsStrings = true

    init(_ command: RESPCommand) throws(CommandError) {
        guard let cursor = UInt64(command.text(1)) else { throw CommandError("ERR invalid cursor") }
        self.cursor = Token(rawValue: cursor)
        var index = 2
        while index < command.count {
            guard index + 1 < command.count else { throw .syntax }
            switch command.keyword(index) {
            case Keyword.match: pattern = try GlobPattern(command[index + 1])
            case Keyword.count:
                let number = try command.integer(index + 1)
                guard number >= 1 else { throw .syntax }
                count = Int(number)
            case Keyword.type: wantsStrings = command.keyword(index + 1) == Keyword.string
            default: throw .syntax
            }
            index += 2
        }
    }
}
