import HengeBase

/// Why no plan can be made.
package enum RingPlanFault: Error, Hashable, CustomStringConvertible {
    case nothingStaged
    /// What is staged leaves everything as it is.
    case nothingChanges
    case stage(RingStageFault)
    case change(RingChangeFault)

    package var description: String {
        switch self {
        case .nothingStaged:
            "nothing is staged; begin with henge ring add, remove, replace or weight"
        case .nothingChanges: "what is staged changes nothing"
        case .stage(let fault): fault.description
        case .change(let fault): fault.description
        }
    }
}

/// Why a plan must not be committed as things are.
package enum RingRefusal: Hashable, Sendable, CustomStringConvertible {
    /// Keys would have fewer than N replicas. Not when the cluster only grows. The one that an
    /// operator may overrule.
    case fewerNodes(Int, replicas: Int)
    /// Each key would lose more than one of its replicas. Those that stay may have missed what a
    /// quorum of the old ones acknowledged, so that a quorum of them might not know of it.
    case replicasLost(from: Int, to: Int)
    case diskFull(String, needed: Int, free: Int)
    /// Nobody knows how much room it has.
    case noAnswer(String)
    /// For so many partitions fewer replicas are up than a read quorum: nobody could tell what the
    /// new replicas must hold.
    case sourcesMissing(partitions: Int)

    package var mayBeOverruled: Bool {
        if case .fewerNodes = self { return true }
        return false
    }

    /// For scripts.
    package var code: String {
        switch self {
        case .fewerNodes: "fewer_nodes"
        case .replicasLost: "replicas_lost"
        case .diskFull: "disk_full"
        case .noAnswer: "no_answer"
        case .sourcesMissing: "sources_missing"
        }
    }

    package var description: String {
        switch self {
        case .fewerNodes(let count, let replicas):
            "only \(count) of the \(replicas) nodes that are to hold each key would be left; "
                + "--allow-fewer-replicas does it nevertheless"
        case .replicasLost(let before, let after):
            "each key would go from \(before) replicas to \(after) at once, and those that stay "
                + "may have missed what the others acknowledged; remove one node, then henge "
                + "wait-settled, then the next"
        case .diskFull(let name, let needed, let free):
            "\(name) needs \(needed) free bytes and has \(free); make room there, or give it less "
                + "weight"
        case .noAnswer(let name):
            "\(name) does not answer, so nobody knows its room; start it, or use force-remove or "
                + "replace"
        case .sourcesMissing(let partitions):
            "of \(partitions) partitions fewer replicas are up than a read quorum, so that what "
                + "was written last may be missing; start the nodes that are down"
        }
    }
}
