/// Why bytes are not an encoded object or context.
package enum ObjectDecodeError: Error, Hashable, Sendable {
    case truncated(at: Int)
    case unknownFormat(UInt8)
    case malformedInteger(at: Int)
    /// Entries or siblings out of order, a counter of 0, or a sibling that the context does not
    /// cover.
    case brokenInvariant(at: Int)
    case wrongLength(expected: Int, actual: Int)
    case badChecksum
    case notBase64
}
