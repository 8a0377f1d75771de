package import HengeBase

/// Why no ring can be made of some members and settings.
package enum RingError: Error, Hashable, CustomStringConvertible {
    case memberCount(Int)
    case replicas(Int)
    case partitions(Int)
    case memberOrder(NodeID, before: NodeID)
    case memberName(NodeID, String)
    case memberAddress(NodeID, String)
    case memberZone(NodeID, String)
    case memberWeight(NodeID, Int)
    case duplicateName(String, NodeID, NodeID)
    case duplicateAddress(String, NodeID, NodeID)
    case unknownOwner(NodeID, partition: Int)
    case highestID(NodeID, member: NodeID)
    case stepEpochCount(Int, partitions: Int)
    case stepEpoch(UInt64, partition: Int, epoch: UInt64)
    case nextOwnerCount(Int, partitions: Int)
    case stepCount(Int, partitions: Int)
    case changedIdentity(NodeID)
    case needlessStep(PartitionStep, partition: Int)
    /// A member, and given up for lost.
    case lostMember(NodeID)
    case lostWithoutRecovery
    /// No position belongs to a member.
    case ownersLost
    case abandoned(NodeID)

    package var description: String {
        switch self {
        case .memberCount(let n):
            "A ring has 1 to \(Member.countMax) members, not \(n)."
        case .replicas(let n):
            "A ring keeps 1 to \(ReplicaSet.replicasMax) replicas of a key, not \(n)."
        case .partitions(let n):
            "A ring has a power of two from 64 to 16384 partitions, not \(n)."
        case .memberOrder(let id, let next):
            "Members must be sorted by their ids, but \(id) comes before \(next)."
        case .memberName(let id, let name):
            "Member \(id) has the name \"\(name)\"; a name is 1 to 64 of A-Z a-z 0-9 . _ -."
        case .memberAddress(let id, let address):
            "Member \(id) has the address \"\(address)\", which is not host:port."
        case .memberZone(let id, let zone):
            "Member \(id) has the zone \"\(zone)\"; a zone is 1 to 64 of A-Z a-z 0-9 . _ -."
        case .memberWeight(let id, let weight):
            "Member \(id) has the weight \(weight); a weight is 1 to 1000."
        case .duplicateName(let name, let a, let b):
            "Members \(a) and \(b) have the same name, \"\(name)\"."
        case .duplicateAddress(let address, let a, let b):
            "Members \(a) and \(b) have the same address, \(address)."
        case .unknownOwner(let id, let partition):
            "Partition \(partition) is owned by \(id), which is no member."
        case .highestID(let highest, let id):
            "The highest id ever given is said to be \(highest), but \(id) is a member."
        case .stepEpochCount(let count, let partitions):
            "There are \(count) epochs of last steps for \(partitions) partitions."
        case .stepEpoch(let changed, let partition, let epoch):
            "Partition \(partition) had its last step in epoch \(changed), after epoch \(epoch)."
        case .nextOwnerCount(let count, let partitions):
            "There are \(count) next owners for \(partitions) partitions."
        case .stepCount(let count, let partitions):
            "There are \(count) steps for \(partitions) partitions."
        case .changedIdentity(let id):
            "Member \(id) has another name or address in the ring that is being moved to."
        case .needlessStep(let step, let partition):
            "Partition \(partition) is at the step \(step) although its nodes stay the same."
        case .lostMember(let id): "Member \(id) is said to be lost, too."
        case .lostWithoutRecovery: "Nodes are said to be lost without an unsafe recovery."
        case .ownersLost: "All owners are lost."
        case .abandoned(let id):
            "Node \(id) is given up, but it is no member or does not stand in its order."
        }
    }
}
