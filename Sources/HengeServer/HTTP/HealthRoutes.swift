import Hummingbird

/// `/ping`, as Riak's, and `/health/…` for whoever starts and stops nodes.
struct HealthRoutes: HTTPRoutes {
    func add(to router: HTTPRouter, node: HTTPNode) {
        router.get("/ping") { _, _ in Response.text("OK", type: "text/html") }
        // Of the process alone: whoever asks ends it when there is no answer, and another node's
        // failure must not end this one.
        router.get("/health/live") { _, _ in Response.text("live\n") }
        router.get("/health/ready") { _, context in
            let isReady = await node.isReady(context.eventLoop)
            return Self.answer(isReady, isReady ? "ready" : "not ready: \(node.condition)")
        }
        router.get("/health/startup") { _, _ in
            return Self.answer(node.hasStarted, node.hasStarted ? "started" : "starting")
        }
    }

    private static func answer(_ holds: Bool, _ text: String) -> Response {
        .text(text + "\n", status: holds ? .ok : .serviceUnavailable)
    }
}
