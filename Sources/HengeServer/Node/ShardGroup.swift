import NIOCore

/// The drivers of a node's shards, in order of their slices. Each may be touched on its own event
/// loop alone; the first one's is where the node's control plane and its reports are, too.
package struct ShardGroup: Sendable {
    let drivers: [NIOLoopBound<NodeDriver>]

    var count: Int { drivers.count }

    subscript(index: Int) -> NIOLoopBound<NodeDriver> { drivers[index] }

    /// Runs `body` on the loop of each; the results are in order of the shards, on `loop`.
    func gather<Result: Sendable>(
        on loop: any EventLoop,
        _ body: @escaping @Sendable (NodeDriver) -> Result
    ) -> EventLoopFuture<[Result]> {
        let answers = drivers.map { driver in
            driver.eventLoop.submit { body(driver.value) }
        }
        return EventLoopFuture.whenAllSucceed(answers, on: loop)
    }
}
