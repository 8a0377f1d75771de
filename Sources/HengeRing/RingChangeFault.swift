package import HengeBase

/// Why a document can't follow another.
package enum RingChangeFault: Error, Hashable, CustomStringConvertible {
    case cluster(UInt64, expected: UInt64)
    case epoch(UInt64, expected: UInt64)
    /// The last epoch that there can be is reached.
    case epochsExhausted
    case replicas(Int, expected: Int)
    case partitions(Int, expected: Int)
    case highestID(NodeID, expected: NodeID)
    /// An id that was given before and is no member now, neither of the current nor the next ring.
    case returnedID(NodeID)
    case nothingChanged
    /// Members or owners differ without a transition to them.
    case changedWithoutTransition
    /// A second change while one runs.
    case transitionRuns
    case noTransition
    /// Neither the running transition nor its way back.
    case otherTransition
    case step(PartitionStep, after: PartitionStep, partition: Int)
    case stepEpoch(UInt64, partition: Int, expected: UInt64)
    case unknownPartition(Int)
    case unfinished(partition: Int, step: PartitionStep)
    /// The ring comes from other unsafe recoveries than the one before, or is not the one that
    /// such a recovery makes.
    case recovery
    /// A node to be given up that is no member.
    case unknownMember(NodeID)
    /// Nobody that has a position in the ring would be left.
    case nobodyLeft
    case alreadyAborting
    case invalid(RingError)

    package var description: String {
        switch self {
        case .cluster(let id, let expected):
            "The ring is of cluster \(String(id, radix: 16)), not \(String(expected, radix: 16))."
        case .epoch(let epoch, let expected): "The ring has epoch \(epoch), not \(expected)."
        case .epochsExhausted: "There is no epoch left."
        case .replicas(let n, let expected): "The ring keeps \(n) replicas, not \(expected)."
        case .partitions(let n, let expected): "The ring has \(n) partitions, not \(expected)."
        case .highestID(let id, let expected):
            "The highest id ever given is \(expected), but the ring says \(id)."
        case .returnedID(let id): "Node \(id) was removed, or never added; its id can't be given."
        case .nothingChanged: "The ring is the same as before."
        case .changedWithoutTransition: "Members or owners change only through a transition."
        case .transitionRuns: "a change of the ring runs already"
        case .noTransition: "no change of the ring runs"
        case .otherTransition: "The ring moves to something else than the change that is running."
        case .step(let step, let before, let partition):
            "Partition \(partition) can't go from the step \(before) to \(step)."
        case .stepEpoch(let epoch, let partition, let expected):
            "Partition \(partition) had its last step in epoch \(expected), not \(epoch)."
        case .unknownPartition(let partition): "There is no partition \(partition)."
        case .unfinished(let partition, let step):
            "Partition \(partition) is still at the step \(step)."
        case .recovery: "The ring does not come from the unsafe recoveries that this one does."
        case .unknownMember(let id): "Node \(id) is no member of the ring."
        case .nobodyLeft: "No node that owns a part of the ring would be left."
        case .alreadyAborting:
            "the change is on its way back already; henge ring progress shows how far"
        case .invalid(let error): error.description
        }
    }
}
