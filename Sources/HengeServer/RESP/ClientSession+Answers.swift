import HengeBase
import HengeMessages
import HengeNode
import HengeRESP
import HengeRing
import NIOCore

/// From answers to replies, in the order of the commands.
extension ClientSession {
    /// The answer to what was submitted with `slot`.
    func complete(_ slot: Int, _ reply: ShardReply) {
        guard phase == .open else { return }
        prepareOut()
        let number = slot >> Self.partBits
        let position = (number &- firstNumber) & Self.numberMask
        invariant(position < pending.count, "an answer to what is not pending")
        switch pending[position].work {
        case .waiting(let form):
            if case .explained(_, let explanation) = reply {
                pending[position].explanation = explanation
            }
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
        case .answered, .administration:
            preconditionFailure("an answer to what is no request in flight")
        }
        accountForMemory()
        wake()
    }

    /// The reply to a request that never was pending.
    func write(_ response: ClientResponse, _ request: KeyedRequest) {
        window.learn(replyBytes: response.valueBytes)
        write(response, request.form, request.request.key.token)
    }

    private func response(_ reply: ShardReply) -> ClientResponse {
        guard let response = reply.response else {
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
        write(response, form, pending[0].token, pending[0].explanation)
        popFirst()
        drain()
    }

    /// Writes the replies that are ready, up to the first that is not.
    func drain() {
        while !pending.isEmpty {
            switch pending[0].work {
            case .waiting, .coverage, .administration:
                return
            case .answered(let form, let response):
                write(response, form, pending[0].token, pending[0].explanation)
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

    private func write(
        _ response: ClientResponse,
        _ form: ReplyForm,
        _ token: Token,
        _ explanation: Explanation? = nil
    ) {
        if case .inspection(let key) = form, case .inspected(let reports) = response {
            let report = InspectionReport(key: key, reports: reports, ring: hub.driver.ring)
            report.tree(wall: hub.driver.wall).write(connection.writer, into: &out)
        } else if case .explanation(let command, let request) = form {
            write(response, of: command, request, explanation)
        } else if encoder(token).write(response, as: form, into: &out) {
            hub.counters.conflictsSeen += 1
        }
    }
}
