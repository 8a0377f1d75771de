import HengeBase
import HengeMessages
import HengeRESP
import NIOCore

/// What a connection has chosen and what `CLIENT LIST` shows of it.
struct ClientConnection {
    static let defaultBucket = ByteBuffer(string: "default")

    let id: Int
    let createdAt: Instant
    var lastActiveAt: Instant
    var name = ""
    var libraryName = ""
    var libraryVersion = ""
    var bucket = ClientConnection.defaultBucket
    var levels: ConsistencyLevels
    /// What `CONSISTENCY` has said of it; nil while it has said nothing.
    var isSloppy: Bool?
    /// Whether requests on the bucket are sloppy where nobody says otherwise.
    var isBucketSloppy: Bool
    var writer = RESPWriter(.v2)
    var lastCommand = ""
    var isNoEvict = false
    var isNoTouch = false

    init(id: Int, levels: ConsistencyLevels, isBucketSloppy: Bool, now: Instant) {
        self.id = id
        self.levels = levels
        self.isBucketSloppy = isBucketSloppy
        createdAt = now
        lastActiveAt = now
    }

    /// What RESET does: as new, but for its number and its age.
    mutating func reset(levels: ConsistencyLevels, isBucketSloppy: Bool) {
        let fresh = ClientConnection(
            id: id,
            levels: levels,
            isBucketSloppy: isBucketSloppy,
            now: createdAt
        )
        let (active, command) = (lastActiveAt, lastCommand)
        self = fresh
        lastActiveAt = active
        lastCommand = command
    }
}
