import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Logging

/// Writes a shard's notes to the log, at most one line a kind a second, with a count of those left
/// out.
struct NoteLog {
    private struct Throttle {
        var last: Instant?
        var skipped = 0
    }

    private let logger: Logger
    private var throttles: [String: Throttle] = [:]

    init(logger: Logger) {
        self.logger = logger
    }

    mutating func write(_ note: ShardNote, names: (NodeID) -> String, now: Instant) {
        let (kind, facts) = words(for: note, names)
        var throttle = throttles[kind] ?? Throttle()
        defer { throttles[kind] = throttle }
        if let last = throttle.last, now.since(last) < .seconds(1) {
            throttle.skipped += 1
            return
        }
        var metadata = facts
        if throttle.skipped > 0 { metadata["left_out"] = "\(throttle.skipped)" }
        throttle = Throttle(last: now)
        logger.warning("\(kind)", metadata: metadata)
    }

    private func words(
        for note: ShardNote,
        _ names: (NodeID) -> String
    ) -> (String, Logger.Metadata) {
        switch note {
        case .rottenRecord(let key):
            ("record fails its checksum; it will be mended from other replicas", ["key": text(key)])
        case .actorRenewed(let partition):
            ("actor renewed after a loss", ["partition": "\(partition)"])
        case .manySiblings(let key, let count):
            ("many siblings", ["key": text(key), "siblings": "\(count)"])
        case .clockDrift(let sender, let ahead):
            (
                "write refused: a peer's clock is too far ahead",
                ["peer": .string(names(sender)), "ahead_ms": "\(ahead)"]
            )
        case .unexpectedMessage(let sender):
            ("unexpected message", ["peer": .string(names(sender))])
        case .unreadable(let tokens):
            (
                "records can't be read; they will be mended from other replicas",
                [
                    "from": "\(Self.hex(tokens.lowerBound))",
                    "through": "\(Self.hex(tokens.upperBound))",
                ]
            )
        case .mustCompare:
            (
                "the data directory is an old copy; it is read from only after it was compared",
                [:]
            )
        }
    }

    private static func hex(_ token: Token) -> String {
        let digits = String(token.rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private func text(_ key: StoredKey) -> Logger.MetadataValue {
        .string(String(buffer: key.key).debugDescription)
    }
}
