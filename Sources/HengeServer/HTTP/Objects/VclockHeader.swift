package import HengeCausality
package import HengeMessages
import NIOCore

/// `X-Riak-Vclock`: a causal context in standard base64 (RFC 4648, section 4) with its padding, in
/// place of the URL-safe form of RESP, since Riak's clients decode it and encode it anew.
package enum VclockHeader {
    package static func text(_ vector: VersionVector, of key: StoredKey) -> String {
        let context = CausalContext.encode(vector, key: key.token.rawValue)
        let length = (context.utf8.count + 3) / 4 * 4
        return String(unsafeUninitializedCapacity: length) { out in
            out.initialize(repeating: UInt8(ascii: "="))
            for (index, byte) in context.utf8.enumerated() {
                switch byte {
                case UInt8(ascii: "-"): out[index] = UInt8(ascii: "+")
                case UInt8(ascii: "_"): out[index] = UInt8(ascii: "/")
                default: out[index] = byte
                }
            }
            return length
        }
    }

    /// What the header claims of this key.
    package static func vector(
        _ text: String,
        of key: StoredKey
    ) throws(HTTPFailure) -> VersionVector {
        var context = text.utf8.map { (byte: UInt8) -> UInt8 in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        while context.last == UInt8(ascii: "=") { context.removeLast() }
        let decoded: CausalContext.Decoded
        do throws(ObjectDecodeError) {
            decoded = try CausalContext.decode(ByteBuffer(bytes: context))
        } catch {
            throw HTTPFailure(.badRequest, "X-Riak-Vclock is none that Henge has given")
        }
        guard decoded.belongs(to: key.token.rawValue) else {
            throw HTTPFailure(
                .badRequest,
                "STALECONTEXT X-Riak-Vclock belongs to another key; read this key and use that of "
                    + "its reply"
            )
        }
        return decoded.vector
    }
}
