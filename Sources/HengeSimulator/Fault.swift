package import HengeBase

/// One blow, fully decided: what it does depends on nothing but these numbers and the state of the
/// cluster.
enum Fault {
    case kill(Int, down: Interval)
    case powerFailure(Int, down: Interval)
    case cleanStop(Int, down: Interval)
    case partition(sides: [Bool], lasting: Interval)
    case oneWay([BlockedWay], lasting: Interval)
    /// - other: nil for all its connections at once.
    case drop(Int, other: Int?)
    case diskErrors(Int, percent: Int, lasting: Interval)
    case slowDisk(Int, factor: UInt64, lasting: Interval)
    /// - key: an index among those of the round, modulo their number; so with `slot`.
    case rot(key: Int, slot: Int)
    /// - position: where in the room that the bound leaves, in thousandths.
    case clockJump(Int, position: Int)
    case pause(Int, lasting: Interval)
    case slowNode(Int, by: Interval, lasting: Interval)
    case hourJump(Int, hours: Int64, lasting: Interval)
    case wipe(Int, down: Interval)
    case oldCopy(Int, down: Interval)
}

/// A way from one node to another that a fault blocks.
struct BlockedWay {
    let from: Int
    let to: Int
}

extension Fault {
    /// Draws a fault of one of the kinds, of which there is at least one.
    static func draw(
        _ kinds: FaultKinds,
        nodes: Int,
        _ dice: inout SeededGenerator
    ) -> Fault {
        let node = dice.below(nodes)
        let kind = dice.pick(kinds.members)
        let down = dice.delay(
            around: dice.pick([
                .milliseconds(1), .milliseconds(20), .milliseconds(200), .seconds(2),
            ])
        )
        let lasting = dice.interval(20...2_000)
        switch kind {
        case .kills: return .kill(node, down: down)
        case .powerFailures: return .powerFailure(node, down: down)
        case .cleanStops: return .cleanStop(node, down: down)
        case .partitions: return drawPartition(nodes, lasting, &dice)
        case .oneWayPartitions: return drawOneWay(node, nodes, lasting, &dice)
        case .droppedConnections:
            return .drop(node, other: dice.chance(1, in: 2) ? dice.below(nodes) : nil)
        case .diskErrors:
            return .diskErrors(node, percent: dice.pick([5, 30, 100]), lasting: lasting)
        case .slowDisks:
            return .slowDisk(node, factor: dice.pick([10, 100, 1_000]), lasting: lasting)
        case .rot: return .rot(key: dice.below(1 << 20), slot: dice.below(1 << 20))
        case .clockJumps: return .clockJump(node, position: dice.below(1_000))
        case .pauses:
            let usual = dice.pick([Interval.milliseconds(10), .milliseconds(200), .seconds(2)])
            return .pause(node, lasting: dice.delay(around: usual))
        case .slowNodes:
            let extra = dice.pick([Interval.milliseconds(10), .milliseconds(100), .seconds(1)])
            return .slowNode(node, by: extra, lasting: lasting)
        case .hourJumps:
            return .hourJump(node, hours: dice.chance(1, in: 2) ? 1 : -1, lasting: lasting)
        case .wipes: return .wipe(node, down: down)
        case .oldCopies: return .oldCopy(node, down: down)
        default: preconditionFailure("not a kind that strikes")
        }
    }

    private static func drawPartition(
        _ nodes: Int,
        _ lasting: Interval,
        _ dice: inout SeededGenerator
    ) -> Fault {
        var sides: [Bool] = []
        for _ in 0..<nodes { sides.append(dice.chance(1, in: 2)) }
        return .partition(sides: sides, lasting: lasting)
    }

    private static func drawOneWay(
        _ node: Int,
        _ nodes: Int,
        _ lasting: Interval,
        _ dice: inout SeededGenerator
    ) -> Fault {
        let isOutward = dice.chance(1, in: 2)
        var ways: [BlockedWay] = []
        for other in 0..<nodes where other != node && dice.chance(1, in: 2) {
            ways.append(
                isOutward
                    ? BlockedWay(from: node, to: other) : BlockedWay(from: other, to: node)
            )
        }
        return .oneWay(ways, lasting: lasting)
    }

    /// The ways that a partition blocks.
    static func ways(between sides: [Bool]) -> [BlockedWay] {
        var ways: [BlockedWay] = []
        for a in sides.indices {
            for b in sides.indices where sides[a] != sides[b] {
                ways.append(BlockedWay(from: a, to: b))
            }
        }
        return ways
    }
}

