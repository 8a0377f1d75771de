package import NIOCore

/// Writes replies into a buffer, in RESP2 or RESP3. What RESP2 lacks takes the form in which Redis
/// answers its RESP2 clients: a map becomes a flat array, a double a bulk string, a boolean 0 or 1.
///
/// Source: the Redis serialization protocol specification.
package struct RESPWriter: Sendable {
    package var version: RESPVersion

    package init(_ version: RESPVersion) {
        self.version = version
    }

    // MARK: Replies known beforehand

    package func ok(into out: inout ByteBuffer) {
        out.writeStaticString("+OK\r\n")
    }

    package func pong(into out: inout ByteBuffer) {
        out.writeStaticString("+PONG\r\n")
    }

    /// The absence of a value.
    package func null(into out: inout ByteBuffer) {
        out.writeStaticString(version == .v3 ? "_\r\n" : "$-1\r\n")
    }

    /// The absence of an array; in RESP3 the same as the absence of a value.
    package func nullArray(into out: inout ByteBuffer) {
        out.writeStaticString(version == .v3 ? "_\r\n" : "*-1\r\n")
    }

    package func emptyArray(into out: inout ByteBuffer) {
        out.writeStaticString("*0\r\n")
    }

    // MARK: Scalars

    /// A line. A carriage return or line feed in it becomes a space.
    package func simpleString(_ text: String, into out: inout ByteBuffer) {
        out.writeRESPLine(UInt8(ascii: "+"), text)
    }

    /// An error whose first word is its code, such as `ERR unknown command`. A carriage return or
    /// line feed in it becomes a space.
    package func error(_ message: String, into out: inout ByteBuffer) {
        out.writeRESPLine(UInt8(ascii: "-"), message)
    }

    package func error(_ error: RESPProtocolError, into out: inout ByteBuffer) {
        self.error(error.message, into: &out)
    }

    package func integer(_ value: Int64, into out: inout ByteBuffer) {
        out.writeRESPNumber(UInt8(ascii: ":"), value)
    }

    package func integer(_ value: Int, into out: inout ByteBuffer) {
        out.writeRESPNumber(UInt8(ascii: ":"), Int64(value))
    }

    package func boolean(_ value: Bool, into out: inout ByteBuffer) {
        if version == .v3 {
            out.writeStaticString(value ? "#t\r\n" : "#f\r\n")
        } else {
            out.writeStaticString(value ? ":1\r\n" : ":0\r\n")
        }
    }

    package func double(_ value: Double, into out: inout ByteBuffer) {
        let text = RESPWriter.text(value)
        if version == .v3 {
            out.writeRESPLine(UInt8(ascii: ","), text)
        } else {
            bulk(text, into: &out)
        }
    }

    // MARK: Strings

    package func bulk(_ bytes: ByteBuffer, into out: inout ByteBuffer) {
        out.writeRESPBulk(bytes)
    }

    package func bulk(_ text: String, into out: inout ByteBuffer) {
        bulkHeader(count: text.utf8.count, into: &out)
        out.writeString(text)
        bulkEnd(into: &out)
    }

    package func bulk(_ bytes: some Collection<UInt8>, into out: inout ByteBuffer) {
        bulkHeader(count: bytes.count, into: &out)
        out.writeBytes(bytes)
        bulkEnd(into: &out)
    }

    /// Announces a bulk string of `count` bytes for a caller who sends a large value in a buffer of
    /// its own instead of copying it; after the value comes ``bulkEnd(into:)``.
    package func bulkHeader(count: Int, into out: inout ByteBuffer) {
        out.writeRESPNumber(UInt8(ascii: "$"), Int64(count))
    }

    package func bulkEnd(into out: inout ByteBuffer) {
        out.writeInteger(UInt16(0x0D0A))
    }

    /// Text for people (`INFO`, `CLUSTER NODES`); a plain bulk string in RESP2.
    package func verbatim(_ text: String, into out: inout ByteBuffer) {
        guard version == .v3 else { return bulk(text, into: &out) }
        out.writeRESPNumber(UInt8(ascii: "="), Int64(text.utf8.count + 4))
        out.writeStaticString("txt:")
        out.writeString(text)
        bulkEnd(into: &out)
    }

    // MARK: Aggregates: a header, then that many replies

    package func arrayHeader(_ count: Int, into out: inout ByteBuffer) {
        out.writeRESPNumber(UInt8(ascii: "*"), Int64(count))
    }

    /// `count` pairs follow, key then value.
    package func mapHeader(_ count: Int, into out: inout ByteBuffer) {
        if version == .v3 {
            out.writeRESPNumber(UInt8(ascii: "%"), Int64(count))
        } else {
            arrayHeader(2 * count, into: &out)
        }
    }

    package func setHeader(_ count: Int, into out: inout ByteBuffer) {
        out.writeRESPNumber(version == .v3 ? UInt8(ascii: "~") : UInt8(ascii: "*"), Int64(count))
    }

    /// A message out of turn, which RESP2 can only send as an array.
    package func pushHeader(_ count: Int, into out: inout ByteBuffer) {
        out.writeRESPNumber(version == .v3 ? UInt8(ascii: ">") : UInt8(ascii: "*"), Int64(count))
    }

    /// Redis writes `inf`, `-inf` and `nan`, and whole numbers without a fraction.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
