import HTTPTypes
import Hummingbird

/// `/`: the dashboard for browsers, and for a client that asks for JSON where Riak's clients find
/// its resources.
struct RootRoutes: HTTPRoutes {
    func add(to router: HTTPRouter, node: HTTPNode) {
        router.get("/") { request, _ in
            let accept = AcceptHeader(request.headers[.accept])
            let html = accept.quality(of: "text/html")
            if html > accept.quality(of: "text/plain"),
                html >= accept.quality(of: "application/json")
            {
                return DashboardPage.response(withActions: node.settings.allowsDashboardActions)
            }
            // Whoever takes anything, curl by default, is a person.
            guard accept.quality(of: "application/json") > accept.quality(of: "text/html") else {
                return Response.text(Self.page(node))
            }
            return Response.text(Self.resources.text, type: "application/json")
        }
    }

    private static let resources: JSONValue = [
        "riak_kv_wm_buckets": "/buckets", "riak_kv_wm_bucket_type": "/types",
        "riak_kv_wm_keylist": "/buckets", "riak_kv_wm_object": "/buckets",
        "riak_kv_wm_ping": "/ping", "riak_kv_wm_props": "/buckets", "riak_kv_wm_stats": "/stats",
    ]

    private static func page(_ node: HTTPNode) -> String {
        "Henge \(ServerVersion.henge), node \(node.settings.name): "
            + "/buckets /stats /ping /health/ready\n"
    }
}
