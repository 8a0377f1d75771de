import DequeModule
import HengeBase
import HengeCausality
import HengeMessages
import HengeRESP
import HengeRing
import NIOCore

/// A command of many keys, carried out as one request a key within a window.
///
/// Its requests are submitted in the order of its keys and answered in any; what it says comes in
/// order. It is not atomic: MSET may store some keys and fail for others, and then says for how
/// many.
///
/// Confined to the event loop of its session.
final class FanOut {
    enum Kind {
        case mget
        case mset
        /// DEL and UNLINK.
        case delete
        /// EXISTS and TOUCH.
        case exists
    }

    /// A request that is in flight, or answered and not yet accounted for.
    private struct Part {
        let token: Token
        let size: Int
        var response: ClientResponse?
    }

    /// Requests in flight, with answers that wait for earlier ones.
    static let windowMax = RequestWindow.limitMax

    let kind: Kind
    private let command: RESPCommand
    private let scope: RequestScope
    private let keyCount: Int
    private let step: Int
    /// Parts of the keys from `settled` on.
    private var window = Deque<Part>()
    private var settled = 0
    private var tally = 0
    private var failure: RequestFailure?
    /// Bytes of the answers that wait in the window.
    private(set) var answeredBytes = 0
    private var hasHeader = false
    /// Whether it waited too long to be begun at all.
    private var hasExpired = false

    /// Checks all arguments before anything is done.
    ///
    /// - Parameter end: behind the last key or value among the arguments.
    init(
        _ kind: Kind,
        _ command: RESPCommand,
        end: Int,
        _ scope: RequestScope
    ) throws(CommandError) {
        self.kind = kind
        self.command = command
        self.scope = scope
        step = kind == .mset ? 2 : 1
        keyCount = (end - 1) / step
        for index in 1..<end {
            let size = command.length(index)
            let isKey = kind != .mset || index % 2 == 1
            if isKey, size > StoredKey.keyLengthMax { throw .keyTooLarge(size) }
            if !isKey, size > scope.valueBytesMax {
                throw .valueTooLarge(size, limit: scope.valueBytesMax)
            }
        }
    }

    var isWrite: Bool { kind == .mset || kind == .delete }

    /// Reads of more keys than the window are answered while they go on, so that they need no
    /// memory for all values at once. A failure then stands in the place of its value; otherwise it
    /// is the whole answer.
    private var isStreamed: Bool { kind == .mget && keyCount > Self.windowMax }

    // MARK: Submitting

    private var submitted: Int { settled + window.count }

    /// Whether there is no more to submit: all was, or a failure makes the rest pointless.
    var isSubmitted: Bool {
        submitted == keyCount || (failure != nil && !isStreamed) || hasExpired
    }

    /// Gives up before the first request if the client has stopped waiting by now.
    ///
    /// - Returns: whether it did.
    func expire(at now: Instant) -> Bool {
        guard submitted == 0, scope.arrivedAt + scope.timeout <= now else { return false }
        hasExpired = true
        let level = isWrite ? scope.consistency.levels.write : scope.consistency.levels.read
        failure = .timedOut(required: level.required(of: scope.replicas), received: 0)
        return true
    }

    var isWindowFull: Bool { window.count >= Self.windowMax }

    /// The next key's request.
    func nextRequest() -> KeyedRequest {
        invariant(!isSubmitted)
        let position = 1 + submitted * step
        let key = StoredKey(bucket: scope.bucket, key: command[position])
        var size = command.length(position)
        let operation: ClientRequest.Operation
        switch kind {
        case .mget, .exists: operation = .read
        case .delete: operation = .write(.delete())
        case .mset:
            operation = .write(Mutation(content: .value(command[position + 1])))
            size += command.length(position + 1)
        }
        let request = scope.request(key, operation)
        // Each key has the whole time: a window of them may take a while to come to the last.
        return scope.keyed(request, .value, size: size)
    }

    /// Notes that the next key's request is on its way; returns its number for ``answered(_:_:)``.
    func noteSubmitted(_ token: Token, size: Int) -> Int {
        window.append(Part(token: token, size: size))
        return submitted - 1
    }

    /// Takes the answer to request `number`; returns what it was about.
    func answered(_ number: Int, _ response: ClientResponse) -> (token: Token, size: Int) {
        let index = number - settled
        invariant(index >= 0 && index < window.count && window[index].response == nil)
        window[index].response = response
        answeredBytes += response.valueBytes
        return (window[index].token, window[index].size)
    }

    // MARK: Answering

    /// Whether everything has been answered and accounted for.
    var isFinished: Bool { isSubmitted && window.isEmpty }

    /// Accounts for answers that are there, in order, as far as it may.
    ///
    /// - Parameter isNext: whether its reply is the next that the connection is owed.
    /// - Returns: how many plain reads found several live siblings.
    func settle(_ encoder: ReplyEncoder, isNext: Bool, into out: inout ByteBuffer) -> Int {
        switch kind {
        case .mset, .delete, .exists:
            while let response = window.first?.response {
                removeFirst(response)
                account(response, encoder)
            }
            return 0
        case .mget:
            guard isNext else { return 0 }
            return isStreamed ? stream(encoder, &out) : gather(encoder, &out)
        }
    }

    /// Writes what is to be said at the end. All of it must have been settled.
    func finish(_ encoder: ReplyEncoder, into out: inout ByteBuffer) {
        invariant(isFinished)
        if let failure {
            guard !hasHeader else { return }
            var message = isWrite ? failure.message : failure.readMessage
            if isWrite { message += " (\(tally) of \(keyCount) keys were written)" }
            return encoder.writer.error(message, into: &out)
        }
        switch kind {
        case .mget: break
        case .mset: encoder.writer.ok(into: &out)
        case .delete, .exists: encoder.writer.integer(tally, into: &out)
        }
    }

    private func account(_ response: ClientResponse, _ encoder: ReplyEncoder) {
        switch response {
        case .written: tally += 1
        case .object(let object): if object?.isLive(at: encoder.wall) ?? false { tally += 1 }
        case .failed(let failure): if self.failure == nil { self.failure = failure }
        case .notApplied, .inspected: break
        }
    }

    private func stream(_ encoder: ReplyEncoder, _ out: inout ByteBuffer) -> Int {
        var conflicts = 0
        if !hasHeader {
            encoder.writer.arrayHeader(keyCount, into: &out)
            hasHeader = true
        }
        while let response = window.first?.response {
            removeFirst(response)
            if encoder.write(response, as: .value, into: &out) { conflicts += 1 }
        }
        return conflicts
    }

    private func gather(_ encoder: ReplyEncoder, _ out: inout ByteBuffer) -> Int {
        guard isSubmitted, !window.isEmpty, window.allSatisfy({ $0.response != nil }) else {
            return 0
        }
        var conflicts = 0
        for part in window {
            if case .failed(let failure) = part.response, self.failure == nil {
                self.failure = failure
            }
        }
        if failure == nil {
            encoder.writer.arrayHeader(keyCount, into: &out)
            hasHeader = true
            for part in window {
                guard let response = part.response else { continue }
                if encoder.write(response, as: .value, into: &out) { conflicts += 1 }
            }
        }
        settled += window.count
        window.removeAll()
        answeredBytes = 0
        return conflicts
    }

    private func removeFirst(_ response: ClientResponse) {
        window.removeFirst()
        settled += 1
        answeredBytes -= response.valueBytes
    }
}
