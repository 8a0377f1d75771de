import HengeBase
package import HengeRing

package import struct NIOCore.ByteBuffer

/// Requests for one key, as a ``HotKeySketch`` has counted them.
package struct HotKey: Sendable, Equatable {
    package let token: Token
    /// The stored form, of which ``storedBytesMax`` bytes are kept; nil for a key that was seen
    /// only once since it came into the sketch.
    package var stored: ByteBuffer?
    /// The length of the whole stored form.
    package var storedLength = 0
    package var load = Load()
    /// By how much ``requests`` may be too high: those of other keys that it took over.
    package var error = 0

    /// Longer stored forms are cut, so that large keys can't take the memory.
    package static let storedBytesMax = 300

    package init(token: Token) {
        self.token = token
    }

    /// At least as many as there were.
    package var requests: Int { load.requests + error }

    /// The bucket, and the key as far as it is kept; nil where ``stored`` is.
    package var name: (bucket: ByteBuffer, key: ByteBuffer)? {
        guard var rest = stored, rest.readInteger(as: UInt64.self) != nil,
            let bucket = rest.readLengthPrefixedSlice(as: UInt8.self)
        else { return nil }
        return (bucket, rest)
    }
}

/// Requests, and the bytes of the objects that they read and wrote.
package struct Load: Sendable, Hashable {
    package var reads = 0
    package var writes = 0
    package var bytes = 0

    package init(reads: Int = 0, writes: Int = 0, bytes: Int = 0) {
        self.reads = reads
        self.writes = writes
        self.bytes = bytes
    }

    package var requests: Int { reads + writes }

    package static func + (a: Load, b: Load) -> Load {
        Load(reads: a.reads + b.reads, writes: a.writes + b.writes, bytes: a.bytes + b.bytes)
    }

    package static func += (a: inout Load, b: Load) { a = a + b }
}
