import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import NIOCore

/// Where a node is in its life, as `HENGE.STATUS` says it.
package enum NodePhase: String, Sendable {
    case starting
    case serving
    case stopping
}

/// The steps of a start and of a stop that wait for something.
extension RunningShard {
    /// How often a condition is looked at.
    private static let glance = TimeAmount.milliseconds(5)
    /// Without one hint less for so long no more are waited for.
    private static let stallMax = Interval.milliseconds(1500)
    private static let forgettingMax = Interval.seconds(5)

    // MARK: Starting

    /// Waits until a majority of the members, this one among them, see each other, or `limit` is
    /// over: then this node may have to serve alone.
    func awaitPeers(atMost limit: Interval) -> EventLoopFuture<Void> {
        let driver = self.driver
        let shard = NIOLoopBound(self, eventLoop: driver.eventLoop)
        return wait(atMost: limit) { driver.membersUp * 2 > driver.ring.document.members.count }
            .map { shard.value.driver.phase = .serving }
    }

    // MARK: Stopping

    /// Takes no more clients and no more commands, and tells the other nodes so.
    func beginStop() {
        driver.phase = .stopping
        clients.stopAccepting()
        announceLeaving()
    }

    /// The others stop asking this node at once instead of when its connections close.
    private func announceLeaving() {
        driver.announceStop()
    }

    /// Waits until the clients have been answered, then for them to take their replies.
    ///
    /// - Returns: requests without an answer.
    func finishRequests(atMost limit: Interval) -> EventLoopFuture<Int> {
        let driver = self.driver
        let clients = self.clients
        let shard = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let deadline = SystemClock.now() + limit
        return wait(atMost: limit) { driver.requestsInFlight == 0 && clients.owesNothing }
            .flatMap {
                let left = shard.value.driver.requestsInFlight
                shard.value.clients.closeGently()
                // A client that reads takes its replies within a round trip.
                let rest = min(deadline.since(SystemClock.now()), .seconds(1))
                return shard.value.awaitClosed(atMost: rest).map { left }
            }
    }

    private func awaitClosed(atMost limit: Interval) -> EventLoopFuture<Void> {
        let clients = self.clients
        return wait(atMost: limit) { clients.isEmpty }
    }

    /// Waits for hints to reach the nodes that are up, as long as some do.
    ///
    /// - Returns: hints for nodes that are up and have not got them.
    func handOverHints(atMost limit: Interval) -> EventLoopFuture<Int> {
        let driver = self.driver
        guard !driver.shard.areHintsPaused else {
            return driver.eventLoop.makeSucceededFuture(driver.hintsDeliverable)
        }
        let shard = NIOLoopBound(self, eventLoop: driver.eventLoop)
        var least = driver.hintsDeliverable
        var since = SystemClock.now()
        return wait(atMost: limit) {
            let left = driver.hintsDeliverable
            let now = SystemClock.now()
            if left < least { (least, since) = (left, now) }
            return left == 0 || now.since(since) >= Self.stallMax
        }.map { shard.value.driver.hintsDeliverable }
    }

    /// Waits for what this node still does for others, and, if it is in the ring no more, until it
    /// has forgotten what they hold now.
    ///
    /// - Returns: what is not done.
    func settle(atMost limit: Interval) -> EventLoopFuture<Int> {
        let driver = self.driver
        let shard = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let isRemoved = driver.isRemoved
        return wait(atMost: isRemoved ? max(limit, Self.forgettingMax) : limit) {
            driver.isIdle && (!isRemoved || driver.shard.hasGivenAllAway)
        }.map { shard.value.driver.shard.workInFlight }
    }

    private func wait(
        atMost limit: Interval,
        until condition: @escaping () -> Bool
    ) -> EventLoopFuture<Void> {
        let loop = driver.eventLoop
        let promise = loop.makePromise(of: Void.self)
        let deadline = SystemClock.now() + limit
        let bound = NIOLoopBound(condition, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.glance) { task in
            guard bound.value() || SystemClock.now() >= deadline else { return }
            task.cancel()
            promise.succeed()
        }
        return promise.futureResult
    }
}

extension NodeDriver {
    /// Members of the current ring that are up, this node among them if it is one.
    var membersUp: Int {
        ring.document.members.reduce(0) { $0 + (shard.isUp($1.id) ? 1 : 0) }
    }

    /// Hints for nodes that are up.
    var hintsDeliverable: Int {
        shard.hintBacklogs.reduce(0) { $0 + (shard.isUp($1.target) ? $1.count : 0) }
    }
}
