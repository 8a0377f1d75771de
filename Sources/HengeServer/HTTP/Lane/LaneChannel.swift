import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes

/// Hummingbird's HTTP/1.1 connection with an ``ObjectLane`` before the part that hands requests to
/// the router.
struct LaneChannel: ServerChildChannel {
    /// What all lanes of a server share.
    struct Lanes: Sendable {
        let responder: ObjectResponder
        let executor: LoopExecutor
    }

    let base: HTTP1Channel
    let lanes: Lanes

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        let lanes = self.lanes
        return base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            // Behind what counts requests, for idle connections and for stops.
            let pipeline = channel.pipeline.syncOperations
            let counter = try pipeline.handler(type: HTTPConnectionStateHandler.self)
            let lane = ObjectLane(lanes.responder, on: lanes.executor)
            try pipeline.addHandler(lane, position: .after(counter))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
