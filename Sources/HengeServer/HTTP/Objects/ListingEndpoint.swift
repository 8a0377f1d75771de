import HTTPTypes
import HengeBase
import Hummingbird
import NIOCore

/// Lists keys and buckets: `true` as one document, `stream` as a document a page.
struct ListingEndpoint: Sendable {
    /// A listing up to this many bytes tells its length, as Riak's do; a longer one is sent in
    /// chunks while it goes on.
    private static let gatheredMax = 64 << 10

    let node: HTTPNode
    private let limit = ListingLimit()

    init(node: HTTPNode) {
        self.node = node
    }

    /// - Parameter mode: of the parameter `keys` or `buckets`.
    func list(
        _ kind: NameLister.Kind,
        mode: String?,
        timeout: String?
    ) async throws -> Response {
        guard mode == "true" || mode == "stream" else { return Self.json("{}") }
        let place = try limit.take()
        var time: Interval?
        if let timeout {
            guard let milliseconds = UInt64(timeout), milliseconds > 0 else {
                throw HTTPFailure(.badRequest, "Bad timeout value \"\(timeout.prefix(64))\"")
            }
            time = .milliseconds(min(milliseconds, RequestOptions.timeoutMillisecondsMax))
        }
        let lister = NameLister(kind, node: node, timeout: time)
        return mode == "stream" ? Self.stream(lister, place) : try await Self.whole(lister, place)
    }

    private static func json(_ text: String) -> Response {
        var response = Response.text(text, type: "application/json")
        response.headers[.vary] = "Accept-Encoding"
        return response
    }

    // MARK: One document

    private static func whole(
        _ lister: NameLister,
        _ place: ListingLimit.Place
    ) async throws -> Response {
        var lister = lister
        var text = "{\"\(lister.label)\":["
        var isFirst = true
        while let names = try await lister.page() {
            append(names, to: &text, &isFirst)
            guard text.utf8.count < gatheredMax else {
                return rest(of: lister, after: text, isFirst, place)
            }
        }
        return json(text + "]}")
    }

    private static func append(_ names: [ByteBuffer], to text: inout String, _ isFirst: inout Bool)
    {
        for name in names {
            if !isFirst { text += "," }
            isFirst = false
            let value = JSONValue.bytes(name.readableBytesView)
            // Riak's client for Python ends a document of a stream at its first brace.
            if case .string = value {
                text += value.text.replacing("}", with: "\\u007d")
            } else {
                value.write(into: &text)
            }
        }
    }

    /// A failure from here on can't be said any more: the connection ends without the end of the
    /// document.
    private static func rest(
        of lister: NameLister,
        after text: String,
        _ isFirst: Bool,
        _ place: ListingLimit.Place
    ) -> Response {
        let body = ResponseBody { writer in
            var lister = lister
            var isFirst = isFirst
            try await writer.write(ByteBuffer(string: text))
            while let names = try await lister.page() {
                var text = ""
                append(names, to: &text, &isFirst)
                if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
            }
            try await writer.write(ByteBuffer(string: "]}"))
            try await writer.finish(nil)
            withExtendedLifetime(place) {}
        }
        return Response(status: .ok, headers: fields, body: body)
    }

    private static let fields: HTTPFields = [
        .contentType: "application/json", .vary: "Accept-Encoding",
    ]

    // MARK: A document a page

    private static func stream(_ lister: NameLister, _ place: ListingLimit.Place) -> Response {
        let body = ResponseBody { writer in
            var lister = lister
            do {
                while let names = try await lister.page() {
                    var text = "{\"\(lister.label)\":["
                    var isFirst = true
                    append(names, to: &text, &isFirst)
                    try await writer.write(ByteBuffer(string: text + "]}"))
                }
            } catch let failure as HTTPFailure {
                // Riak's clients look for this.
                let text = JSONValue.object([.init("error", .string(failure.reason))]).text
                try await writer.write(ByteBuffer(string: text))
            }
            try await writer.finish(nil)
            withExtendedLifetime(place) {}
        }
        return Response(status: .ok, headers: fields, body: body)
    }
}
