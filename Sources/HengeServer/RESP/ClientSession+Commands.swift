import HengeBase
import HengeMessages
import HengeNode
import HengeRESP
import HengeRing
import NIOCore

/// A command that waits for earlier ones of its connection.
enum HeldCommand {
    /// Until all are answered.
    case command(CommandSpec, RESPCommand)
    /// Until all are answered; then the error is the reply.
    case failure(String, closes: Bool)
    /// Until no earlier one on its key is in flight.
    case request(KeyedRequest)
    /// Until it has submitted all its requests.
    case fanOut(FanOut)
}

/// From bytes to commands to requests to replies.
extension ClientSession {
    /// Commands that are begun before the loop turns to other connections.
    private static let startsMax = 512
    /// Replies that it is owed.
    private static let pendingMax = 1024
    /// Bytes of requests in flight beyond which no more are begun.
    private static let chargedBytesMax = 16 << 20

    /// A slot is a pending reply's number, then the number of a request within it.
    static let partBits = 24
    static let numberMask = Int.max >> partBits

    /// Whether another command may begin.
    var hasRoom: Bool {
        guard !isCovering, isWritable, out.readableBytes < Self.outputBytesMax else { return false }
        guard pending.count < Self.pendingMax else { return false }
        // One request at a time may always be in flight.
        guard keysInFlight.count > 0 else { return !hub.isFull || holdsNothing }
        return keysInFlight.count < window.limit && chargedBytes < Self.chargedBytesMax
            && !hub.isFull
    }

    /// Begins commands until there are no more, none may begin, or others should have their turn.
    func pump() {
        guard !isPumping, phase == .open, !hub.isDraining else { return }
        isPumping = true
        defer { isPumping = false }
        prepareOut()
        var starts = Self.startsMax
        while phase == .open {
            guard starts > 0 else {
                pauseThenPump()
                break
            }
            if out.readableBytes >= Self.outputBytesMax {
                writeOut()
                prepareOut()
            }
            guard takeStep(&starts) else { break }
        }
        accountForInput()
        if isStarved, held == nil, hub.refuses(inputBytes: input.bytes.readableBytes) {
            fail(CommandError.inputOverload.message, closes: true)
        }
        if hub.isFull, !isStarved || held != nil { hub.wakeLater(self) }
        readIfOwed()
    }

    /// Returns false when nothing can be done for now.
    private func takeStep(_ starts: inout Int) -> Bool {
        if let held { return resume(held, &starts) }
        guard hasRoom, !isStarved else { return false }
        do throws(RESPProtocolError) {
            guard let command = try parser.next(&input.bytes) else {
                isStarved = true
                input.settle()
                return false
            }
            starts -= 1
            hub.counters.commands += 1
            begin(command)
        } catch {
            hub.counters.protocolErrors += 1
            fail(error.message, closes: error.closesConnection)
        }
        return true
    }

    private func resume(_ command: HeldCommand, _ starts: inout Int) -> Bool {
        switch command {
        case .command(let spec, let command):
            guard pending.isEmpty else { return false }
            held = nil
            run(spec, command)
        case .failure(let message, let closes):
            guard pending.isEmpty else { return false }
            held = nil
            fail(message, closes: closes)
        case .request(let request):
            guard hasRoom, !mustWait(request) else { return false }
            held = nil
            submit(request)
        case .fanOut(let fanOut):
            return advance(fanOut, &starts)
        }
        return true
    }

    func begin(_ command: RESPCommand) {
        guard let name = command.name, let spec = hub.commands[name] else {
            return fail(CommandError.unknownCommand(command).message)
        }
        connection.lastCommand = spec.name
        guard spec.admits(argumentCount: command.count) else {
            return fail(CommandError.wrongArity(spec.name).message)
        }
        do throws(CommandError) {
            switch spec.lane {
            case .keyed:
                let request = try scope.request(spec, command)
                if mustWait(request) { held = .request(request) } else { submit(request) }
            case .explained:
                let request = try explained(command)
                if mustWait(request) { held = .request(request) } else { submit(request) }
            case .fanOut:
                try beginFanOut(spec, command)
            case .alone, .coverage:
                if pending.isEmpty { run(spec, command) } else { held = .command(spec, command) }
            }
        } catch {
            fail(error.message)
        }
    }

