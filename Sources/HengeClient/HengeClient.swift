public import NIOCore

/// A client of a Henge cluster: reads and writes objects of one bucket through any of several
/// nodes.
///
/// Any node takes any request. The client keeps one connection, pipelines on it what many tasks ask
/// for, and when it breaks turns to the next address. Reads are then tried again. A write is tried
/// again only if it was never sent: one that may have happened fails with an error that says so.
///
///     let client = try HengeClient(addresses: [HengeAddress(parsing: "127.0.0.1:6401")])
///     let object = try await client.getAll(key)
///     try await client.put(merged(object), for: key, context: object?.context)
///     await client.close()
public struct HengeClient: Sendable {
    private let addresses: [HengeAddress]
    private let options: HengeConnection.Options
    private let group: (any EventLoopGroup)?
    private let keeper: ConnectionKeeper

    /// Makes a client; the first request connects.
    ///
    /// - Parameters:
    ///   - addresses: nodes to turn to, in this order; one at least.
    ///   - options: of the connections; `bucket` names the bucket of all requests.
    ///   - group: whose event loops carry the connections; nil for NIO's own.
    /// - Throws: ``HengeError`` with the code `invalidArgument` if there is no address.
    public init(
        addresses: [HengeAddress],
        options: HengeConnection.Options = HengeConnection.Options(),
        group: (any EventLoopGroup)? = nil
    ) throws(HengeError) {
        guard !addresses.isEmpty else {
            throw HengeError(.invalidArgument, "a client needs the address of a node")
        }
        self.init(checked: addresses, options, group)
    }

    private init(
        checked addresses: [HengeAddress],
        _ options: HengeConnection.Options,
        _ group: (any EventLoopGroup)?
    ) {
        self.addresses = addresses
        self.options = options
        self.group = group
        keeper = ConnectionKeeper(addresses: addresses, options: options, group: group)
    }

    /// A client of another bucket, with a connection of its own: close it, too.
    public func bucket(_ name: String) -> HengeClient {
        var options = options
        options.bucket = name
        return HengeClient(checked: addresses, options, group)
    }

    /// Closes the connection. Requests without a reply fail with `connectionFailed`, as do later
    /// ones.
    public func close() async {
        await keeper.close()
    }

    /// The newest value of a key. Where concurrent writes left siblings, ``getAll(_:consistency:)``
    /// shows them all.
    ///
    /// - Parameters:
    ///   - key: 1 byte to 64 KiB.
    ///   - consistency: replicas that must answer; nil for the bucket's level.
    /// - Returns: nil where nothing is stored. The value is a slice of what was received: copy it
    ///   to keep a small one for long.
    /// - Throws: ``HengeError``, with one of these codes:
    ///   - `unavailable`: fewer than the required replicas are alive.
    ///   - `timedOut`: fewer than the required replicas answered in time.
    ///   - `overloaded`: the node, or this connection, has too much to do; retry later.
    ///   - `storage`: a replica could not read.
    ///   - `connectionFailed`: no node can be reached.
    ///   - `protocolViolation`, `server`: the node is none, or not of this version.
    /// - Complexity: one round trip to the node, plus that of the last replica needed.
    public func get(
        _ key: ByteBuffer,
        consistency: HengeConsistency? = nil
    ) async throws(HengeError) -> ByteBuffer? {
        let request = Request("GET").add(key).add(consistency)
        return try Answer.value(try await read(request))
    }

    /// All values of a key, and the context with which to write it next.
    ///
    /// - Parameters: as of ``get(_:consistency:)``.
    /// - Returns: nil where nothing was ever stored; a deleted object has a context and no
    ///   siblings.
    /// - Throws: as ``get(_:consistency:)``.
    /// - Complexity: as ``get(_:consistency:)``.
    public func getAll(
        _ key: ByteBuffer,
        consistency: HengeConsistency? = nil
    ) async throws(HengeError) -> HengeObject? {
        let request = Request("HENGE.GET").add(key).add(consistency)
        return try Answer.object(try await read(request))
    }

