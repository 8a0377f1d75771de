import HTTPTypes
import Hummingbird

/// `/buckets/…` and `/types/default/…`: objects, their keys, and properties, as in Riak's HTTP API.
struct ObjectRoutes: HTTPRoutes {
    let dispatch: ObjectDispatch

    func add(to router: HTTPRouter, node: HTTPNode) {
        let dispatch = self.dispatch
        let methods: [HTTPRequest.Method] = [.get, .put, .post, .delete, .patch, .options]
        for path in ["/buckets", "/buckets/**", "/types", "/types/**"] {
            for method in methods {
                router.on(RouterPath(path), method: method) { request, _ in
                    try await dispatch.respond(to: request)
                }
            }
        }
        for path in ["/mapred", "/search/**"] {
            for method in methods {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw HTTPFailure.missing("map-reduce and no search")
                }
            }
        }
    }
}

/// Which part answers which method on which path.
struct ObjectDispatch: Sendable {
    let objects: ObjectEndpoint
    let properties: PropertiesEndpoint
    let listings: ListingEndpoint

    /// What answers all of them must be one, as it remembers what it read of the properties.
    init(_ node: HTTPNode) {
        let catalog = BucketCatalog(node: node)
        objects = ObjectEndpoint(node: node, catalog: catalog)
        properties = PropertiesEndpoint(node: node, catalog: catalog)
        listings = ListingEndpoint(node: node)
    }

    func respond(to request: Request) async throws -> Response {
        let path = try ObjectPath(request.uri.path)
        let query = request.uri.queryParameters
        let method = request.method == .head ? .get : request.method
        switch (path, method) {
        case (.object(let bucket, let key), .get):
            return try await objects.fetch(bucket, key, request)
        case (.object(let bucket, let key), .put), (.object(let bucket, let key), .post):
            return try await objects.store(bucket, key, request)
        case (.object(let bucket, let key), .delete):
            return try await objects.delete(bucket, key, request)
        case (.keys(let bucket), .post):
            return try await objects.store(bucket, nil, request)
        case (.keys(let bucket), .get):
            let mode = query["keys"].map(String.init)
            let timeout = query["timeout"].map(String.init)
            return try await listings.list(.keys(of: bucket), mode: mode, timeout: timeout)
        case (.buckets, .get):
            let mode = query["buckets"].map(String.init)
            let timeout = query["timeout"].map(String.init)
            return try await listings.list(.buckets, mode: mode, timeout: timeout)
        case (.bucketProperties(let bucket), .get): return try await properties.fetch(bucket)
        case (.typeProperties, .get): return try await properties.fetch(nil)
        case (.bucketProperties(let bucket), .put):
            return try await properties.set(bucket, request)
        case (.bucketProperties(let bucket), .delete): return try await properties.reset(bucket)
        default: throw notAllowed(path)
        }
    }

    private func notAllowed(_ path: ObjectPath) -> HTTPFailure {
        let methods =
            switch path {
            case .buckets, .typeProperties: "GET, HEAD"
            case .keys: "GET, HEAD, POST"
            case .object: "GET, HEAD, PUT, POST, DELETE"
            case .bucketProperties: "GET, HEAD, PUT, DELETE"
            }
        var failure = HTTPFailure(.methodNotAllowed, "the methods are \(methods)")
        failure.headers[.allow] = methods
        return failure
    }
}
