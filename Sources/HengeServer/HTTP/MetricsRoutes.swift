import Hummingbird
import NIOCore

/// `/metrics`, for Prometheus.
struct MetricsRoutes: HTTPRoutes {
    func add(to router: HTTPRouter, node: HTTPNode) {
        let page = MetricsPage()
        router.get("/metrics") { _, _ in
            let snapshot = try await node.onLoop { $0.metricSnapshot() }
            return Response.text(page.text(snapshot), type: MetricsPage.contentType)
        }
    }
}
