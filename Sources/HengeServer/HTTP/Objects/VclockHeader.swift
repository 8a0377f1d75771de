package import HengeCausality
package import HengeMessages
import NIOCore

/// `X-Riak-Vclock`: a causal context in standard base64 (RFC 4648, section 4) with its padding, in
/// place of the URL-safe form of RESP, since Riak's clients decode it and encode it anew.
package enum VclockHeader {
    package static func text(_ vector: VersionVector, of key: StoredKey) -> String {
        let context = CausalContext.encode(vector, key: key.token.rawValue)
        var text = context.replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        return text
    }

    /// What the header claims of this key.
    package static func vector(
        _ text: String,
        of key: StoredKey
    ) throws(HTTPFailure) -> VersionVector {
        var context = text.replacing("+", with: "-").replacing("/", with: "_")
        while context.hasSuffix("=") { context.removeLast() }
        let decoded: CausalContext.Decoded
        do throws(ObjectDecodeError) {
            decoded = try CausalContext.decode(ByteBuffer(string: context))
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
