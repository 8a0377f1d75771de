import HTTPTypes
import HengeMessages
import Hummingbird
import NIOCore

/// What the dashboard asks this node for. It only reads.
struct DashboardRoutes: HTTPRoutes {
    func add(to router: HTTPRouter, node: HTTPNode) {
        router.get("/dashboard/events") { request, _ in
            // A stream without an end has no HEAD.
            guard request.method != .head else { return Self.events([:]) }
            let subscription = try await node.onLoop { driver in
                try driver.clusterWatch.listen()
            }
            return Self.stream(subscription)
        }
        router.get("/dashboard/key") { request, _ in
            try await KeyLookup(node).response(to: request)
        }
    }

    private static func events(_ fields: HTTPFields) -> Response {
        var headers = fields
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-store"
        return Response(status: .ok, headers: headers)
    }

    private static func stream(_ subscription: EventListeners.Subscription) -> Response {
        var response = events([:])
        response.body = ResponseBody { writer in
            defer { subscription.leave() }
            for await events in subscription.events { try await writer.write(events) }
            try await writer.finish(nil)
        }
        return response
    }
}
