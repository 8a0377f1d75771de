import NIOCore

/// Reads the replies to the client's own requests.
enum Answer {
    static func value(_ reply: HengeReply) throws(HengeError) -> ByteBuffer? {
        switch reply {
        case .null: return nil
        case .bytes(let value): return value
        default: throw unexpected(reply)
        }
    }

    static func context(_ reply: HengeReply) throws(HengeError) -> HengeContext {
        switch reply {
        case .bytes(let text): return HengeContext(String(buffer: text))
        case .text(let text): return HengeContext(text)
        default: throw unexpected(reply)
        }
    }

    /// `[context, [[value, timestamp, expiry or nil], …]]`
    static func object(_ reply: HengeReply) throws(HengeError) -> HengeObject? {
        if reply == .null { return nil }
        guard case .array(let parts) = reply, parts.count >= 2, case .array(let list) = parts[1]
        else { throw unexpected(reply) }
        var siblings: [HengeSibling] = []
        for item in list { siblings.append(try sibling(item)) }
        return HengeObject(context: try context(parts[0]), siblings: siblings)
    }

    private static func sibling(_ reply: HengeReply) throws(HengeError) -> HengeSibling {
        guard case .array(let parts) = reply, parts.count >= 2,
            case .bytes(let value) = parts[0], case .integer(let writtenAt) = parts[1]
        else { throw unexpected(reply) }
        var sibling = HengeSibling(value: value, writtenAtMilliseconds: writtenAt)
        if parts.count >= 3, case .integer(let expiresAt) = parts[2] {
            sibling.expiresAtMilliseconds = expiresAt
        }
        return sibling
    }

    /// The request was carried out, as far as anyone can tell.
    private static func unexpected(_ reply: HengeReply) -> HengeError {
        let shape =
            switch reply {
            case .null: "nil"
            case .integer: "an integer"
            case .double: "a double"
            case .boolean: "a boolean"
            case .text: "a status"
            case .bytes: "a string"
            case .array: "an array"
            case .map: "a map"
            case .error: "an error"
            }
        return HengeError(
            .protocolViolation,
            "the reply has an unexpected form: \(shape)",
            mayHaveHappened: true
        )
    }
}
