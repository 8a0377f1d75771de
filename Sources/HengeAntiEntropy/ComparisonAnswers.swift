package import HengeMessages
import HengeRing

/// What the other node answers to the questions of a ``Comparison``. It keeps nothing in between.
package enum ComparisonAnswers {
    /// - Parameter root: of this node's tree of a partition; nil where it can't be compared yet.
    package static func compare(
        _ roots: [PartitionRoot],
        with root: (_ partition: Int) -> UInt64?
    ) -> (differing: [Int], unready: [Int]) {
        var differing: [Int] = []
        var unready: [Int] = []
        for asked in roots {
            switch root(asked.partition) {
            case nil: unready.append(asked.partition)
            case asked.root?: break
            default: differing.append(asked.partition)
            }
        }
        return (differing, unready)
    }

    /// - Parameter own: this node's tree of the question's partition.
    /// - Returns: nil if the question contradicts itself.
    package static func compare(_ question: LeafQuestion, with own: LeafSums) -> LeafAnswer? {
        guard isSound(question) else { return nil }
        let isEmpty = own.isZero
        let bits = min(question.bits, own.bits)
        guard bits >= question.parentBits else {
            // There is nothing to compare them with.
            return LeafAnswer(
                bits: question.parentBits,
                differing: question.parents,
                isEmpty: isEmpty
            )
        }
        let folded = own.folded(to: bits)
        let leavesBits = bits - question.parentBits
        let foldBits = question.bits - bits
        var differing: [Int] = []
        for (index, parent) in question.parents.enumerated() {
            for below in 0..<1 << leavesBits {
                let first = (index << leavesBits + below) << foldBits
                let sum = question.sums[first..<first + 1 << foldBits].reduce(0, &+)
                let leaf = parent << leavesBits + below
                if sum != folded.sums[leaf] { differing.append(leaf) }
            }
        }
        return LeafAnswer(bits: bits, differing: differing, isEmpty: isEmpty)
    }

    private static func isSound(_ question: LeafQuestion) -> Bool {
        guard question.parentBits >= 0, question.parentBits <= question.bits,
            question.bits <= LeafSums.bitsMax,
            question.parents.count <= 1 << question.parentBits,
            question.sums.count == question.parents.count << (question.bits - question.parentBits)
        else { return false }
        var last = -1
        for parent in question.parents {
            guard parent > last, parent < 1 << question.parentBits else { return false }
            last = parent
        }
        return true
    }

    /// What to list to answer `question`.
    ///
    /// - Returns: nil if its tokens are not all of its partition.
    package static func list(
        for question: VersionQuestion,
        partitionBits: Int,
        limits: EntropyLimits
    ) -> ListRange? {
        guard question.from <= question.through,
            question.from.partition(bits: partitionBits) == question.partition,
            question.through.partition(bits: partitionBits) == question.partition
        else { return nil }
        // Somewhat more than the other node names, so that a few differences need no second page.
        return ListRange(
            from: question.from,
            through: question.through,
            kind: .objects(except: Set(question.fingerprints)),
            examinedMax: limits.versionsMax + limits.batchRecords,
            bytesMax: limits.batchBytes
        )
    }

    /// - Parameter page: of what ``list(for:partitionBits:limits:)`` says.
    package static func answer(_ question: VersionQuestion, with page: ListPage) -> VersionAnswer {
        // This node may have lost what the other would take for missing here.
        guard page.rotten.isEmpty, page.unreadable.isEmpty else { return .failed }
        var through = question.through
        if let next = page.next {
            guard next > question.from, next <= question.through else { return .failed }
            through = Token(rawValue: next.rawValue - 1)
        }
        var held: Set<UInt64> = []
        var records: [HandedRecord] = []
        for record in page.records {
            if let object = record.object {
                records.append(HandedRecord(key: record.key, object: object))
            } else {
                held.insert(record.fingerprint)
            }
        }
        let matched = question.fingerprints.map { held.contains($0) }
        return .page(through: through, matched: matched, records: records)
    }
}
