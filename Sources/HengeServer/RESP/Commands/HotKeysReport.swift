package import HengeBase
import HengeMessages
package import HengeNode
import HengeRESP

import struct NIOCore.ByteBuffer

/// What clients ask this node for most, as `HENGE.HOTKEYS` shows it.
package struct HotKeysReport {
    package let tree: ReplyTree

    /// - Parameters:
    ///   - heat: of the window; nil while nothing is counted.
    ///   - count: keys to list; the rest is what `error_max` bounds.
    package init(node: String, heat: HeatSum?, window: Heat.Window, count: Int, now: Instant) {
        guard let heat else {
            tree = .map(["node": .text(node), "counting": .boolean(false)])
            return
        }
        let listed = heat.keys.prefix(count)
        tree = .map([
            "node": .text(node),
            "counting": .boolean(true),
            "window": .text(window.rawValue),
            "seconds": .integer(Int64(now.since(heat.began).milliseconds / 1_000)),
            "reads": .integer(heat.total.reads),
            "writes": .integer(heat.total.writes),
            "bytes": .integer(heat.total.bytes),
            "error_max": .integer(heat.unlistedMax(listed.count)),
            "keys": .array(listed.map(Self.key)),
            "partition_reads": .array(heat.partitions.map { .integer($0.reads) }),
            "partition_writes": .array(heat.partitions.map { .integer($0.writes) }),
            "partition_bytes": .array(heat.partitions.map { .integer($0.bytes) }),
            "minutes": .array(heat.minutes.map { .array($0.map { .integer(Int($0)) }) }),
        ])
    }

    private static func key(_ key: HotKey) -> ReplyTree {
        let name = key.name
        return .map([
            "token": .text(hexadecimal(key.token.rawValue)),
            "bucket": name.map { .bytes($0.bucket) } ?? .null,
            "key": name.map { .bytes($0.key) } ?? .null,
            "cut": .boolean(key.storedLength > HotKey.storedBytesMax),
            "reads": .integer(key.load.reads),
            "writes": .integer(key.load.writes),
            "bytes": .integer(key.load.bytes),
            "error": .integer(key.error),
        ])
    }
}

extension ClientSession {
    private static let hotKeysDefault: Int64 = 20

    /// `HENGE.HOTKEYS [WINDOW minute|hour|start] [COUNT n]`.
    func hotKeys(_ command: RESPCommand) throws(CommandError) {
        var window = Heat.Window.minute
        var count = Self.hotKeysDefault
        var index = 1
        while index < command.count {
            guard index + 1 < command.count else { throw .syntax }
            switch command.keyword(index) {
            case Keyword.window: window = try Self.window(command, index + 1)
            case Keyword.count: count = try command.integer(index + 1)
            default: throw .syntax
            }
            index += 2
        }
        guard count >= 0 else { throw .syntax }
        let driver = hub.driver
        let report = HotKeysReport(
            node: driver.name(of: driver.node),
            heat: driver.figures.heat.sum(window),
            window: window,
            count: Int(clamping: count),
            now: driver.now
        )
        write(report.tree)
    }

    private static func window(
        _ command: RESPCommand,
        _ index: Int
    ) throws(CommandError) -> Heat.Window {
        switch command.keyword(index) {
        case Keyword.minute: return .minute
        case Keyword.hour: return .hour
        case Keyword.start: return .start
        default: throw .syntax
        }
    }
}
