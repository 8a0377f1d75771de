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
    private static let partBits = 24
    private static let numberMask = Int.max >> partBits

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

    private func begin(_ command: RESPCommand) {
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
            levels: connection.levels,
            timeout: hub.driver.settings.requestTimeout,
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

    private static func slot(_ number: Int, part: Int) -> Int {
        (number & numberMask) << partBits | part
    }

    /// For the command that began last.
    func slotOfLast(part: Int) -> Int {
        Self.slot(firstNumber &+ pending.count &- 1, part: part)
    }

    private func advance(_ fanOut: FanOut, _ starts: inout Int) -> Bool {
        // Nothing behind it has begun, so it is the last that is pending.
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

    // MARK: Answers

    /// The answer to what was submitted with `slot`.
    func complete(_ slot: Int, _ reply: ShardReply) {
        guard phase == .open else { return }
        prepareOut()
        let number = slot >> Self.partBits
        let position = (number &- firstNumber) & Self.numberMask
        invariant(position < pending.count, "an answer to what is not pending")
        switch pending[position].work {
        case .waiting(let form):
            finish(position, form, response(reply))
        case .fanOut(let fanOut):
            let response = response(reply)
            let part = slot & (1 << Self.partBits - 1)
            let size = response.valueBytes
            let (token, charge) = fanOut.answered(part, response)
            keysInFlight.remove(token, isWrite: fanOut.isWrite)
            chargedBytes -= charge
            answeredBytes += size
            window.learn(replyBytes: size)
            settle(fanOut, isNext: position == 0)
            if position == 0 { drain() }
        case .coverage(let job):
            take(reply, for: job, part: slot & (1 << Self.partBits - 1))
        case .answered:
            preconditionFailure("a request was answered twice")
        }
        accountForMemory()
        wake()
    }

    private func response(_ reply: ShardReply) -> ClientResponse {
        guard case .response(let response) = reply else {
            preconditionFailure("a page or a count for a request on a key")
        }
        return response
    }

    private func finish(_ position: Int, _ form: ReplyForm, _ response: ClientResponse) {
        keysInFlight.remove(pending[position].token, isWrite: pending[position].isWrite)
        let size = response.valueBytes
        window.learn(replyBytes: size)
        guard position == 0 else {
            pending[position].work = .answered(form, response)
            pending[position].answeredBytes = size
            answeredBytes += size
            return
        }
        write(response, form, pending[0].token)
        popFirst()
        drain()
    }

    /// Writes the replies that are ready, up to the first that is not.
    func drain() {
        while !pending.isEmpty {
            switch pending[0].work {
            case .waiting, .coverage:
                return
            case .answered(let form, let response):
                write(response, form, pending[0].token)
            case .fanOut(let fanOut):
                settle(fanOut, isNext: true)
                guard fanOut.isFinished else { return }
                fanOut.finish(encoder(.min), into: &out)
            }
            popFirst()
        }
    }

    func popFirst() {
        let first = pending.removeFirst()
        chargedBytes -= first.charge
        answeredBytes -= first.answeredBytes
        firstNumber &+= 1
    }

    private func settle(_ fanOut: FanOut, isNext: Bool) {
        let before = fanOut.answeredBytes
        hub.counters.conflictsSeen += fanOut.settle(encoder(.min), isNext: isNext, into: &out)
        answeredBytes -= before - fanOut.answeredBytes
    }

    private func encoder(_ token: Token) -> ReplyEncoder {
        ReplyEncoder(writer: connection.writer, wall: hub.driver.wall, token: token)
    }

    private func write(_ response: ClientResponse, _ form: ReplyForm, _ token: Token) {
        if case .inspection(let key) = form, case .inspected(let reports) = response {
            let report = InspectionReport(key: key, reports: reports, ring: hub.driver.ring)
            report.tree(wall: hub.driver.wall).write(connection.writer, into: &out)
        } else if encoder(token).write(response, as: form, into: &out) {
            hub.counters.conflictsSeen += 1
        }
    }
}
