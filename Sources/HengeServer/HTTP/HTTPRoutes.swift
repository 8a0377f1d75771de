package import Hummingbird
package import NIOCore

/// The router that routes are added to.
package typealias HTTPRouter = Router<HTTPContext>

/// One part of what the HTTP port serves.
///
/// To add a part: conform a type in a file of its own, add it to ``HTTPRouteList``, and reach
/// the node through ``HTTPNode`` alone. A handler may run on any thread and may wait; it throws
/// ``HTTPFailure`` for an answer with a status and a reason.
package protocol HTTPRoutes: Sendable {
    func add(to router: HTTPRouter, node: HTTPNode)
}

/// Everything that is served.
enum HTTPRouteList {
    static func router(_ node: HTTPNode, _ objects: ObjectDispatch) -> HTTPRouter {
        let all: [any HTTPRoutes] = [
            HealthRoutes(), RootRoutes(), StatsRoutes(), ObjectRoutes(dispatch: objects),
            MetricsRoutes(), AdminRoutes(), DashboardRoutes(),
        ]
        let router = HTTPRouter(context: HTTPContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: LongWorkMiddleware())
        router.add(middleware: SandboxMiddleware())
        router.add(middleware: FailureMiddleware())
        router.add(middleware: BrowserGuard(node.settings))
        for routes in all { routes.add(to: router, node: node) }
        return router
    }
}

/// Has everything but what is short and frequent run beside the loops of the connections, which
/// would wait for it.
struct LongWorkMiddleware: RouterMiddleware {
    private static let short = ["/buckets/", "/types/", "/ping", "/health"]

    func handle(
        _ request: Request,
        context: HTTPContext,
        next: (Request, HTTPContext) async throws -> Response
    ) async throws -> Response {
        if Self.short.contains(where: request.uri.path.hasPrefix) {
            return try await next(request, context)
        }
        return try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await next(request, context)
        }
    }
}

/// Makes replies of what handlers throw, and keeps the bodies of replies to HEAD from the wire.
struct FailureMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: HTTPContext,
        next: (Request, HTTPContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as any HTTPResponseError {
            response = try error.response(from: request, context: context)
        }
        if request.method == .head { response = response.createHeadResponse() }
        return response
    }
}

/// What a handler knows of its connection.
package struct HTTPContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The connection's event loop, which is not the node's.
    package let eventLoop: any EventLoop

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        eventLoop = source.channel.eventLoop
    }
}

extension Response {
    /// A short text.
    package static func text(
        _ text: String,
        status: HTTPResponse.Status = .ok,
        type: String = "text/plain"
    ) -> Response {
        let body = ByteBuffer(string: text)
        return Response(
            status: status,
            headers: [.contentType: type],
            body: ResponseBody(byteBuffer: body)
        )
    }
}
