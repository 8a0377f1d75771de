import HengeBase
import HengeMessages

/// The names and fields of an explanation's steps.
struct ExplanationSteps {
    typealias Field = ReplyTree.Field

    let name: (NodeID?) -> ReplyTree

    func describe(
        _ event: Explanation.Event
    ) -> (event: String, peer: NodeID?, fields: [Field]) {
        switch event {
        case .coordinates(let reads, let writes):
            let needed = [("reads", reads), ("writes", writes)]
            return ("coordinates", nil, needed.map { field($0.0, .integer(Int($0.1))) })
        case .skips(let node): return ("skips", node, [])
        case .standsIn(let node, let home):
            return ("stands_in", node, [field("for", name(home))])
        case .forwards(let node, let isHedge):
            return ("forwards", node, [field("hedge", .boolean(isHedge))])
        case .forwardAnswered(let node): return ("forward_answered", node, [])
        case .asks(let node, let kind):
            return ("asks", node, [field("for", .text(kind == .digest ? "digest" : "object"))])
        case .answers(let node, let finding): return ("answers", node, Self.fields(finding))
        case .hedges: return ("hedges", nil, [])
        case .merges(let version): return ("merges", nil, Self.fields(version))
        case .repairs(let node): return ("repairs", node, [])
        case .repaired(let node, let result):
            return ("repaired", node, [field("result", .text(result.name))])
        case .makes(let version): return ("makes", nil, Self.fields(version))
        case .sends(let node): return ("sends", node, [])
        case .stores(let node, let result):
            return ("stores", node, [field("result", .text(result.name))])
        case .hints(let node, let fate):
            return ("hints", node, [field("result", .text(fate.name))])
        case .refusesRing(let node): return ("refuses_ring", node, [])
        case .waitsForRing(let epoch):
            return ("waits_for_ring", nil, [field("epoch", .integer(Int64(clamping: epoch)))])
        case .resumes(let epoch):
            return ("resumes", nil, [field("epoch", .integer(Int64(clamping: epoch)))])
        case .loses(let node): return ("loses", node, [])
        case .deadline: return ("deadline", nil, [])
        case .replies(let isSuccess):
            return ("replies", nil, [field("ok", .boolean(isSuccess))])
        }
    }

    private func field(_ name: String, _ value: ReplyTree) -> Field {
        Field(name: name, value: value)
    }

    private static func fields(_ finding: Explanation.Finding) -> [Field] {
        func found(_ text: String) -> Field { Field(name: "found", value: .text(text)) }
        switch finding {
        case .absent: return [found("nothing")]
        case .object(let version): return [found("object")] + fields(version)
        case .digest(let digest): return [found("digest"), Self.digest(digest)]
        case .failed(let failure): return [found("failed: \(failure.name)")]
        case .overloaded: return [found("overloaded")]
        }
    }

    static func fields(_ version: Explanation.Version) -> [Field] {
        [
            digest(version.digest),
            Field(name: "siblings", value: .integer(Int(version.siblings))),
            Field(name: "bytes", value: .integer(Int(version.bytes))),
        ]
    }

    private static func digest(_ digest: VersionDigest) -> Field {
        Field(name: "digest", value: .text(hexadecimal(digest.rawValue)))
    }
}

extension StoreResult {
    var name: String {
        switch self {
        case .durable: "durable"
        case .failed(let failure): "failed: \(failure.name)"
        case .clockDrift: "clock drift"
        case .overloaded: "overloaded"
        }
    }
}

extension Explanation.HintFate {
    var name: String {
        switch self {
        case .kept: "kept"
        case .covered: "covered"
        case .refused: "refused"
        }
    }
}
