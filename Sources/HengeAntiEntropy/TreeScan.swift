import HengeBase
import HengeMessages
import HengeRing

/// Builds the tree of one partition anew, at its resolution or a finer one, from lists of its
/// records in the order of their tokens, while writes go on.
///
/// Up to the frontier the new tree is exact: it counts what the old one counts, and each change
/// goes to both. A list moves the frontier on as far as no write came between its question and its
/// answer. So nothing waits for a quiet time of the whole partition or of a leaf. Keys that are
/// written all the time don't hold it up either: for a key with a persist under way the caller
/// knows what was durable before, which is what the old tree counts.
struct TreeScan: Sendable {
    /// Touched tokens that are remembered for one question; beyond them only the first counts.
    private static let touchedMax = 1_024

    let partition: Int
    private let partitionBits: Int
    private let oldBits: Int
    /// The new tree; of what lies beyond the frontier it has nothing.
    private(set) var tree: LeafSums
    /// The first token that isn't counted yet; nil when all are.
    private var frontier: Token?
    private let end: Token
    /// The old leaf that the frontier is in; those before it are compared.
    private var leaf = 0
    /// Where changes fell since the question, at and beyond the frontier.
    private var touched: [Token] = []
    /// No part of an answer counts from here on, as the tokens touched there were too many.
    private var bound: Token?
    /// Whether the last answer was of no use, so that the first token is to be listed alone.
    private var isStuck = false

    init(partition: Int, partitionBits: Int, oldBits: Int, newBits: Int) {
        self.partition = partition
        self.partitionBits = partitionBits
        self.oldBits = oldBits
        tree = LeafSums(bits: newBits)
        let tokens = LeafSums.tokens(
            of: 0...0,
            bits: 0,
            partition: partition,
            partitionBits: partitionBits
        )
        frontier = tokens.lowerBound
        end = tokens.upperBound
    }

    var isDone: Bool { frontier == nil }

    mutating func ask() -> ClosedRange<Token>? {
        guard let frontier else { return nil }
        touched.removeAll(keepingCapacity: true)
        bound = nil
        return frontier...(isStuck ? frontier : end)
    }

    mutating func changed(_ change: UInt64, at token: Token) {
        guard let frontier, token >= frontier else {
            tree.add(change, at: token, partitionBits: partitionBits)
            return
        }
        if touched.count < Self.touchedMax {
            touched.append(token)
        } else {
            bound = min(bound ?? token, token)
        }
    }

    /// - Returns: how many leaves of the old tree were wrong; they are set right.
    mutating func answered(
        _ page: ListPage,
        pending: [DurableFingerprint],
        old: inout LeafSums
    ) -> Int {
        guard let from = frontier else { return 0 }
        let asked = isStuck ? from : end
        let listed = page.next.map { min($0, asked.next ?? $0) } ?? asked.next
        var durable: [StoredKey: UInt64] = [:]
        for key in pending { durable[key.key] = key.fingerprint }
        let stop = firstUnsure(before: listed, pending: pending)
        isStuck = stop.map { $0 <= from } ?? false
        guard !isStuck else { return 0 }
        for record in page.records where isWithin(record.key.token, from, stop) {
            guard durable[record.key] == nil else { continue }
            tree.add(record.fingerprint, at: record.key.token, partitionBits: partitionBits)
        }
        for key in pending where isWithin(key.key.token, from, stop) {
            tree.add(key.fingerprint, at: key.key.token, partitionBits: partitionBits)
        }
        // Past the end of the partition there is nothing to list.
        frontier = stop.flatMap { $0 > end ? nil : $0 }
        return compareLeaves(&old)
    }

    private func isWithin(_ token: Token, _ from: Token, _ stop: Token?) -> Bool {
        token >= from && token <= end && (stop.map { token < $0 } ?? true)
    }

    /// The first token of which the answer may not tell what the old tree counts: after what was
    /// listed, or touched by a write that nobody knows more of. nil when there is none.
    private func firstUnsure(before listed: Token?, pending: [DurableFingerprint]) -> Token? {
        var first = listed
        if let bound { first = min(first ?? bound, bound) }
        guard !touched.isEmpty else { return first }
        let known = Set(pending.map(\.key.token))
        for token in touched where !known.contains(token) { first = min(first ?? token, token) }
        return first
    }

    /// Holds the old leaves that the frontier has passed against the new sums.
    private mutating func compareLeaves(_ old: inout LeafSums) -> Int {
        let reached =
            frontier.map { LeafSums.leaf(of: $0, bits: oldBits, partitionBits: partitionBits) }
            ?? old.sums.count
        var wrong = 0
        let shift = tree.bits - oldBits
        while leaf < reached {
            let sum = tree.sums[leaf << shift..<(leaf + 1) << shift].reduce(0, &+)
            if old.sums[leaf] != sum {
                old.set(sum, leaf: leaf)
                wrong += 1
            }
            leaf += 1
        }
        return wrong
    }
}

extension Token {
    /// nil after the last.
    fileprivate var next: Token? {
        rawValue == .max ? nil : Token(rawValue: rawValue + 1)
    }
}