    /// Stores a value and returns once the required replicas hold it durably.
    ///
    /// Writes never block each other. If another client wrote the key concurrently, both values
    /// survive as siblings.
    ///
    /// - Parameters:
    ///   - value: at most the cluster's limit, 1 MiB by default.
    ///   - key: 1 byte to 64 KiB.
    ///   - context: of the ``getAll(_:consistency:)`` or the write that this one answers. Nil for a
    ///     blind write, which replaces nothing and so may leave a sibling.
    ///   - expiry: when the value shall expire, from now; 1 ms and above. Nil for never.
    ///   - consistency: replicas that must acknowledge; nil for the bucket's level.
    /// - Returns: the context that covers this write, for the next one of this key.
    /// - Throws: ``HengeError``, with one of these codes:
    ///   - `tooLarge`: the key or the value is over a limit. Nothing was written.
    ///   - `unavailable`: fewer than the required replicas are alive. Nothing was written.
    ///   - `overloaded`: too much is in flight. Nothing was written; retry later.
    ///   - `conflict`: the object has as many siblings as it may have. Nothing was written.
    ///   - `staleContext`: read again for a context. Nothing was written.
    ///   - `timedOut`: too few acknowledgements in time. **The write may still happen.** A retry
    ///     with the same context loses nothing; at worst it leaves an equal sibling.
    ///   - `storage`: a replica could not write. **The write may still happen.**
    ///   - `connectionFailed`: **the write may still happen** if `mayHaveHappened`.
    ///   - `protocolViolation`, `server`: the node is none, or not of this version.
    ///   - `invalidArgument`: the expiry is under 1 ms. Nothing was sent.
    /// - Complexity: one round trip to the node, plus that of the last replica needed.
    ///
    /// Sources: quorums, DeCandia et al., *Dynamo*, SOSP 2007, section 4.5; siblings and contexts,
    /// Preguiça et al., *Dotted Version Vectors*, arXiv:1011.5808.
    @discardableResult
    public func put(
        _ value: ByteBuffer,
        for key: ByteBuffer,
        context: HengeContext? = nil,
        expiry: Duration? = nil,
        consistency: HengeConsistency? = nil
    ) async throws(HengeError) -> HengeContext {
        var request = Request("HENGE.SET").add(key).add(value).add(context)
        if let expiry {
            let milliseconds = expiry.wholeMilliseconds
            guard milliseconds >= 1 else {
                throw HengeError(.invalidArgument, "an expiry of \(expiry) is under 1 ms")
            }
            request = request.add("PX", String(milliseconds))
        }
        return try Answer.context(try await write(request.add(consistency)))
    }

    /// Deletes what the context covers, and returns once the required replicas have noted it
    /// durably. A value written concurrently survives.
    ///
    /// - Parameters: as of ``put(_:for:context:expiry:consistency:)``.
    /// - Returns: the context that covers this deletion, for the next write of this key.
    /// - Throws: as ``put(_:for:context:expiry:consistency:)``.
    @discardableResult
    public func delete(
        _ key: ByteBuffer,
        context: HengeContext? = nil,
        consistency: HengeConsistency? = nil
    ) async throws(HengeError) -> HengeContext {
        let request = Request("HENGE.DEL").add(key).add(context).add(consistency)
        return try Answer.context(try await write(request))
    }

    private func read(_ request: Request) async throws(HengeError) -> HengeReply {
        try await perform(request) { _ in true }
    }

    private func write(_ request: Request) async throws(HengeError) -> HengeReply {
        try await perform(request) { !$0.mayHaveHappened }
    }

    /// Sends a request, and again through another node as long as the connection fails and `again`
    /// allows it: once per address and once more, for a connection that had broken unnoticed.
    private func perform(
        _ request: Request,
        again: (HengeError) -> Bool
    ) async throws(HengeError) -> HengeReply {
        var attemptsLeft = addresses.count + 1
        while true {
            let connection = try await keeper.connection()
            do throws(HengeError) {
                return try await connection.send(request.arguments)
            } catch {
                attemptsLeft -= 1
                // Not after every error: a reply such as TIMEOUT leaves the connection sound.
                if error.code == .connectionFailed || !connection.isOpen {
                    await keeper.abandon(connection)
                }
                guard error.code == .connectionFailed, attemptsLeft > 0, again(error) else {
                    throw error
                }
            }
        }
    }
}
