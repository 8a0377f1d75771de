import HTTPTypes
import Hummingbird
import NIOCore

/// Bucket properties: get, set, reset.
struct PropertiesEndpoint: Sendable {
    private static let bodyMax = 64 << 10

    let node: HTTPNode
    let catalog: BucketCatalog

    /// - Parameter bucket: nil for those of the type `default`.
    func fetch(_ bucket: ByteBuffer?) async throws -> Response {
        let properties = try await bucket.asyncMap { try await catalog.current(of: $0) }
        let document = (properties ?? BucketProperties()).document(
            name: bucket.map { JSONValue.bytes($0.readableBytesView) },
            replicas: node.replicas,
            levels: node.settings.levels
        )
        var response = Response.text(document.text, type: "application/json")
        response.headers[.vary] = "Accept-Encoding"
        return response
    }

    func set(_ bucket: ByteBuffer, _ request: Request) async throws -> Response {
        let body = try await node.body(of: request, upTo: Self.bodyMax)
        guard let given = JSONValue(parsing: body.readableBytesView)?["props"] else {
            throw HTTPFailure(.badRequest, "the body must be JSON of the form {\"props\":{…}}")
        }
        var properties = try await catalog.current(of: bucket)
        try properties.set(given, replicas: node.replicas)
        try await catalog.set(properties, of: bucket)
        return Self.done
    }

    func reset(_ bucket: ByteBuffer) async throws -> Response {
        try await catalog.set(nil, of: bucket)
        return Self.done
    }

    private static var done: Response {
        Response(
            status: .noContent,
            headers: [.vary: "Accept-Encoding", .contentType: "application/json"]
        )
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<R>(_ body: (Wrapped) async throws -> R) async rethrows -> R? {
        guard let self else { return nil }
        return try await body(self)
    }
}
