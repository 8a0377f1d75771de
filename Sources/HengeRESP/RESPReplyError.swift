/// Why a reply could not be read. The connection must close: what follows means nothing.
package enum RESPReplyError: Error, Equatable, Sendable {
    case unknownType(UInt8)
    /// The line behind the type isn't a number, a boolean or whatever the type asks for.
    case malformedLine(type: UInt8)
    /// A string isn't followed by CRLF.
    case unterminatedBulk
    case lineTooLong(limit: Int)
    case bulkTooLong(size: Int, limit: Int)
    case tooManyElements(count: Int, limit: Int)
    case tooDeep(limit: Int)
    case replyTooLong(size: Int, limit: Int)
}

/// Bounds on what a server may send, so that no reply costs unbounded memory.
package struct RESPReplyLimits: Equatable, Sendable {
    /// Aggregates within aggregates.
    package var depthMax: Int
    /// Bytes of a simple string, an error or a number.
    package var lineBytesMax: Int
    /// Bytes of a bulk string.
    package var bulkBytesMax: Int
    /// Elements of all aggregates of one reply together; a pair of a map counts as two.
    package var elementsMax: Int
    /// Bytes on the wire of one reply with all that is in it.
    package var replyBytesMax: Int

    package init(
        depthMax: Int = 32,
        lineBytesMax: Int = 64 << 10,
        bulkBytesMax: Int = 512 << 20,
        elementsMax: Int = 4 << 20,
        replyBytesMax: Int = 1 << 30
    ) {
        self.depthMax = depthMax
        self.lineBytesMax = lineBytesMax
        self.bulkBytesMax = bulkBytesMax
        self.elementsMax = elementsMax
        self.replyBytesMax = replyBytesMax
    }
}
