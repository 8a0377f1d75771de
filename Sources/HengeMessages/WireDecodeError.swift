package import HengeCausality

/// Why bytes from a peer are not a message. The connection that they came on is closed and counted.
package enum WireDecodeError: Error, Hashable, Sendable {
    case truncated
    case trailingBytes(Int)
    case unknownType(UInt8)
    case invalidField(String)
    case invalidObject(ObjectDecodeError)
    case frameTooLarge(bytes: Int, limit: Int)
    case badChecksum
}
