import HengeBase
import HengeCausality
import HengeMessages
import HengeRESP
import HengeRing
import NIOCore

/// How the answer to a request becomes a reply.
enum ReplyForm: Sendable {
    // Of a read.
    case value
    /// The value as the one element of an array: MGET of one key.
    case valueInArray
    case length
    case type
    case presence
    case timeLeft(ExpiryOption)
    case siblings
    case inspection(StoredKey)
    /// How the request of the command of this name went, in place of its answer.
    indirect case explanation(String, ClientRequest)
    // Of a write.
    case ok
    /// OK, or null when the condition did not hold.
    case okOrNull
    /// 1, or 0 when the condition did not hold.
    case applied
    case previous
    case context

    var isRead: Bool {
        switch self {
        case .value, .valueInArray, .length, .type, .presence, .timeLeft, .siblings, .inspection:
            true
        case .ok, .okOrNull, .applied, .previous, .context: false
        case .explanation(_, let request): !request.isWrite
        }
    }
}

/// Writes answers as replies.
struct ReplyEncoder {
    let writer: RESPWriter
    let wall: WallTime
    let token: Token

    /// Returns whether a plain read found several live siblings and showed the newest.
    func write(_ response: ClientResponse, as form: ReplyForm, into out: inout ByteBuffer) -> Bool {
        switch response {
        case .object(let object):
            return write(object, as: form, into: &out)
        case .written(let context, let previous):
            write(written: context, previous, as: form, into: &out)
        case .notApplied(let previous):
            write(notApplied: previous, as: form, into: &out)
        case .failed(let failure):
            writer.error(form.isRead ? failure.readMessage : failure.message, into: &out)
        case .inspected:
            mismatch(into: &out)
        }
        return false
    }

    private func write(
        _ object: EncodedObject?,
        as form: ReplyForm,
        into out: inout ByteBuffer
    ) -> Bool {
        if case .siblings = form {
            writeSiblings(object, into: &out)
            return false
        }
        let newest = object?.newestLive(at: wall)
        switch form {
        case .value:
            write(value: newest, into: &out)
        case .valueInArray:
            writer.arrayHeader(1, into: &out)
            write(value: newest, into: &out)
        case .length: writer.integer(newest?.value.readableBytes ?? 0, into: &out)
        case .type: writer.simpleString(newest == nil ? "none" : "string", into: &out)
        case .presence: writer.integer(newest == nil ? 0 : 1, into: &out)
        case .timeLeft(let unit): writer.integer(timeLeft(newest, unit), into: &out)
        case .siblings, .inspection, .ok, .okOrNull, .applied, .previous, .context,
            .explanation:
            mismatch(into: &out)
        }
        // Most have one, and are not copied to be asked.
        guard let count = object?.siblingCount, count > 1, let object else { return false }
        return object.liveCount(at: wall) > 1
    }

    private func write(
        written context: VersionVector,
        _ previous: LiveValue?,
        as form: ReplyForm,
        into out: inout ByteBuffer
    ) {
        switch form {
        case .ok, .okOrNull: writer.ok(into: &out)
        case .applied: writer.integer(1, into: &out)
        case .previous: write(value: previous, into: &out)
        case .context: writer.bulk(CausalContext.encode(context, key: token.rawValue), into: &out)
        case .value, .valueInArray, .length, .type, .presence, .timeLeft, .siblings, .inspection,
            .explanation:
            mismatch(into: &out)
        }
    }

    private func write(
        notApplied previous: LiveValue?,
        as form: ReplyForm,
        into out: inout ByteBuffer
    ) {
        switch form {
        case .okOrNull: writer.null(into: &out)
        case .applied: writer.integer(0, into: &out)
        case .previous: write(value: previous, into: &out)
        case .ok, .context, .value, .valueInArray, .length, .type, .presence, .timeLeft,
            .siblings, .inspection, .explanation:
            mismatch(into: &out)
        }
    }

    func write(value: LiveValue?, into out: inout ByteBuffer) {
        if let value { writer.bulk(value.value, into: &out) } else { writer.null(into: &out) }
    }

    /// -2 without the key, -1 without an expiry, as Redis; seconds are rounded as there.
    private func timeLeft(_ value: LiveValue?, _ unit: ExpiryOption) -> Int64 {
        guard let value else { return -2 }
        guard let expiry = value.expiry else { return -1 }
        let end = Int64(clamping: expiry.milliseconds)
        let time = unit.isAbsolute ? end : end - Int64(clamping: wall.milliseconds)
        // Halved so that the greatest time can't overflow.
        return unit.isInSeconds ? time / 1000 + (time % 1000 >= 500 ? 1 : 0) : time
    }

    /// `[context, [[value, timestamp, expiry or nil], …]]`, nil where nothing was ever stored.
    private func writeSiblings(_ object: EncodedObject?, into out: inout ByteBuffer) {
        guard let object else { return writer.nullArray(into: &out) }
        let decoded = object.decoded()
        let live = decoded.liveSiblings(at: wall)
        writer.arrayHeader(2, into: &out)
        writer.bulk(CausalContext.encode(decoded.context, key: token.rawValue), into: &out)
        writer.arrayHeader(live.count, into: &out)
        for sibling in live {
            writer.arrayHeader(3, into: &out)
            writer.bulk(sibling.value(at: wall) ?? ByteBuffer(), into: &out)
            writer.integer(Int64(clamping: sibling.timestamp.wall.milliseconds), into: &out)
            if let expiry = sibling.expiry {
                writer.integer(Int64(clamping: expiry.milliseconds), into: &out)
            } else {
                writer.null(into: &out)
            }
        }
    }

    /// An answer of another kind than was asked for can only come from a faulty node that it was
    /// forwarded to.
    func mismatch(into out: inout ByteBuffer) {
        writer.error("ERR another node gave an answer that does not fit the request", into: &out)
    }
}
