import HengeBase
import HengeMessages
import HengeRESP
import NIOCore

/// A command on one key, ready to be submitted.
struct KeyedRequest {
    var request: ClientRequest
    var form: ReplyForm
    /// When its client stops waiting: counted from when its bytes came, so that what waits here
    /// behind other commands is not carried out for nobody.
    var deadline: Instant
    /// Bytes that it keeps in memory while in flight, without its reply.
    var size: Int

    var isWrite: Bool { request.isWrite }
}

/// What a request takes from its connection and its node.
struct RequestScope {
    var bucket: ByteBuffer
    var consistency: RequestConsistency
    var timeout: Interval
    /// When the command's bytes came.
    var arrivedAt: Instant
    /// N.
    var replicas: Int
    var valueBytesMax: Int
    var wall: WallTime

    func key(_ command: RESPCommand, _ index: Int) throws(CommandError) -> StoredKey {
        let size = command.length(index)
        guard size <= StoredKey.keyLengthMax else { throw .keyTooLarge(size) }
        return StoredKey(bucket: bucket, key: command[index])
    }

    func value(_ command: RESPCommand, _ index: Int) throws(CommandError) -> ByteBuffer {
        let size = command.length(index)
        guard size <= valueBytesMax else { throw .valueTooLarge(size, limit: valueBytesMax) }
        return command[index]
    }

    /// - Parameter consistency: what the command says itself; nil if it says nothing.
    func request(
        _ key: StoredKey,
        _ operation: ClientRequest.Operation,
        _ consistency: RequestConsistency? = nil
    ) -> ClientRequest {
        let consistency = consistency ?? self.consistency
        return ClientRequest(
            key: key,
            operation: operation,
            levels: consistency.levels,
            timeout: timeout,
            isSloppy: consistency.isSloppy
        )
    }

    func keyed(_ request: ClientRequest, _ form: ReplyForm, size: Int) -> KeyedRequest {
        KeyedRequest(request: request, form: form, deadline: arrivedAt + timeout, size: size)
    }

    func read(
        _ command: RESPCommand,
        as form: ReplyForm,
        consistency: RequestConsistency? = nil
    ) throws(CommandError) -> KeyedRequest {
        let request = request(try key(command, 1), .read, consistency)
        return keyed(request, form, size: command.size)
    }

    func write(
        _ command: RESPCommand,
        _ mutation: Mutation,
        as form: ReplyForm,
        consistency: RequestConsistency? = nil
    ) throws(CommandError) -> KeyedRequest {
        let request = request(try key(command, 1), .write(mutation), consistency)
        return keyed(request, form, size: command.size)
    }
}
