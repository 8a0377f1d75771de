import HTTPTypes
import HengeBase
import HengeCausality
import HengeMessages
import Hummingbird
import NIOCore

/// Objects over HTTP: one read, one write or one delete a request.
struct ObjectEndpoint: Sendable {
    let node: HTTPNode
    let catalog: BucketCatalog

    /// What a request on one key carries with it.
    private struct Call {
        let key: StoredKey
        let properties: BucketProperties
        let options: RequestOptions
        let request: Request
        /// Nil unless the request is to be explained.
        let explanation: ExplanationSlot?
    }

    private func call(
        _ bucket: ByteBuffer,
        _ key: ByteBuffer,
        _ request: Request
    ) async throws -> Call {
        let properties = try await catalog.properties(of: bucket)
        let defaults = RequestOptions.Defaults(
            levels: node.settings.levels,
            properties: properties,
            isSloppy: node.isSloppy(bucket),
            timeout: node.settings.requestTimeout,
            replicas: node.replicas
        )
        return Call(
            key: StoredKey(bucket: bucket, key: key),
            properties: properties,
            options: try Self.options(of: request, defaults),
            request: request,
            explanation: ExplanationSlot(request)
        )
    }

    private static func options(
        of request: Request,
        _ defaults: RequestOptions.Defaults
    ) throws(HTTPFailure) -> RequestOptions {
        // As most requests are; nothing is looked for then.
        if request.uri.query == nil, let plain = RequestOptions(standard: defaults) { return plain }
        let query = request.uri.queryParameters
        return try RequestOptions(defaults) { query[$0[...]].map(String.init) }
    }

    private func submit(
        _ operation: ClientRequest.Operation,
        _ call: Call
    ) async throws -> ClientResponse {
        let request = ClientRequest(
            key: call.key,
            operation: operation,
            levels: call.options.levels,
            timeout: call.options.timeout,
            isSloppy: call.options.isSloppy,
            isExplained: call.explanation != nil
        )
        guard let slot = call.explanation else { return try await node.submit(request) }
        let (response, explanation) = try await node.explain(request)
        let command = "\(call.request.method.rawValue)"
        // Of several requests of one call, the last is what the call is about.
        slot.put(
            (try? await node.onLoop { driver in
                ExplanationHeader(
                    ExplanationReply(
                        command: command,
                        request: request,
                        response: response,
                        explanation: explanation,
                        world: ExplanationReply.World(driver)
                    )
                )
            }) ?? nil
        )
        return response
    }

    private func view(_ object: EncodedObject?, _ call: Call) -> ObjectView? {
        object.map {
            ObjectView(
                $0,
                of: call.key,
                keepsSiblings: call.properties.keepsSiblings,
                wall: SystemClock.wall()
            )
        }
    }

    // MARK: GET

    func fetch(
        _ bucket: ByteBuffer,
        _ key: ByteBuffer,
        _ request: Request
    ) async throws -> Response {
        let call = try await call(bucket, key, request)
        return try await ExplanationSlot.fill(call.explanation) {
            guard let view = try await read(call) else { return ObjectView.notFound(nil) }
            guard !view.live.isEmpty else { return ObjectView.notFound(view) }
            return try Self.reply(view, to: request)
        }
    }

    private func read(_ call: Call) async throws -> ObjectView? {
        switch try await submit(.read, call) {
        case .object(let object): return view(object, call)
        case .failed(let failure): throw HTTPFailure(failure, isWrite: false)
        case .written, .notApplied, .inspected: throw HTTPFailure.mismatch
        }
    }

    private static func reply(_ view: ObjectView, to request: Request) throws -> Response {
        switch Preconditions(request.headers).verdict(view.current, isRead: true) {
        case .notModified: return view.notModified()
        case .failed: throw HTTPFailure.preconditionFailed
        case .goOn: break
        }
        let accepted = request.headers[values: .accept]
        let accept = AcceptHeader(accepted.isEmpty ? nil : accepted.joined(separator: ","))
        if let tag = request.uri.queryParameters["vtag"] {
            guard let sibling = view.live.first(where: { ObjectTag.of($0.dot) == tag }) else {
                return ObjectView.notFound(nil)
            }
            return view.one(sibling, ObjectMetadata(stored: sibling.metadata))
        }
        guard view.live.count > 1 else {
            let metadata = ObjectMetadata(stored: view.live[0].metadata)
            guard accept.quality(of: metadata.contentType) > 0 else {
                throw HTTPFailure(.notAcceptable, "the object is \(metadata.contentType)")
            }
            return view.one(view.live[0], metadata)
        }
        let (asTags, asParts) = (
            accept.quality(of: "text/plain"), accept.quality(of: "multipart/mixed")
        )
        if asParts > asTags { return view.multipart(vary: "Accept, Accept-Encoding") }
        guard asTags > 0 else {
            throw HTTPFailure(.notAcceptable, "siblings are text/plain or multipart/mixed")
        }
        return view.tags()
    }

