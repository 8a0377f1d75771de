package import HengeNode

/// What is left for the shards of a node, put together.
extension SettleStatus {
    /// Of a node whose shards have said this of their marks; nil when one of them has none.
    package static func joined(_ shards: [SettleStatus?]) -> SettleStatus? {
        let known = shards.compactMap(\.self)
        guard let first = known.first, known.count == shards.count else { return nil }
        var sums: [Left] = []
        for left in known.flatMap(\.left) {
            let place = sums.firstIndex { $0.work.adding(left.work) != nil }
            if let place, let sum = sums[place].adding(left) {
                sums[place] = sum
            } else {
                sums.append(left)
            }
        }
        return SettleStatus(
            token: first.token,
            // That which all of them have.
            epoch: known.reduce(first.epoch) { min($0, $1.epoch) },
            left: (0..<Work.kinds).flatMap { kind in sums.filter { $0.work.kind == kind } }
        )
    }

    /// Whether nothing else is left.
    var onlyCompares: Bool {
        left.allSatisfy { if case .comparisons = $0.work { true } else { false } }
    }
}

extension SettleStatus.Left {
    /// Nil where the work is not of one kind for one node.
    fileprivate func adding(_ other: SettleStatus.Left) -> SettleStatus.Left? {
        work.adding(other.work).map {
            // It goes on as long as some of it does.
            SettleStatus.Left($0, wait: other.wait == nil ? nil : wait)
        }
    }
}

extension SettleStatus.Work {
    fileprivate static let kinds = 5

    /// In the order in which they are told.
    fileprivate var kind: Int {
        switch self {
        case .hints: 0
        case .transfers: 1
        case .change: 2
        case .drops: 3
        case .comparisons: 4
        }
    }

    /// Nil where both are not of one kind for one node.
    fileprivate func adding(_ other: SettleStatus.Work) -> SettleStatus.Work? {
        switch (self, other) {
        case (.hints(let target, let count, let bytes), .hints(let other, let more, let moreBytes))
        where target == other:
            .hints(for: target, count: count + more, bytes: bytes + moreBytes)
        case (.transfers(let partitions, let bytes), .transfers(let more, let moreBytes)):
            .transfers(partitions: partitions + more, bytes: bytes + moreBytes)
        case (.change(let partitions), .change(let more)):
            .change(partitions: partitions + more)
        case (.drops(let partitions), .drops(let more)):
            .drops(partitions: partitions + more)
        case (.comparisons(let peer, let partitions), .comparisons(let other, let more))
        where peer == other:
            .comparisons(with: peer, partitions: partitions + more)
        case (.hints, _), (.transfers, _), (.change, _), (.drops, _), (.comparisons, _): nil
        }
    }
}
