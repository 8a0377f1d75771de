import HengeMessages
import HengeRing

/// Finds the parts of one partition in which two trees differ: asks about a coarse level first and
/// then below the nodes that differ, until either tree is at its finest.
struct LeafDescent: Sendable {
    private struct Node: Sendable {
        var bits: Int
        var index: Int
    }

    let partition: Int
    private let partitionBits: Int
    private let leavesMax: Int
    /// How many levels one question may go down from one node.
    private let stepBits: Int
    /// Differ, or are not compared yet, and may be looked into further; in the order to do so.
    private var nodes = [Node(bits: 0, index: 0)]
    private var visited = 0
    private var found: [ClosedRange<Token>] = []
    private var open: LeafQuestion?
    /// Whether the asking node's tree has no leaves below those of the open question.
    private var openIsFinest = false

    /// - Parameter leavesMax: at least 2.
    init(partition: Int, partitionBits: Int, leavesMax: Int) {
        precondition(leavesMax >= 2)
        self.partition = partition
        self.partitionBits = partitionBits
        self.leavesMax = leavesMax
        stepBits = Int.bitWidth - 1 - leavesMax.leadingZeroBitCount
    }

    var isDone: Bool { visited == nodes.count && open == nil }

    /// The next question; nil when there is none, since the tree has nothing finer to offer.
    mutating func question(from tree: LeafSums) -> LeafQuestion? {
        while visited < nodes.count, tree.bits <= nodes[visited].bits {
            find(nodes[visited])
            visited += 1
        }
        guard visited < nodes.count else { return nil }
        let parentBits = nodes[visited].bits
        let bits = min(tree.bits, parentBits + stepBits)
        let shift = bits - parentBits
        let folded = tree.folded(to: bits)
        var parents: [Int] = []
        var sums: [UInt64] = []
        while visited < nodes.count, nodes[visited].bits == parentBits,
            (parents.count + 1) << shift <= leavesMax, rises(nodes[visited].index, parents)
        {
            let parent = nodes[visited].index
            parents.append(parent)
            sums.append(contentsOf: folded.sums[parent << shift..<(parent + 1) << shift])
            visited += 1
        }
        let question = LeafQuestion(
            partition: partition,
            parentBits: parentBits,
            parents: parents,
            bits: bits,
            sums: sums
        )
        open = question
        openIsFinest = bits == tree.bits
        return question
    }

    /// - Returns: false if this is no answer to the open question.
    mutating func take(_ answer: LeafAnswer) -> Bool {
        guard let question = open, answer.bits >= question.parentBits,
            answer.bits <= question.bits
        else { return false }
        let shift = answer.bits - question.parentBits
        var parents = question.parents[...]
        var last = -1
        for leaf in answer.differing {
            guard leaf > last else { return false }
            last = leaf
            while let parent = parents.first, parent < leaf >> shift { parents.removeFirst() }
            guard parents.first == leaf >> shift else { return false }
        }
        open = nil
        let isFinest = openIsFinest || answer.bits < question.bits
        for leaf in answer.differing {
            let node = Node(bits: answer.bits, index: leaf)
            if isFinest { find(node) } else { nodes.append(node) }
        }
        return true
    }

    /// What was found, neighbours together; the last comes first in the order of tokens.
    func ranges() -> [ClosedRange<Token>] {
        var result: [ClosedRange<Token>] = []
        for range in found.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, last.upperBound < .max,
                range.lowerBound.rawValue <= last.upperBound.rawValue + 1
            {
                result[result.count - 1] =
                    last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result.reversed()
    }

    private mutating func find(_ node: Node) {
        found.append(
            LeafSums.tokens(
                of: node.index...node.index,
                bits: node.bits,
                partition: partition,
                partitionBits: partitionBits
            )
        )
    }

    /// Parents of one question must rise; nodes of several answers need not.
    private func rises(_ index: Int, _ parents: [Int]) -> Bool {
        parents.last.map { $0 < index } ?? true
    }
}
