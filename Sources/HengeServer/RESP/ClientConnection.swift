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
    var writer = RESPWriter(.v2)
    var lastCommand = ""
    var isNoEvict = false
    var isNoTouch = false

    init(id: Int, levels: ConsistencyLevels, now: Instant) {
        self.id = id
        self.levels = levels
        createdAt = now
        lastActiveAt = now
    }

    /// What RESET does: as new, but for its number and its age.
    mutating func reset(levels: ConsistencyLevels) {
        let fresh = ClientConnection(id: id, levels: levels, now: createdAt)
        let (active, command) = (lastActiveAt, lastCommand)
        self = fresh
        lastActiveAt = active
        lastCommand = command
    }
}
