import HTTPTypes
import HengeBase
import Hummingbird
import NIOConcurrencyHelpers
import NIOCore

/// Answers requests on single objects without Hummingbird's router, as ``HTTPRouteList`` has them
/// answered with it: the same guards, headers and failures.
struct ObjectResponder: Sendable {
    /// Bytes of a body at most, as it is gathered before the request begins.
    static let bodyBytesMax = 16 << 10

    private let dispatch: ObjectDispatch
    private let browsers: BrowserGuard
    private let clock = DateHeader()

    init(_ dispatch: ObjectDispatch, _ settings: NodeSettings) {
        self.dispatch = dispatch
        browsers = BrowserGuard(settings)
    }

    /// Whether a request is for one object and has a small body or none.
    func takes(_ head: HTTPRequest) -> Bool {
        switch head.method {
        case .get, .head, .delete, .put, .post: break
        default: return false
        }
        guard ObjectPath.isObject(head.path ?? "") else { return false }
        let fields = head.headerFields
        guard fields[.transferEncoding] == nil else { return false }
        guard let length = fields[.contentLength] else { return true }
        return Int(length).map { $0 <= Self.bodyBytesMax } ?? false
    }

    /// - Returns: the reply's head and its body.
    func respond(to request: Request) async -> (head: HTTPResponse, body: ByteBuffer) {
        let response = await response(to: request)
        let whole = WholeBody()
        // Nothing of what answers requests on single objects throws while it is written.
        try? await response.body.write(whole)
        return (response.head, whole.bytes)
    }

    private func response(to request: Request) async -> Response {
        var response: Response
        do {
            if let reason = browsers.refusal(of: request) {
                throw HTTPFailure(.forbidden, reason)
            }
            response = try await dispatch.respond(to: request)
        } catch let failure as HTTPFailure {
            response = failure.response
        } catch {
            response = Response(status: .internalServerError)
        }
        SandboxMiddleware.confine(&response)
        response.headers.append(HTTPField(name: .date, value: clock.now))
        response.headers.append(HTTPField(name: .server, value: HTTPServer.name))
        if request.method == .head { response = response.createHeadResponse() }
        return response
    }
}

/// A body in one piece.
private final class WholeBody: ResponseBodyWriter {
    private(set) var bytes = ByteBuffer()

    func write(_ buffer: ByteBuffer) {
        if bytes.readableBytes == 0 { bytes = buffer } else { bytes.writeImmutableBuffer(buffer) }
    }

    func finish(_ trailingHeaders: HTTPFields?) {}
}

/// The header `Date`, put together once a second.
final class DateHeader: Sendable {
    private struct Shown {
        var second: UInt64 = 0
        var text = ""
    }

    private let shown = NIOLockedValueBox(Shown())

    var now: String {
        let wall = SystemClock.wall()
        let second = wall.milliseconds / 1000
        return shown.withLockedValue { shown in
            if shown.second != second {
                shown = Shown(second: second, text: HTTPDate.format(wall))
            }
            return shown.text
        }
    }
}
