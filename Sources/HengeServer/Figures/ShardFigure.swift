package import HengeBase
package import HengeNode
package import HengeStorage

/// Something that each shard of a node counts or measures by itself, and that one of several can be
/// made of.
package protocol ShardFigure: Sendable {
    /// Adds what another shard of the node has.
    mutating func merge(_ other: Self)
}

/// A struct of counters that add up: all that it stores are `Int`s (``CounterStructs``).
package protocol CounterStruct: ShardFigure {}

extension CounterStruct {
    package mutating func merge(_ other: Self) {
        // By place and not by name, so that a counter that is added is not forgotten.
        withUnsafeMutableBytes(of: &self) { sums in
            withUnsafeBytes(of: other) { addends in
                let sums = sums.bindMemory(to: Int.self)
                let addends = addends.bindMemory(to: Int.self)
                for place in sums.indices { sums[place] &+= addends[place] }
            }
        }
    }
}

extension ShardCounters: CounterStruct {}
extension StorageMetrics: CounterStruct {}
extension BulkTransport.Counters: CounterStruct {}
extension ClientCounters: CounterStruct {}
extension PeerTransport.Counters: CounterStruct {}
extension PeerLink.Counters: CounterStruct {}

extension LatencyHistogram: ShardFigure {
    package mutating func merge(_ other: LatencyHistogram) { add(other) }
}

/// Every struct of counters that are added up by their places.
package enum CounterStructs {
    private static let all: [any CounterStruct] = [
        ShardCounters(), StorageMetrics(), BulkTransport.Counters(), ClientCounters(),
        PeerTransport.Counters(), PeerLink.Counters(),
    ]

    /// Fields that are no `Int`s, and so can't be added up like that: there must be none.
    package static var faults: [String] {
        all.flatMap { counters in
            Mirror(reflecting: counters).children.compactMap { field in
                field.value is Int ? nil : "\(type(of: counters)).\(field.label ?? "")"
            }
        }
    }
}
