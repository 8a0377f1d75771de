import HengeBase
import HengeNode
import NIOCore

/// Marks of what a node had to do: one in each of its shards, under the name of the first one's.
///
/// Confined to the event loop of the first shard.
final class ShardSettling {
    private unowned let driver: NodeDriver
    /// By the mark of the first shard: all of them, in order of the shards.
    private var marks: [SettleToken: [SettleToken]] = [:]

    init(driver: NodeDriver) {
        self.driver = driver
    }

    /// As ``NodeDriver/settle(_:comparing:)``.
    func settle(_ token: SettleToken?, comparing: Bool) -> EventLoopFuture<SettleStatus?> {
        guard let token else { return begin() }
        guard let tokens = marks[token] else {
            return driver.eventLoop.makeSucceededFuture(nil)
        }
        let settling = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let loop = driver.eventLoop
        return ask(tokens, comparing: false).flatMap { status in
            if status == nil { settling.value.marks[token] = nil }
            // What one shard still has to hand over, another one's comparison would not see.
            guard comparing, let status, status.onlyCompares else {
                return loop.makeSucceededFuture(status)
            }
            return settling.value.ask(tokens, comparing: true)
        }
    }

    private func begin() -> EventLoopFuture<SettleStatus?> {
        // As many stay as the first shard remembers.
        marks = marks.filter { driver.shard.hasMark($0.key) }
        let settling = NIOLoopBound(self, eventLoop: driver.eventLoop)
        return driver.group.gather(on: driver.eventLoop) {
            $0.settleStatus(of: nil, comparing: false)
        }.map { statuses in
            let status = SettleStatus.joined(statuses)
            if let status { settling.value.marks[status.token] = statuses.compactMap { $0?.token } }
            return status
        }
    }

    private func ask(
        _ tokens: [SettleToken],
        comparing: Bool
    ) -> EventLoopFuture<SettleStatus?> {
        driver.group.gather(on: driver.eventLoop) {
            $0.settleStatus(of: tokens[$0.slice.index], comparing: comparing)
        }.map { SettleStatus.joined($0) }
    }
}

extension NodeDriver {
    /// Of the first shard: what is left of a mark of this node, or of a new one without a token;
    /// nil when there is none of this name or no more, or when too many wait already. With one
    /// shard it is there at once.
    ///
    /// - Parameter comparing: whether all nodes have delivered what they had to.
    func settle(
        _ token: SettleToken?,
        comparing: Bool
    ) -> EventLoopFuture<SettleStatus?> {
        guard group.count > 1 else {
            let status = settleStatus(of: token, comparing: comparing)
            return eventLoop.makeSucceededFuture(status)
        }
        return reporter.settling.settle(token, comparing: comparing)
    }
}
