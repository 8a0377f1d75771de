package import HengeBase
import HengeMessages
package import HengeNode
import HengeRESP
import NIOCore

/// What is left of what a node had to do for its replicas, as `HENGE.SETTLED` shows it.
package struct SettleReport {
    package let tree: ReplyTree

    package init(node: String, status: SettleStatus, name: (NodeID) -> String) {
        tree = .map([
            "node": .text(node),
            "token": .text(Self.text(of: status.token)),
            "epoch": .integer(Int64(clamping: status.epoch)),
            "settled": .boolean(status.left.isEmpty),
            "left": .array(status.left.map { Self.left($0, name) }),
        ])
    }

    private static func left(_ left: SettleStatus.Left, _ name: (NodeID) -> String) -> ReplyTree {
        let (kind, peer, count, bytes) = parts(of: left.work)
        return .map([
            "kind": .text(kind),
            "for": peer.map { .text(name($0)) } ?? .null,
            "count": .integer(count),
            "bytes": bytes.map { .integer($0) } ?? .null,
            "wait": left.wait.map { .text(word(for: $0)) } ?? .null,
            "wait_for": waitedFor(left.wait).map { .text(name($0)) } ?? .null,
        ])
    }

    private static func parts(
        of work: SettleStatus.Work
    ) -> (kind: String, peer: NodeID?, count: Int, bytes: Int?) {
        switch work {
        case .hints(let target, let count, let bytes): ("hints", target, count, bytes)
        case .transfers(let partitions, let bytes): ("transfers", nil, partitions, bytes)
        case .change(let partitions): ("change", nil, partitions, nil)
        case .drops(let partitions): ("drops", nil, partitions, nil)
        case .comparisons(let peer, let partitions): ("comparisons", peer, partitions, nil)
        }
    }

    private static func word(for wait: SettleStatus.Wait) -> String {
        switch wait {
        case .down: "down"
        case .paused: "paused"
        case .hints: "hints"
        case .counting: "counting"
        case .transfer(let wait): wait.name
        }
    }

    private static func waitedFor(_ wait: SettleStatus.Wait?) -> NodeID? {
        switch wait {
        case .down(let id), .transfer(.source(let id)): id
        case .paused, .hints, .counting, .transfer, nil: nil
        }
    }

    // MARK: Tokens

    /// 16 hexadecimal digits.
    static func text(of token: SettleToken) -> String { hexadecimal(token.rawValue) }

    static func token(_ text: String) -> SettleToken? {
        guard text.utf8.count == 16, let value = UInt64(text, radix: 16) else { return nil }
        return SettleToken(rawValue: value)
    }
}

extension ClientSession {
    /// `HENGE.SETTLED` marks what there is to do now, and `HENGE.SETTLED TOKEN t` tells what is
    /// left of that. Once that is nothing but comparisons at all nodes, `… COMPARE` has each of
    /// them begin those.
    func settled(_ command: RESPCommand) throws(CommandError) {
        var token: SettleToken?
        if command.count > 1 {
            guard 3...4 ~= command.count, command.keyword(1) == Keyword.token,
                command.count == 3 || command.keyword(3) == Keyword.compare
            else { throw .syntax }
            guard let named = SettleReport.token(command.text(2)) else { throw .unknownMark }
            token = named
        }
        let isComparing = command.count == 4
        let driver = hub.driver
        let reply = replying { (status: SettleStatus?) in
            guard let status else { return .failure(token == nil ? .tooManyMarks : .unknownMark) }
            let report = SettleReport(
                node: driver.name(of: driver.node),
                status: status,
                name: driver.name(of:)
            )
            return .success(report.tree)
        }
        let bound = NIOLoopBound(reply, eventLoop: driver.eventLoop)
        driver.settle(token, comparing: isComparing).whenSuccess { bound.value($0) }
    }
}

extension CommandError {
    /// The node has started anew since, or nobody asked for a minute.
    package static let unknownMark = CommandError(
        "NOTOKEN this node has no such mark; HENGE.SETTLED makes a new one"
    )
    static let tooManyMarks = CommandError(
        "OVERLOADED too many wait for this node to settle; nothing was done; try again later"
    )
}
