package import NIOCore

/// Cuts a stream of bytes into requests: arrays of bulk strings, and inline lines.
///
///     start --'*'--> arrayHeader --> bulkHeader <--> bulkBody --(last)--> start, a command
///     start --else-> inline --LF--> start, a command
///     any --(framing lost)--> the error, at every call from then on
///
/// Incremental: the position is kept between calls, so a request that arrives in pieces costs as
/// much as a whole one. Until it is complete its bytes stay in the caller's buffer and only the
/// offsets of its arguments are noted; then they leave in one slice. Slicing each argument as it
/// arrives would share the buffer's storage while it still grows, and every later append would copy
/// it.
///
/// A request over a limit is dropped as it streams in, without being buffered, and refused at its
/// end.
///
/// Sources: the Redis serialization protocol specification; Redis 7 `networking.c`.
package struct RESPRequestParser: Sendable {
    private enum Phase { case start, arrayHeader, inline, bulkHeader, bulkBody }

    private enum Step {
        case starved
        case command
        /// An array of no arguments, which Redis ignores.
        case empty
        /// An inline request; its line feed is at `position`.
        case line
        /// A request over a limit has been read to its end.
        case refused(RESPProtocolError)
        case failed(RESPProtocolError)
    }

    private let limits: RESPLimits
    private var phase = Phase.start
    /// Bytes from the reader index that are behind us. All of the request so far, or none of it
    /// when it is being dropped.
    private var position = 0
    private var argumentsLeft = 0
    /// Of the present argument, without its CRLF.
    private var bodyBytesLeft = 0
    /// Of the request on the wire, the present argument included.
    private var requestBytes = 0
    private var bounds = ArgumentBounds()
    /// Why the request is being dropped.
    private var oversize: RESPProtocolError?
    private var failure: RESPProtocolError?

    /// Bytes looked at so far, for tests and metrics: it grows in proportion to what arrived.
    package private(set) var examinedBytes = 0

    package init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// Whether a request has begun and not ended: a connection that ends now cuts one off.
    package var isInRequest: Bool { phase != .start }

    /// Takes the next request from `buffer`.
    ///
    /// - Parameter buffer: what has arrived and was not taken yet. Between calls only append to it:
    ///   see ``ReceiveBuffer``.
    /// - Returns: nil when more bytes are needed.
    /// - Throws: unless ``RESPProtocolError/closesConnection``, the next call reads the next
    ///   request; else every later call throws the same.
    package mutating func next(
        _ buffer: inout ByteBuffer
    ) throws(RESPProtocolError) -> RESPCommand? {
        if let failure { throw failure }
        while true {
            switch advance(buffer.readableBytesUInt8Span) {
            case .command:
                return finish(&buffer)
            case .starved:
                if oversize != nil { drop(&buffer) }
                return nil
            case .empty:
                drop(&buffer)
                reset()
            case .line:
                let command = try takeLine(&buffer)
                if command.count > 0 { return command }
            case .refused(let error):
                drop(&buffer)
                reset()
                throw error
            case .failed(let error):
                failure = error
                throw error
            }
        }
    }

    private mutating func advance(_ bytes: Span<UInt8>) -> Step {
        precondition(position <= bytes.count, "the buffer lost bytes between calls")
        while true {
            let step: Step?
            switch phase {
            case .start:
                guard !bytes.isEmpty else { return .starved }
                phase = bytes[0] == UInt8(ascii: "*") ? .arrayHeader : .inline
                step = nil
            case .arrayHeader: step = readArrayHeader(bytes)
            case .inline: step = readInline(bytes)
            case .bulkHeader: step = readBulkHeader(bytes)
            case .bulkBody: step = readBulkBody(bytes)
            }
            if let step { return step }
        }
    }

    private mutating func readArrayHeader(_ bytes: Span<UInt8>) -> Step? {
        switch LengthLine.read(bytes, from: 1) {
        case .incomplete:
            examinedBytes &+= bytes.count
            return .starved
        case .malformed:
            return .failed(.invalidMultibulkLength)
        case .value(let count, let end):
            examinedBytes &+= end
            position = end
            guard count > 0 else { return .empty }
            guard count <= limits.argumentsMax else {
                return .failed(.tooManyArguments(count: count, limit: limits.argumentsMax))
            }
            requestBytes = end
            argumentsLeft = count
            bounds.reserve(count)
            phase = .bulkHeader
            return nil
        }
    }

    private mutating func readBulkHeader(_ bytes: Span<UInt8>) -> Step? {
        guard position < bytes.count else { return .starved }
        guard bytes[position] == UInt8(ascii: "$") else {
            return .failed(.expectedBulk(got: bytes[position]))
        }
        switch LengthLine.read(bytes, from: position + 1) {
        case .incomplete:
            examinedBytes &+= bytes.count - position
            return .starved
        case .malformed:
            return .failed(.invalidBulkLength)
        case .value(let length, let end):
            guard length >= 0 else { return .failed(.invalidBulkLength) }
            examinedBytes &+= end - position
            requestBytes += end - position + length + 2
            position = end
            bodyBytesLeft = length
            phase = .bulkBody
            return judgeSize(argument: length)
        }
    }

    /// Decides, once an argument is announced, whether the request can still be kept.
    private mutating func judgeSize(argument length: Int) -> Step? {
        let limit = limits.skippedBytesMax
        guard length <= limit, requestBytes <= limit else {
            return .failed(.unskippable(size: max(length, requestBytes), limit: limit))
        }
        guard oversize == nil else { return nil }
        if length > limits.argumentBytesMax {
            oversize = .argumentTooLarge(size: length, limit: limits.argumentBytesMax)
        } else if requestBytes > limits.requestBytesMax {
            oversize = .requestTooLarge(size: requestBytes, limit: limits.requestBytesMax)
        }
        return nil
    }

    private mutating func readBulkBody(_ bytes: Span<UInt8>) -> Step? {
        if oversize != nil {
            let skipped = min(bodyBytesLeft, bytes.count - position)
            position += skipped
            bodyBytesLeft -= skipped
        }
        let end = position + bodyBytesLeft
        guard bytes.count - end >= 2 else { return .starved }
        guard bytes[end] == Ascii.carriageReturn, bytes[end + 1] == Ascii.lineFeed else {
            return .failed(.unterminatedBulk)
        }
        examinedBytes &+= 2
        if oversize == nil { bounds.append(start: position, length: bodyBytesLeft) }
        position = end + 2
        argumentsLeft -= 1
        phase = .bulkHeader
        return argumentsLeft == 0 ? completed : nil
    }

    private var completed: Step {
        switch oversize {
        case nil:
            .command
        case .requestTooLarge(_, let limit):
            // The whole size is known only now.
            .refused(.requestTooLarge(size: requestBytes, limit: limit))
        case .some(let error):
            .refused(error)
        }
    }

    private mutating func readInline(_ bytes: Span<UInt8>) -> Step? {
        while position < bytes.count, position <= limits.inlineBytesMax {
            examinedBytes &+= 1
            if bytes[position] == Ascii.lineFeed { return .line }
            position += 1
        }
        guard position <= limits.inlineBytesMax else {
            return .failed(.inlineTooLong(limit: limits.inlineBytesMax))
        }
        return .starved
    }

    private mutating func takeLine(
        _ buffer: inout ByteBuffer
    ) throws(RESPProtocolError) -> RESPCommand {
        guard let line = buffer.readSlice(length: position) else {
            preconditionFailure("the line is in the buffer")
        }
        buffer.moveReaderIndex(forwardBy: 1)
        reset()
        guard let command = InlineRequest.split(line) else {
            failure = .unbalancedQuotes
            throw .unbalancedQuotes
        }
        return command
    }

    private mutating func finish(_ buffer: inout ByteBuffer) -> RESPCommand {
        guard let bytes = buffer.readSlice(length: position) else {
            preconditionFailure("the request is in the buffer")
        }
        let command = RESPCommand(bytes: bytes, bounds: bounds)
        reset()
        return command
    }

    /// Lets go of the bytes behind us without ending the request.
    private mutating func drop(_ buffer: inout ByteBuffer) {
        buffer.moveReaderIndex(forwardBy: position)
        position = 0
        bounds.removeAll()
    }

    private mutating func reset() {
        phase = .start
        position = 0
        requestBytes = 0
        bounds.removeAll()
        oversize = nil
    }
}
