import HTTPTypes
import Hummingbird
import NIOCore

/// Keeps what clients have stored from acting as the dashboard in a browser: an object has the
/// dashboard's origin, and a type that its writer chose.
///
/// Whatever sets no policy of its own is in a sandbox (Content Security Policy Level 3, directive
/// `sandbox`): shown in a browser it runs no script, sends no form and is of no origin. And nothing
/// is taken for another type than it says.
struct SandboxMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: HTTPContext,
        next: (Request, HTTPContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        Self.confine(&response)
        return response
    }

    static func confine(_ response: inout Response) {
        response.headers[.xContentTypeOptions] = "nosniff"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "sandbox"
        }
    }
}

/// Keeps pages of other sites from changing anything.
///
/// A page can send some requests anywhere without asking, and as many as it likes to a name of its
/// own that it has point here (DNS rebinding). So a request that may change something and comes
/// from a page must come from one of this very port, under a name that nobody else can have: an
/// address, `localhost`, or what the node was told. Programs send no `Origin` and are not asked.
struct BrowserGuard: RouterMiddleware {
    private static let unchanging: [HTTPRequest.Method] = [.get, .head, .options, .trace]
    private static let site = HTTPField.Name("Sec-Fetch-Site")

    /// In lower case.
    private let names: Set<String>

    init(_ settings: NodeSettings) {
        let own = [settings.httpAddress, settings.respAddress, settings.peerAddress]
        let all = settings.dashboardHosts + own.compactMap { $0?.host } + ["localhost"]
        names = Set(all.map { $0.lowercased() })
    }

    func handle(
        _ request: Request,
        context: HTTPContext,
        next: (Request, HTTPContext) async throws -> Response
    ) async throws -> Response {
        guard let reason = refusal(of: request) else { return try await next(request, context) }
        guard request.uri.path.hasPrefix("/admin/") else { throw HTTPFailure(.forbidden, reason) }
        throw AdminFailure(.forbidden, reason)
    }

    /// Why a request is not carried out; nil when it is.
    func refusal(of request: Request) -> String? {
        guard !Self.unchanging.contains(request.method) else { return nil }
        guard let origin = request.headers[.origin]?.lowercased() else {
            // A browser that keeps the origin to itself tells this all the same.
            let site = Self.site.flatMap { request.headers[$0] }
            return site == nil || site == "none" || site == "same-origin"
                ? nil : "a page of another site may not change anything here"
        }
        guard let authority = request.head.authority?.lowercased(),
            origin == "http://\(authority)" || origin == "https://\(authority)"
        else { return "a page of another site, \(origin), may not change anything here" }
        guard isOwn(authority) else {
            return "anybody may have the name \(authority) point here: use the node's address, or "
                + "start it with --dashboard-host"
        }
        return nil
    }

    /// Whether no page of others can be shown under this name.
    private func isOwn(_ authority: String) -> Bool {
        let host =
            authority.hasPrefix("[")
            ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        if names.contains(String(host)) || host.hasSuffix(".localhost") { return true }
        return (try? SocketAddress(ipAddress: String(host), port: 0)) != nil
    }
}
