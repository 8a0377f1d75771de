import NIOCore

/// Those who listen to a node's event stream. Each has room for a few events that it has not taken
/// yet; one that falls behind is dropped, and its client connects again.
///
/// Confined to the driver's event loop.
final class EventListeners {
    /// At a time; one more is refused.
    static let countMax = 64
    private static let eventsHeldMax = 8

    /// One listener's end of it.
    struct Subscription: Sendable {
        let events: AsyncStream<ByteBuffer>
        /// To be called once nobody takes events any more.
        let leave: @Sendable () -> Void
    }

    private var streams: [UInt64: AsyncStream<ByteBuffer>.Continuation] = [:]
    private var newcomers: Set<UInt64> = []
    private var lastID: UInt64 = 0
    private var isClosed = false
    /// What all but the newcomers have been told of the ring.
    var placesTold: OverviewEvents.PlacesKey?

    var isEmpty: Bool { streams.isEmpty }
    var count: Int { streams.count }
    var hasNewcomers: Bool { !newcomers.isEmpty }

    func add(on eventLoop: any EventLoop) throws(HTTPFailure) -> Subscription {
        guard !isClosed else { throw HTTPFailure.busy("the node stops; ask another one") }
        guard streams.count < Self.countMax else {
            throw HTTPFailure.busy("\(Self.countMax) listen already; try again later")
        }
        let (events, continuation) = AsyncStream.makeStream(
            of: ByteBuffer.self,
            bufferingPolicy: .bufferingOldest(Self.eventsHeldMax)
        )
        lastID += 1
        let id = lastID
        streams[id] = continuation
        newcomers.insert(id)
        let listeners = NIOLoopBound(self, eventLoop: eventLoop)
        return Subscription(events: events) {
            eventLoop.execute { listeners.value.remove(id) }
        }
    }

    private func remove(_ id: UInt64) {
        streams.removeValue(forKey: id)?.finish()
        newcomers.remove(id)
    }

    /// Those who have been told nothing yet.
    func takeNewcomers() -> Set<UInt64> {
        defer { newcomers = [] }
        return newcomers
    }

    func send(_ events: OverviewEvents.Encoded, newcomers: Set<UInt64>) {
        for (id, stream) in streams where !self.newcomers.contains(id) {
            guard let bytes = newcomers.contains(id) ? events.welcome : events.regular else {
                continue
            }
            switch stream.yield(bytes) {
            case .enqueued: break
            // It has missed something; on a new connection it hears all.
            case .dropped, .terminated: remove(id)
            @unknown default: remove(id)
            }
        }
    }

    func close() {
        isClosed = true
        for id in streams.keys { remove(id) }
    }
}
