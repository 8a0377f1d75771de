import HTTPTypes
import Hummingbird

/// One operation of the operators' API, `/admin/…`: what it is called and takes, and what it does.
///
/// The routes and their description (``OpenAPIDocument``) are made of the same list, so neither can
/// have what the other lacks.
struct AdminEndpoint: Sendable {
    struct Parameter: Sendable {
        let name: String
        let summary: String
        /// Of JSON Schema.
        let schema: JSONValue
        var isRequired = false
    }

    let method: HTTPRequest.Method
    /// Below `/admin`.
    let path: String
    /// Of the operation in the description; also the name of its reply.
    let name: String
    let summary: String
    var parameters: [Parameter] = []
    /// JSON Schema of the body; nil for an operation that takes none.
    var body: JSONValue?
    /// JSON Schema of the reply.
    let reply: JSONValue
    /// Whether what is asked may not be possible as things are: 409.
    var mayConflict = false
    /// Whether other nodes have to answer: 503, and 504.
    var asksOthers = false
    let run: @Sendable (AdminRequest, HTTPNode) async throws -> ReplyTree

    /// Everything that is served.
    static let all = ring + reports + upkeep

    /// Bytes of a body at most.
    static let bodyMax = 64 << 10
}
