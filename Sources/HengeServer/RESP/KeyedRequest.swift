import HengeBase
import HengeMessages
import HengeRESP
import NIOCore

/// A command on one key, ready to be submitted.
struct KeyedRequest {
    var request: ClientRequest
    var form: ReplyForm
    /// Bytes that it keeps in memory while in flight, without its reply.
    var size: Int

    var isWrite: Bool {
        if case .write = request.operation { return true }
        return false
    }
}

/// What a request takes from its connection and its node.
struct RequestScope {
    var bucket: ByteBuffer
    var levels: ConsistencyLevels
    var timeout: Interval
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

    func read(
        _ command: RESPCommand,
        as form: ReplyForm,
        levels: ConsistencyLevels? = nil
    ) throws(CommandError) -> KeyedRequest {
        let request = ClientRequest(
            key: try key(command, 1),
            operation: .read,
            levels: levels ?? self.levels,
            timeout: timeout
        )
        return KeyedRequest(request: request, form: form, size: command.size)
    }

    func write(
        _ command: RESPCommand,
        _ mutation: Mutation,
        as form: ReplyForm,
        levels: ConsistencyLevels? = nil
    ) throws(CommandError) -> KeyedRequest {
        let request = ClientRequest(
            key: try key(command, 1),
            operation: .write(mutation),
            levels: levels ?? self.levels,
            timeout: timeout
        )
        return KeyedRequest(request: request, form: form, size: command.size)
    }
}
