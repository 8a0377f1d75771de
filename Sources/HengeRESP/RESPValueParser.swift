package import NIOCore

/// Cuts a stream of bytes into replies.
///
/// Incremental: elements are taken from the buffer as they complete, aggregates grow on a stack,
/// and the scan for a line's end goes on where it stopped, so a reply that arrives in pieces costs
/// as much as a whole one. Attributes (`|`) are read and dropped. RESP3's streamed forms (`$?`,
/// `*?`) are refused; neither Redis nor Henge sends them.
///
/// Source: the Redis serialization protocol specification, with RESP3.
package struct RESPValueParser: Sendable {
    private enum Phase {
        case line
        case body(type: UInt8, count: Int)
    }

    /// What one step took from the buffer.
    private enum Element {
        case starved
        case whole(RESPValue)
        /// A bulk string or an aggregate began; there is nothing to deliver yet.
        case begun
    }

    private let limits: RESPReplyLimits
    private var phase = Phase.line
    /// Bytes from the reader index known to hold no carriage return.
    private var scannedBytes = 0
    private var replyBytes = 0
    /// Elements announced in the present reply.
    private var replyElements = 0
    private var open: [OpenAggregate] = []
    private var failure: RESPReplyError?

    /// Bytes looked at so far, for tests: it grows in proportion to what arrived.
    package private(set) var examinedBytes = 0

    package init(limits: RESPReplyLimits = RESPReplyLimits()) {
        self.limits = limits
    }

    /// Takes the next reply from `buffer`.
    ///
    /// - Parameter buffer: what has arrived and was not taken yet. Between calls only append to it:
    ///   see ``ReceiveBuffer``.
    /// - Returns: nil when more bytes are needed.
    /// - Throws: what every later call throws, too.
    package mutating func next(_ buffer: inout ByteBuffer) throws(RESPReplyError) -> RESPValue? {
        if let failure { throw failure }
        do throws(RESPReplyError) {
            while true {
                switch try nextElement(&buffer) {
                case .starved: return nil
                case .begun: continue
                case .whole(let value):
                    if let reply = deliver(value) {
                        replyBytes = 0
                        replyElements = 0
                        return reply
                    }
                }
            }
        } catch {
            failure = error
            throw error
        }
    }

    private mutating func nextElement(
        _ buffer: inout ByteBuffer
    ) throws(RESPReplyError) -> Element {
        switch phase {
        case .line:
            guard let end = try lineEnd(buffer.readableBytesUInt8Span) else { return .starved }
            try count(end + 2)
            guard let line = buffer.readSlice(length: end) else {
                preconditionFailure("the line is in the buffer")
            }
            buffer.moveReaderIndex(forwardBy: 2)
            scannedBytes = 0
            return try interpret(ReplyLine(line))
        case .body(let type, let count):
            guard buffer.readableBytes >= count + 2 else { return .starved }
            guard let bytes = buffer.readSlice(length: count) else {
                preconditionFailure("the string is in the buffer")
            }
            guard buffer.readInteger(as: UInt16.self) == 0x0D0A else {
                throw .unterminatedBulk
            }
            phase = .line
            return .whole(try string(bytes, type: type))
        }
    }

    /// The offset of the CRLF that ends the line, or nil if it hasn't arrived.
    private mutating func lineEnd(_ bytes: Span<UInt8>) throws(RESPReplyError) -> Int? {
        while scannedBytes < bytes.count, bytes[scannedBytes] != Ascii.carriageReturn {
            guard scannedBytes < limits.lineBytesMax else {
                throw .lineTooLong(limit: limits.lineBytesMax)
            }
            scannedBytes += 1
            examinedBytes &+= 1
        }
        guard scannedBytes + 1 < bytes.count else { return nil }
        guard scannedBytes > 0, bytes[scannedBytes + 1] == Ascii.lineFeed else {
            throw .malformedLine(type: bytes[0])
        }
        return scannedBytes
    }

    private mutating func interpret(_ line: ReplyLine) throws(RESPReplyError) -> Element {
        switch line.type {
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            return try beginString(line)
        case UInt8(ascii: "*"), UInt8(ascii: "%"), UInt8(ascii: "~"), UInt8(ascii: ">"),
            UInt8(ascii: "|"):
            return try beginAggregate(line)
        default:
            return .whole(try line.scalar())
        }
    }

    private mutating func beginString(_ line: ReplyLine) throws(RESPReplyError) -> Element {
        guard let length = try length(line) else { return .whole(.null) }
        guard length <= limits.bulkBytesMax else {
            throw .bulkTooLong(size: length, limit: limits.bulkBytesMax)
        }
        try count(length + 2)
        phase = .body(type: line.type, count: length)
        return .begun
    }

    private mutating func beginAggregate(_ line: ReplyLine) throws(RESPReplyError) -> Element {
        guard let announced = try length(line) else { return .whole(.null) }
        guard let aggregate = OpenAggregate(type: line.type, announced: announced) else {
            throw .malformedLine(type: line.type)
        }
        let (elements, overflow) = replyElements.addingReportingOverflow(aggregate.elementsLeft)
        guard !overflow, elements <= limits.elementsMax else {
            throw .tooManyElements(count: aggregate.elementsLeft, limit: limits.elementsMax)
        }
        replyElements = elements
        guard open.count < limits.depthMax else { throw .tooDeep(limit: limits.depthMax) }
        if aggregate.elementsLeft > 0 {
            open.append(aggregate)
            return .begun
        }
        guard let empty = aggregate.value else { return .begun }
        return .whole(empty)
    }

    /// The length on the line, nil for the -1 of RESP2's null string and null array.
    private func length(_ line: ReplyLine) throws(RESPReplyError) -> Int? {
        guard let length = line.integer else { throw .malformedLine(type: line.type) }
        if length >= 0 { return Int(length) }
        let isNullable = line.type == UInt8(ascii: "$") || line.type == UInt8(ascii: "*")
        guard length == -1, isNullable else { throw .malformedLine(type: line.type) }
        return nil
    }

    private func string(_ bytes: ByteBuffer, type: UInt8) throws(RESPReplyError) -> RESPValue {
        switch type {
        case UInt8(ascii: "!"):
            return .error(String(buffer: bytes))
        case UInt8(ascii: "="):
            var text = bytes
            guard let format = text.readString(length: 3), text.readInteger() == UInt8(ascii: ":")
            else { throw .malformedLine(type: type) }
            return .verbatim(format: format, text: text)
        default:
            return .bulk(bytes)
        }
    }

    /// Puts a value where it belongs: into the innermost open aggregate, which may complete that
    /// one and so on outwards. Returns the reply once its outermost value is complete.
    private mutating func deliver(_ value: RESPValue) -> RESPValue? {
        var value = value
        while let innermost = open.indices.last {
            open[innermost].append(value)
            guard open[innermost].elementsLeft == 0 else { return nil }
            // An attribute has no value: what it describes comes next.
            guard let complete = open.removeLast().value else { return nil }
            value = complete
        }
        return value
    }

    private mutating func count(_ bytes: Int) throws(RESPReplyError) {
        replyBytes += bytes
        guard replyBytes <= limits.replyBytesMax else {
            throw .replyTooLong(size: replyBytes, limit: limits.replyBytesMax)
        }
    }
}