    // MARK: PUT and POST

    /// - Parameter key: nil for one that Henge is to choose.
    func store(
        _ bucket: ByteBuffer,
        _ key: ByteBuffer?,
        _ request: Request
    ) async throws -> Response {
        let metadata = try ObjectMetadata(request.headers)
        let chosen = key ?? ByteBuffer(string: ObjectTag.random())
        let call = try await call(bucket, chosen, request)
        var reply = try await ExplanationSlot.fill(call.explanation) {
            try await write(call, metadata)
        }
        if key == nil {
            let location =
                request.uri.path.hasSuffix("/")
                ? String(request.uri.path.dropLast()) : request.uri.path
            reply.status = .created
            reply.headers[.location] = "\(location)/\(String(buffer: chosen))"
        }
        return reply
    }

    private func write(_ call: Call, _ metadata: ObjectMetadata) async throws -> Response {
        let request = call.request
        let returnsBody = request.uri.queryParameters["returnbody"] == "true"
        let conditions = Preconditions(request.headers)
        var basis = try basis(of: call)
        let value = try await node.body(of: request, upTo: node.settings.valueBytesMax)
        if conditions.needsRead {
            let view = try await read(call)
            try Self.check(conditions, view)
            // Whatever comes in between stays beside the write instead of being lost.
            if case .nothing = basis, let view { basis = .context(view.context) }
        }
        let said = metadata == ObjectMetadata() ? nil : metadata.encoded()
        let mutation = Mutation(
            content: .value(value, metadata: said),
            // What is absent may have left tombstones, which the write replaces.
            basis: conditions.wantsAbsent ? .coordinator : basis,
            condition: conditions.wantsAbsent ? .absent : .always,
            returnsObject: returnsBody
        )
        let response = try await submit(.write(mutation), call)
        return try stored(response, call, metadata)
    }

    private func basis(of call: Call) throws(HTTPFailure) -> Mutation.Basis {
        if let text = call.request.headers[.vclock] {
            return .context(try VclockHeader.vector(text, of: call.key))
        }
        return call.properties.keepsSiblings ? .nothing : .coordinator
    }

    private static func check(
        _ conditions: Preconditions,
        _ view: ObjectView?
    ) throws(HTTPFailure) {
        guard conditions.verdict(view?.current, isRead: false) == .goOn else {
            throw .preconditionFailed
        }
    }

    private func stored(
        _ response: ClientResponse,
        _ call: Call,
        _ metadata: ObjectMetadata
    ) throws -> Response {
        switch response {
        case .written(let context, _):
            let fields: HTTPFields = [
                .vclock: VclockHeader.text(context, of: call.key), .vary: "Accept-Encoding",
                .contentType: metadata.contentType,
            ]
            return Response(status: .noContent, headers: fields)
        case .object(let object):
            guard let view = view(object, call), let first = view.live.first else {
                throw HTTPFailure.mismatch
            }
            if view.live.count > 1 { return view.multipart(vary: "Accept-Encoding") }
            return view.one(first, ObjectMetadata(stored: first.metadata))
        case .notApplied: throw HTTPFailure.preconditionFailed
        case .failed(let failure): throw HTTPFailure(failure, isWrite: true)
        case .inspected: throw HTTPFailure.mismatch
        }
    }

    // MARK: DELETE

    func delete(
        _ bucket: ByteBuffer,
        _ key: ByteBuffer,
        _ request: Request
    ) async throws -> Response {
        let call = try await call(bucket, key, request)
        return try await ExplanationSlot.fill(call.explanation) { try await delete(call) }
    }

    private func delete(_ call: Call) async throws -> Response {
        let conditions = Preconditions(call.request.headers)
        if conditions.needsRead { try Self.check(conditions, try await read(call)) }
        // Without a vclock it deletes what there is, as a read before would have shown it.
        var mutation = Mutation.delete()
        if let text = call.request.headers[.vclock] {
            mutation.basis = .context(try VclockHeader.vector(text, of: call.key))
        }
        switch try await submit(.write(mutation), call) {
        case .written:
            return Response(status: .noContent, headers: [.vary: "Accept-Encoding"])
        case .notApplied: return ObjectView.notFound(nil)
        case .failed(let failure): throw HTTPFailure(failure, isWrite: true)
        case .object, .inspected: throw HTTPFailure.mismatch
        }
    }
}

extension HTTPFailure {
    static let preconditionFailed = HTTPFailure(.preconditionFailed, "Precondition Failed")
}
