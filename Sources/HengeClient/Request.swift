import NIOCore

/// A request in the making.
struct Request {
    private(set) var arguments: [ByteBuffer]

    init(_ command: String) {
        arguments = [ByteBuffer(string: command)]
    }

    func add(_ argument: ByteBuffer) -> Request {
        var request = self
        request.arguments.append(argument)
        return request
    }

    func add(_ words: String...) -> Request {
        var request = self
        request.arguments += words.map { ByteBuffer(string: $0) }
        return request
    }

    func add(_ context: HengeContext?) -> Request {
        guard let context else { return self }
        return add("CONTEXT", context.description)
    }

    func add(_ consistency: HengeConsistency?) -> Request {
        guard let consistency else { return self }
        var request = self
        request.arguments += consistency.words.map { ByteBuffer(string: $0) }
        return request
    }
}
