internal import HengeRESP
public import NIOCore

/// The reply to a request sent by ``HengeConnection/send(_:)-([ByteBuffer])``: the values of the
/// Redis serialization protocol, a closed set.
public enum HengeReply: Equatable, Sendable {
    case null
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    /// A status, such as `OK`; or a number too big for an integer, in decimal.
    case text(String)
    case bytes(ByteBuffer)
    /// An array or a set.
    case array([HengeReply])
    case map([Entry])
    /// An error within an array or a map. (One that is the whole reply is thrown.)
    case error(HengeError)

    /// A key of a map and its value.
    public struct Entry: Equatable, Sendable {
        public var key: HengeReply
        public var value: HengeReply

        public init(key: HengeReply, value: HengeReply) {
            self.key = key
            self.value = value
        }
    }

    init(_ value: RESPValue) {
        switch value {
        case .null: self = .null
        case .simpleString(let text), .bigNumber(let text): self = .text(text)
        case .error(let reply): self = .error(HengeError(reply: reply))
        case .integer(let number): self = .integer(number)
        case .double(let number): self = .double(number)
        case .boolean(let flag): self = .boolean(flag)
        case .bulk(let bytes), .verbatim(_, let bytes): self = .bytes(bytes)
        case .array(let elements), .set(let elements), .push(let elements):
            self = .array(elements.map(HengeReply.init))
        case .map(let entries):
            self = .map(
                entries.map { Entry(key: HengeReply($0.key), value: HengeReply($0.value)) }
            )
        }
    }
}