extension Fault: CustomStringConvertible {
    var description: String {
        switch self {
        case .kill(let node, let down):
            "\(name(node)) is killed, and back after \(milliseconds(down))"
        case .powerFailure(let node, let down):
            "\(name(node)) loses power, and is back after \(milliseconds(down))"
        case .cleanStop(let node, let down):
            "\(name(node)) is stopped, and back \(milliseconds(down)) later"
        case .partition(let sides, let lasting):
            "\(side(true, sides)) and \(side(false, sides)) are cut apart for "
                + milliseconds(lasting)
        case .oneWay(let ways, let lasting):
            "nothing gets \(list(ways)) for \(milliseconds(lasting))"
        case .drop(let node, let other?):
            "the connection of \(name(node)) and \(name(other)) ends"
        case .drop(let node, nil): "all connections of \(name(node)) end"
        case .diskErrors(let node, let percent, let lasting):
            "\(percent) % of the disk's work fails on \(name(node)) for \(milliseconds(lasting))"
        case .slowDisk(let node, let factor, let lasting):
            "the disk of \(name(node)) is \(factor) times slower for \(milliseconds(lasting))"
        case .rot: "a record rots"
        case .clockJump(let node, _): "the clock of \(name(node)) jumps within the bound"
        case .pause(let node, let lasting):
            "\(name(node)) stands still for \(milliseconds(lasting))"
        case .slowNode(let node, let extra, let lasting):
            "messages of \(name(node)) take \(milliseconds(extra)) more for "
                + milliseconds(lasting)
        case .hourJump(let node, let hours, let lasting):
            "the clock of \(name(node)) is an hour \(hours > 0 ? "ahead" : "behind") for "
                + milliseconds(lasting)
        case .wipe(let node, let down):
            "\(name(node)) loses its disk, and is back after \(milliseconds(down))"
        case .oldCopy(let node, let down):
            "\(name(node)) gets an old copy of its disk, and is back after \(milliseconds(down))"
        }
    }

    private func name(_ node: Int) -> String { "n\(node + 1)" }

    private func list(_ ways: [BlockedWay]) -> String {
        ways.map { "from \(name($0.from)) to \(name($0.to))" }.joined(separator: ", ")
    }

    private func milliseconds(_ time: Interval) -> String { "\(time.milliseconds) ms" }

    private func side(_ isFirst: Bool, _ sides: [Bool]) -> String {
        let names = sides.indices.filter { sides[$0] == isFirst }.map { name($0) }
        return names.isEmpty ? "nobody" : names.joined(separator: "+")
    }
}

/// A fault that struck in a run.
package struct Strike: Hashable, Sendable {
    /// Counts all that were due, also those that found nothing to do, from 1.
    package let number: Int
    package let time: Instant
    package let description: String

    package init(number: Int, time: Instant, description: String) {
        self.number = number
        self.time = time
        self.description = description
    }
}

/// Faults to leave out of a run, by number.
package struct SkippedFaults: Hashable, Sendable {
    /// Rising and apart; the last may reach to `Int.max`.
    private var ranges: [ClosedRange<Int>] = []

    package static let none = SkippedFaults()

    private init() {}

    /// All but these.
    package init(allBut kept: [Int]) {
        var next = 1
        for number in Set(kept).sorted() where number >= 1 {
            if next < number { ranges.append(next...number - 1) }
            next = number + 1
        }
        ranges.append(next ... .max)
    }

    /// Reads what ``text`` writes, such as `3,5-9,12-`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard let first = ends.first.flatMap({ Int($0) }), ends.count <= 2, first >= 1 else {
                return nil
            }
            var last = first
            if ends.count == 2 {
                guard let end = ends[1].isEmpty ? .max : Int(ends[1]), end >= first else {
                    return nil
                }
                last = end
            }
            ranges.append(first...last)
        }
    }

    package var isEmpty: Bool { ranges.isEmpty }

    package func contains(_ number: Int) -> Bool { ranges.contains { $0.contains(number) } }

    package var text: String {
        let parts = ranges.map { range in
            if range.upperBound == .max { return "\(range.lowerBound)-" }
            if range.count == 1 { return "\(range.lowerBound)" }
            return "\(range.lowerBound)-\(range.upperBound)"
        }
        return parts.joined(separator: ",")
    }
}
