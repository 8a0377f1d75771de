import HengeBase

/// Why something can't be staged, or what is staged can't be done.
package enum RingStageFault: Error, Hashable, CustomStringConvertible {
    case unknownNode(String)
    case noCandidate(String)
    case alreadyMember(String)
    /// The candidate has the address of a member.
    case addressTaken(String, candidate: String, by: String)
    case isUp(String)
    case weight(Int, node: String)
    case zone(String, node: String)
    /// Nobody would be left.
    case lastNode(String)
    case repeated(RingOperation)
    case contradiction(RingOperation, earlier: RingOperation)
    case tooMany(Int)
    /// All ids have been given.
    case idsExhausted
    /// One change at a time.
    case transitionRuns

    package var description: String {
        switch self {
        case .unknownNode(let name): "no member is called '\(name)'; henge ring show lists them"
        case .noCandidate(let name):
            "no node called '\(name)' has asked to join; start it with henge serve --join"
        case .alreadyMember(let name): "'\(name)' is a member already"
        case .addressTaken(let address, let candidate, let member):
            "'\(candidate)' has the address \(address), which is that of the member '\(member)'"
        case .isUp(let name):
            "'\(name)' is up; use remove, which lets it give its data away first"
        case .weight(let weight, let name):
            "\(weight) is no weight for '\(name)'; a weight is 1 to 1000"
        case .zone(let zone, let name):
            "'\(zone)' is no zone for '\(name)'; a zone is 1 to 64 of A-Z a-z 0-9 . _ -"
        case .lastNode(let name): "'\(name)' is the last node; nobody would hold the data"
        case .repeated(let operation): "'\(operation)' is staged already"
        case .contradiction(let operation, let earlier):
            "'\(operation)' contradicts '\(earlier)', which is staged; henge ring stage "
                + "--clear begins anew"
        case .tooMany(let count):
            "there would be \(count) members; a ring has at most \(Member.countMax)"
        case .idsExhausted: "every node id has been given; the cluster can take no new nodes"
        case .transitionRuns:
            "a change of the ring runs; wait for its end (henge ring progress) or have it go back "
                + "(henge ring abort)"
        }
    }
}
