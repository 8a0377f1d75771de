/// The description of `/admin/…` by OpenAPI 3.1, made of ``AdminEndpoint/all``.
package enum OpenAPIDocument {
    package static let text = document.text

    private static let document: JSONValue = [
        "openapi": "3.1.0",
        "info": [
            "title": "Henge, operators' API",
            "version": .string(ServerVersion.henge),
            "description": """
            What henge ring, henge report, hints and repair do, for programs. Anybody who reaches \
            the HTTP port may use it.
            """,
        ],
        "paths": .object(paths),
        "components": ["schemas": .object(schemas)],
    ]

    private static var paths: [JSONValue.Member] {
        var order: [String] = []
        var operations: [String: [JSONValue.Member]] = [:]
        for endpoint in AdminEndpoint.all {
            if operations[endpoint.path] == nil { order.append(endpoint.path) }
            operations[endpoint.path, default: []].append(
                .init(endpoint.method.rawValue.lowercased(), operation(endpoint))
            )
        }
        return order.map { .init("/admin\($0)", .object(operations[$0] ?? [])) }
    }

    private static func operation(_ endpoint: AdminEndpoint) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("operationId", .string(endpoint.name)),
            .init("summary", .string(endpoint.summary)),
        ]
        if !endpoint.parameters.isEmpty {
            members.append(.init("parameters", .array(endpoint.parameters.map(parameter))))
        }
        if let body = endpoint.body {
            members.append(
                .init(
                    "requestBody",
                    ["required": true, "content": ["application/json": ["schema": body]]]
                )
            )
        }
        members.append(.init("responses", .object(responses(endpoint))))
        return .object(members)
    }

    private static func parameter(_ parameter: AdminEndpoint.Parameter) -> JSONValue {
        [
            "name": .string(parameter.name), "in": "query",
            "description": .string(parameter.summary),
            "required": .bool(parameter.isRequired), "schema": parameter.schema,
        ]
    }

    private static func responses(_ endpoint: AdminEndpoint) -> [JSONValue.Member] {
        var responses: [JSONValue.Member] = [
            .init("200", response("It is done.", endpoint.name)),
            .init("400", response("The request says something that is not understood.", "Error")),
        ]
        if endpoint.mayConflict {
            responses.append(.init("409", response("It is not possible as things are.", "Error")))
        }
        if endpoint.method != .get {
            responses.append(.init("403", response("A page may not do that.", "Error")))
        }
        if endpoint.body != nil {
            responses.append(.init("413", response("The body is too large.", "Error")))
            responses.append(.init("415", response("The body is no JSON.", "Error")))
        }
        responses.append(
            .init("503", response("The node, or one that it needs, can't answer now.", "Error")))
        if endpoint.asksOthers {
            responses.append(.init("504", response("Others did not answer in time.", "Error")))
        }
        return responses
    }

    private static func response(_ description: String, _ schema: String) -> JSONValue {
        [
            "description": .string(description),
            "content": [
                "application/json": [
                    "schema": ["$ref": .string("#/components/schemas/\(schema)")]
                ]
            ],
        ]
    }

    private static var schemas: [JSONValue.Member] {
        AdminEndpoint.all.map { .init($0.name, $0.reply) }
            + [.init("Error", .record(["error": .text]))]
    }
}
