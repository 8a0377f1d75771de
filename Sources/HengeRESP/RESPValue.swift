package import NIOCore

/// A reply, of RESP2 or RESP3.
package enum RESPValue: Equatable, Sendable {
    case null
    case simpleString(String)
    /// An error, its code first and without the leading `-`. Simple and blob errors alike.
    case error(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    /// Decimal digits, with a sign or without.
    case bigNumber(String)
    case bulk(ByteBuffer)
    /// Text with a format of three characters, `txt` or `mkd`.
    indirect case verbatim(format: String, text: ByteBuffer)
    case array([RESPValue])
    case map([RESPMapEntry])
    case set([RESPValue])
    /// A message that answers no request.
    case push([RESPValue])
}

/// A key and its value in a map; maps keep the order in which they came.
package struct RESPMapEntry: Equatable, Sendable {
    package var key: RESPValue
    package var value: RESPValue

    package init(key: RESPValue, value: RESPValue) {
        self.key = key
        self.value = value
    }
}
