import HTTPTypes
package import Hummingbird

/// An answer that is no success, with its reason as plain text.
package struct HTTPFailure: HTTPResponseError, Hashable {
    package let status: HTTPResponse.Status
    package let reason: String
    package var headers: HTTPFields = [:]

    /// - Parameter reason: for people; a line end is added.
    package init(_ status: HTTPResponse.Status, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    package func response(from request: Request, context: some RequestContext) -> Response {
        response
    }

    package var response: Response {
        var fields = headers
        fields[.contentType] = "text/plain"
        let body = ByteBuffer(string: reason + "\n")
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: body))
    }

    /// 503 with a time to come back after.
    package static func busy(_ reason: String) -> HTTPFailure {
        var failure = HTTPFailure(.serviceUnavailable, reason)
        failure.headers[.retryAfter] = "1"
        return failure
    }
}