    private func run(_ spec: CommandSpec, _ command: RESPCommand) {
        do throws(CommandError) {
            if spec.lane == .coverage {
                try cover(spec, command)
            } else if spec.command.concernsNode, hub.driver.slice.count > 1, onAnswer == nil {
                askNode(command)
            } else {
                try runAlone(spec, command)
            }
        } catch {
            fail(error.message)
        }
    }

    /// Answers with an error, in its turn.
    private func fail(_ message: String, closes: Bool = false) {
        guard pending.isEmpty else {
            held = .failure(message, closes: closes)
            return
        }
        connection.writer.error(message, into: &out)
        if closes { closeAfterReplies() }
    }

    var scope: RequestScope {
        RequestScope(
            bucket: connection.bucket,
            consistency: RequestConsistency(
                levels: connection.levels,
                isSloppy: connection.isSloppy ?? connection.isBucketSloppy
            ),
            timeout: hub.driver.settings.requestTimeout,
            arrivedAt: connection.lastActiveAt,
            replicas: hub.driver.ring.replicas,
            valueBytesMax: hub.driver.settings.valueBytesMax,
            wall: hub.driver.wall
        )
    }

    // MARK: Requests

    private func mustWait(_ request: KeyedRequest) -> Bool {
        keysInFlight.count > 0
            && keysInFlight.conflicts(request.request.key.token, isWrite: request.isWrite)
    }

    func submit(_ request: KeyedRequest) {
        let now = hub.driver.now
        guard request.deadline > now else {
            hub.counters.requestsExpired += 1
            return fail(expired(request).message)
        }
        // With nothing in front of it its reply may leave at once.
        if pending.isEmpty, let response = hub.driver.answerAtOnce(request.request) {
            return write(response, request)
        }
        var request = request
        request.request.timeout = request.deadline.since(now)
        let charge = request.size
        let token = request.request.key.token
        let isWrite = request.isWrite
        pending.append(
            PendingReply(
                work: .waiting(request.form),
                token: token,
                isWrite: isWrite,
                charge: charge
            )
        )
        chargedBytes += charge
        keysInFlight.insert(token, isWrite: isWrite)
        hub.driver.submit(request.request, for: self, slot: slotOfLast(part: 0))
    }

    /// It has waited here too long, behind other commands of its connection.
    private func expired(_ request: KeyedRequest) -> CommandError {
        let levels = request.request.levels
        let level = request.isWrite ? levels.write : levels.read
        return .expired(required: level.required(of: hub.driver.ring.replicas))
    }

    private static func slot(_ number: Int, part: Int) -> Int {
        (number & numberMask) << partBits | part
    }

    /// For the command that began last.
    func slotOfLast(part: Int) -> Int {
        Self.slot(firstNumber &+ pending.count &- 1, part: part)
    }

    private func advance(_ fanOut: FanOut, _ starts: inout Int) -> Bool {
        // Nothing behind it has begun, so it is the last that is pending.
        if fanOut.expire(at: hub.driver.now) { hub.counters.requestsExpired += 1 }
        while !fanOut.isSubmitted {
            guard starts > 0 else { return true }
            guard !fanOut.isWindowFull, hasRoom else { return false }
            let request = fanOut.nextRequest()
            guard !mustWait(request) else { return false }
            starts -= 1
            let token = request.request.key.token
            let part = fanOut.noteSubmitted(token, size: request.size)
            chargedBytes += request.size
            keysInFlight.insert(token, isWrite: fanOut.isWrite)
            hub.driver.submit(request.request, for: self, slot: slotOfLast(part: part))
        }
        held = nil
        drain()
        return true
    }
}
