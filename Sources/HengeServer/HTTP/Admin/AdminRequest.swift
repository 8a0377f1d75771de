import HTTPTypes
import Hummingbird

/// What a request to the operators' API says. Whatever is not understood is refused: an operator
/// who mistypes a name must not get something else done.
struct AdminRequest: Sendable {
    private let query: [String: String]
    private let body: [String: JSONValue]

    /// - Throws: ``AdminFailure`` for a name that the endpoint doesn't know, or a body that is no
    ///   object of JSON.
    init(_ request: Request, to endpoint: AdminEndpoint, _ node: HTTPNode) async throws {
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters {
            let name = String(name)
            guard endpoint.parameters.contains(where: { $0.name == name }) else {
                throw AdminFailure(.badRequest, "there is no parameter '\(name)' here")
            }
            guard query.updateValue(String(value), forKey: name) == nil else {
                throw AdminFailure(.badRequest, "'\(name)' is said twice")
            }
        }
        self.query = query
        for parameter in endpoint.parameters where parameter.isRequired {
            guard query[parameter.name] != nil else {
                throw AdminFailure(.badRequest, "'\(parameter.name)' is missing")
            }
        }
        body = endpoint.body == nil ? [:] : try await Self.body(of: request, node)
    }

    private static func body(
        of request: Request,
        _ node: HTTPNode
    ) async throws -> [String: JSONValue] {
        // A page of another site can send a form or plain text here without asking, but not this.
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased()
        guard type?.trimmed == "application/json" else {
            throw AdminFailure(.unsupportedMediaType, "the body must be application/json")
        }
        let bytes = try await node.body(of: request, upTo: AdminEndpoint.bodyMax)
        guard case .object(let members)? = JSONValue(parsing: bytes.readableBytesView) else {
            throw AdminFailure(.badRequest, "the body must be an object of JSON")
        }
        return Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// Checks that the body says nothing but this.
    func allow(_ names: String...) throws(AdminFailure) {
        for name in body.keys.sorted() where !names.contains(name) {
            throw AdminFailure(.badRequest, "there is no '\(name)' here")
        }
    }

    // MARK: The query

    func parameter(_ name: String) -> String? { query[name] }

    /// - Throws: ``AdminFailure`` for what is no whole number in the range.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(AdminFailure) -> Int? {
        guard let text = query[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw AdminFailure(
                .badRequest,
                "'\(name)' must be a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    // MARK: The body

    func optionalText(_ name: String) throws(AdminFailure) -> String? {
        switch body[name] {
        case nil: return nil
        case .string(let text): return text
        default: throw AdminFailure(.badRequest, "'\(name)' must be a text")
        }
    }

    func text(_ name: String) throws(AdminFailure) -> String {
        guard let text = try optionalText(name) else {
            throw AdminFailure(.badRequest, "'\(name)' is missing")
        }
        return text
    }

    func optionalNumber(_ name: String) throws(AdminFailure) -> Int? {
        switch body[name] {
        case nil: return nil
        case .integer(let value): return Int(value)
        default: throw AdminFailure(.badRequest, "'\(name)' must be a whole number")
        }
    }

    func number(_ name: String) throws(AdminFailure) -> Int {
        guard let number = try optionalNumber(name) else {
            throw AdminFailure(.badRequest, "'\(name)' is missing")
        }
        return number
    }

    func flag(_ name: String) throws(AdminFailure) -> Bool {
        switch body[name] {
        case nil: return false
        case .bool(let value): return value
        default: throw AdminFailure(.badRequest, "'\(name)' must be true or false")
        }
    }
}

extension String {
    fileprivate var trimmed: Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = drop(while: isBlank)
        return start.lastIndex { !isBlank($0) }.map { start[...$0] } ?? ""
    }
}
