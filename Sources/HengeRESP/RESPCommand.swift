package import NIOCore

/// A request: its arguments, the command's name being the first.
///
/// It holds the bytes of the request once and hands out slices of them. They keep the storage that
/// they were received in alive: copy what must outlive the request by far.
package struct RESPCommand: Sendable {
    private let bytes: ByteBuffer
    private let bounds: ArgumentBounds

    init(bytes: ByteBuffer, bounds: ArgumentBounds) {
        self.bytes = bytes
        self.bounds = bounds
    }

    /// The command that stands behind the first argument; a copy of the bounds, not of the bytes.
    ///
    /// - Precondition: there are two arguments or more.
    package func droppingFirst() -> RESPCommand {
        precondition(count > 1)
        var rest = ArgumentBounds()
        rest.reserve(count - 1)
        for index in 1..<count {
            rest.append(start: Int(bounds[index].start), length: Int(bounds[index].length))
        }
        return RESPCommand(bytes: bytes, bounds: rest)
    }

    /// The number of arguments, at least 1.
    package var count: Int { bounds.count }

    /// Argument `index`, as a slice without a copy. (Past 16 MiB into a receive buffer NIO can't
    /// slice and copies instead: fetch such an argument once.)
    ///
    /// - Precondition: `index` is in `0..<count`.
    package subscript(_ index: Int) -> ByteBuffer {
        let bound = bounds[index]
        let start = bytes.readerIndex + Int(bound.start)
        guard let slice = bytes.getSlice(at: start, length: Int(bound.length)) else {
            preconditionFailure("argument bounds outside the request")
        }
        return slice
    }

    /// The length of argument `index` in bytes.
    package func length(_ index: Int) -> Int { Int(bounds[index].length) }

    /// The request's size in bytes as received; of an inline request that of its arguments.
    package var size: Int { bytes.readableBytes }

    /// The command's name for comparison, nil if no name of ours can equal it.
    package var name: CommandName? { keyword(0) }

    /// Argument `index` as a keyword (`EX`, `CONSISTENCY`, …), nil if none of ours can equal it.
    package func keyword(_ index: Int) -> CommandName? {
        let bound = bounds[index]
        let start = Int(bound.start)
        let span = bytes.readableBytesUInt8Span
        return CommandName(span.extracting(start..<start + Int(bound.length)))
    }

    /// All arguments, as slices.
    package var arguments: [ByteBuffer] { (0..<count).map { self[$0] } }
}

extension RESPCommand: Equatable {
    package static func == (a: RESPCommand, b: RESPCommand) -> Bool {
        a.count == b.count && (0..<a.count).allSatisfy { a[$0] == b[$0] }
    }
}
