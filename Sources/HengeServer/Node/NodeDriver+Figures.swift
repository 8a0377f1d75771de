import NIOCore

/// What a node tells of itself is of all its shards: the first one asks the others.
extension NodeDriver {
    /// Zeros before there is a transport.
    var bulkCounters: BulkTransport.Counters { bulk?.counters ?? BulkTransport.Counters() }

    /// Of the first shard: has ``figures`` be of now. Never fails; with one shard it is done at
    /// once.
    func refreshFigures() -> EventLoopFuture<Void> {
        guard isFirst, group.count > 1 else { return eventLoop.makeSucceededVoidFuture() }
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        return group.siblingsOfFirst.gather(on: eventLoop) { ShardFigures($0) }
            .map { driver.value.siblingFigures = $0 }
            // Their loops have ended: what they said last has to do.
            .recover { _ in }
    }

    /// Runs `body` once ``figures`` are of now; with one shard at once.
    func withFreshFigures(_ body: @escaping () -> Void) {
        guard isFirst, group.count > 1 else { return body() }
        let body = NIOLoopBound(body, eventLoop: eventLoop)
        refreshFigures().whenSuccess { body.value() }
    }
}

extension ShardGroup {
    /// All but the first.
    fileprivate var siblingsOfFirst: ShardGroup { ShardGroup(drivers: Array(drivers.dropFirst())) }
}
