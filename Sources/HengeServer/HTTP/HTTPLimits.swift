package import HengeBase

/// What the HTTP front end lets clients take: connections, bytes, time.
package struct HTTPLimits: Sendable {
    /// Connections at a time; one more is answered 503 and closed.
    package var connectionsMax = 2048
    /// Bytes of the path, or of one header with its name. A key of 64 KiB fits if few of its bytes
    /// are percent-encoded.
    package var fieldBytesMax = 80 << 10
    /// Bytes of the path and of all headers of a request.
    package var headBytesMax = 96 << 10
    package var fieldsMax = 256
    /// Bytes of all bodies that arrive or wait at a time; a request beyond is answered 503.
    package var bodyBytesMax = 256 << 20
    /// How long a connection may go without a request, or with the head of one unfinished.
    package var idleMax = Interval.seconds(60)
    /// How long a request may take to arrive, head and body.
    package var arrivalMax = Interval.seconds(30)
    /// How long a client may leave a reply unread that does not fit the socket's buffers.
    package var stallMax = Interval.seconds(30)
    /// How often the two above are looked at.
    package var glance = Interval.seconds(5)
    /// How long a health check waits for the node's event loop before it calls it stuck.
    package var probeMax = Interval.seconds(1)

    package init() {}
}
