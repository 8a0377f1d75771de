import HengeNode
import NIOCore

/// Who is owed the answer to a request.
enum Asker {
    case session(ClientSession, slot: Int)
    /// Somebody on another thread.
    case promise(EventLoopPromise<ShardReply>)
    /// A shard of this node, on its own loop.
    case shard(Int, place: Int)
    /// Who is owed a count by all shards.
    indirect case count(CountGathering, Asker)
}
