import HTTPTypes
import HengeMessages
import Hummingbird
import NIOConcurrencyHelpers

/// Where the explanation of one HTTP request comes to, for the header of its reply.
final class ExplanationSlot: Sendable {
    private let text = NIOLockedValueBox<String?>(nil)

    /// Nil unless the request has `X-Henge-Explain: 1` (or `true`), or `explain=true` in its query.
    init?(_ request: Request) {
        let query = request.uri.queryParameters["explain"].map(String.init)
        let said = request.headers[.explain] ?? query
        guard let said, said == "1" || said.lowercased() == "true" else { return nil }
    }

    func put(_ header: ExplanationHeader?) {
        text.withLockedValue { $0 = header?.text }
    }

    /// Runs `body` and adds the header to what it returns or throws.
    static func fill(
        _ slot: ExplanationSlot?,
        _ body: () async throws -> Response
    ) async throws -> Response {
        guard let slot else { return try await body() }
        do {
            var response = try await body()
            response.headers[.explain] = slot.text.withLockedValue { $0 }
            return response
        } catch var failure as HTTPFailure {
            failure.headers[.explain] = slot.text.withLockedValue { $0 }
            throw failure
        }
    }
}

extension HTTPField.Name {
    static let explain = HTTPField.Name("X-Henge-Explain") ?? .eTag
}
