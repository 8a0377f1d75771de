import HTTPTypes
import Hummingbird

/// `/admin/…`: what `henge ring`, the reports, hints and repair do, for programs.
struct AdminRoutes: HTTPRoutes {
    func add(to router: HTTPRouter, node: HTTPNode) {
        for endpoint in AdminEndpoint.all {
            router.on("/admin\(endpoint.path)", method: endpoint.method) { request, context in
                do {
                    try Self.refuse(request, to: endpoint, node)
                    let asked = try await AdminRequest(request, to: endpoint, node)
                    let tree = try await endpoint.run(asked, node)
                    return Response.text(JSONValue(tree).text, type: "application/json")
                } catch let failure as HTTPFailure {
                    throw AdminFailure(failure)
                }
            }
        }
        router.get("/admin/openapi.json") { _, _ in
            Response.text(OpenAPIDocument.text, type: "application/json")
        }
        refuseOtherMethods(router)
    }

    /// A page acts only where the node was started for it; programs send no `Origin`.
    private static func refuse(
        _ request: Request,
        to endpoint: AdminEndpoint,
        _ node: HTTPNode
    ) throws(AdminFailure) {
        guard endpoint.method != .get, request.headers[.origin] != nil,
            !node.settings.allowsDashboardActions
        else { return }
        throw AdminFailure(
            .forbidden,
            "pages may look and not act here: start the node with --dashboard-actions, or use "
                + "henge ring, henge hints and henge repair"
        )
    }

    /// So that a known path with a wrong method says which ones it has.
    private func refuseOtherMethods(_ router: HTTPRouter) {
        var methods: [String: [HTTPRequest.Method]] = ["/openapi.json": [.get]]
        for endpoint in AdminEndpoint.all {
            methods[endpoint.path, default: []].append(endpoint.method)
        }
        for (path, known) in methods {
            // HEAD goes with GET.
            let allowed = known.flatMap { $0 == .get ? [.get, .head] : [$0] }
            let allow = allowed.map(\.rawValue).joined(separator: ", ")
            let others: [HTTPRequest.Method] = [
                .get, .post, .put, .patch, .delete, .options, .trace,
            ]
            for method in others where !known.contains(method) {
                router.on("/admin\(path)", method: method) { _, _ -> Response in
                    var failure = AdminFailure(.methodNotAllowed, "use \(allow)")
                    failure.headers[.allow] = allow
                    throw failure
                }
            }
        }
    }
}

extension JSONValue {
    init(_ tree: ReplyTree) {
        switch tree {
        case .null: self = .null
        case .integer(let value): self = .integer(value)
        case .double(let value): self = .double(value)
        case .boolean(let value): self = .bool(value)
        case .simple(let text), .text(let text): self = .string(text)
        case .bytes(let bytes): self = .bytes(bytes.readableBytesView)
        case .array(let elements), .set(let elements):
            self = .array(elements.map { JSONValue($0) })
        case .map(let fields):
            self = .object(fields.map { Member($0.name, JSONValue($0.value)) })
        }
    }
}
