import HTTPTypes
import Hummingbird

/// An answer of the operators' API that is no success: `{"error": "…"}`.
struct AdminFailure: HTTPResponseError, Hashable {
    let status: HTTPResponse.Status
    let reason: String
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    /// What the rest of the HTTP port would say in plain text.
    init(_ failure: HTTPFailure) {
        status = failure.status
        reason = failure.reason
        headers = failure.headers
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        var fields = headers
        fields[.contentType] = "application/json"
        let text = JSONValue.object([.init("error", .string(reason))]).text
        return Response(
            status: status,
            headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}
