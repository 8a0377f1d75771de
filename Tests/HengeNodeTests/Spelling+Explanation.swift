import HengeBase
import HengeMessages
import HengeNode

/// The legs of an explanation, a text for each step, as `1: asks 2 digest`.
func spell(_ explanation: Explanation) -> [String] {
    explanation.legs.flatMap { leg in
        leg.steps.map { "\(leg.node.rawValue): \(spell($0.event))" }
    }
}

private func spell(_ event: Explanation.Event) -> String {
    switch event {
    case .coordinates(let reads, let writes): "coordinates r\(reads) w\(writes)"
    case .skips(let node): "skips \(node.rawValue)"
    case .standsIn(let node, let home): "\(node.rawValue) stands in for \(home.rawValue)"
    case .forwards(let node, let isHedge): "\(isHedge ? "hedges" : "forwards") to \(node.rawValue)"
    case .forwardAnswered(let node): "answered by \(node.rawValue)"
    case .asks(let node, let kind): "asks \(node.rawValue) \(kind)"
    case .answers(let node, let finding): "\(node.rawValue) answers \(spell(finding))"
    case .hedges: "hedges"
    case .merges(let version): "merges \(version.siblings)"
    case .repairs(let node): "repairs \(node.rawValue)"
    case .repaired(let node, let result): "\(node.rawValue) repaired \(result)"
    case .makes(let version): "makes \(version.siblings)"
    case .sends(let node): "sends \(node.rawValue)"
    case .stores(let node, let result): "\(node.rawValue) stores \(result)"
    case .hints(let node, let fate): "hint for \(node.rawValue) \(fate)"
    case .refusesRing(let node): "\(node.rawValue) refuses"
    case .waitsForRing(let epoch): "waits after \(epoch)"
    case .resumes(let epoch): "resumes at \(epoch)"
    case .loses(let node): "loses \(node.rawValue)"
    case .deadline: "deadline"
    case .replies(let isSuccess): isSuccess ? "replies" : "fails"
    }
}

private func spell(_ finding: Explanation.Finding) -> String {
    switch finding {
    case .absent: "nothing"
    case .object(let version): "object \(version.siblings)"
    case .digest: "digest"
    case .failed(let failure): "\(failure)"
    case .overloaded: "overloaded"
    }
}

extension Cluster {
    /// How a request went; nil while it has no answer, or none with an explanation.
    func explanation(_ ticket: Ticket) -> Explanation? {
        guard case .explained(_, let explanation)? = reply(ticket) else { return nil }
        return explanation
    }
}
