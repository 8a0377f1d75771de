public import NIOCore

/// What a client has seen of an object, for the write that answers it.
///
/// Opaque, printable, at most a few hundred bytes. Keep it with the value, and pass it to the next
/// write of the same key: that write then replaces exactly what this one knew of.
public struct HengeContext: Hashable, Sendable, CustomStringConvertible {
    /// The context as the cluster printed it.
    public let description: String

    public init(_ text: String) {
        description = text
    }
}

/// One of the values that an object holds.
public struct HengeSibling: Hashable, Sendable {
    public var value: ByteBuffer
    /// When it was written by the coordinating node's clock, in milliseconds since 1970-01-01 UTC.
    public var writtenAtMilliseconds: Int64
    /// When it expires, likewise; nil for never.
    public var expiresAtMilliseconds: Int64?

    public init(
        value: ByteBuffer,
        writtenAtMilliseconds: Int64,
        expiresAtMilliseconds: Int64? = nil
    ) {
        self.value = value
        self.writtenAtMilliseconds = writtenAtMilliseconds
        self.expiresAtMilliseconds = expiresAtMilliseconds
    }
}

/// An object with all its siblings.
public struct HengeObject: Hashable, Sendable {
    public var context: HengeContext
    /// None of a deleted object, one usually, more after concurrent writes.
    public var siblings: [HengeSibling]

    public init(context: HengeContext, siblings: [HengeSibling]) {
        self.context = context
        self.siblings = siblings
    }
}
