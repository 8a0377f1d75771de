/// The words of an explanation's lines.
struct ExplanationWording: Sendable {
    private let view: ExplanationView
    private let digests: [String]

    init(view: ExplanationView) {
        self.view = view
        var digests: [String] = []
        for case let digest? in view.steps.map(\.version?.digest) where !digests.contains(digest) {
            digests.append(digest)
        }
        self.digests = digests
    }

    func what(_ step: ExplanationView.Step) -> String {
        let isOwn = step.peer == step.node
        let peer = step.peer.map { Wording.printable($0) } ?? "?"
        switch step.event {
        case "coordinates": return "coordinates"
        case "skips": return "\(peer) is down, so it is not asked"
        case "stands_in":
            return "\(peer) stands in for \(Wording.printable(step.object ?? "?")), which is down"
        case "forwards": return "hands it to \(peer)\(step.isHedge ? " as well, as a hedge" : "")"
        case "forward_answered": return "hears of \(peer)"
        case "asks":
            let object = step.object == "digest" ? "the digest" : "the object"
            return isOwn ? "reads its own object" : "asks \(peer) for \(object)"
        case "answers": return "hears of \(peer)"
        case "hedges": return "has waited long, so it asks one more"
        case "merges": return "merges what differs"
        case "repairs": return isOwn ? "repairs itself" : "repairs \(peer)"
        case "repaired", "stores": return "hears of \(peer)"
        case "makes": return "makes the write"
        case "sends": return isOwn ? "stores it" : "sends it to \(peer)"
        case "hints": return Self.hint(step.result, peer)
        case "refuses_ring": return "\(peer) refuses: the ring is older than its own"
        case "waits_for_ring": return "waits for a ring after epoch \(step.epoch ?? 0)"
        case "resumes": return "goes on by the ring of epoch \(step.epoch ?? 0)"
        case "loses": return "loses \(peer)"
        case "deadline": return "the time is over"
        case "replies": return step.node == view.node ? "answers the client" : "answers"
        default: return Wording.printable(step.event)
        }
    }

    private static func hint(_ fate: String?, _ peer: String) -> String {
        switch fate {
        case "kept": "keeps a hint for \(peer)"
        case "covered": "has a hint for \(peer) that will bring this, too"
        default: "has no room for a hint for \(peer)"
        }
    }

    func result(_ exchange: ExplanationExchange) -> Painted {
        let step = exchange.step
        guard exchange.isQuestion else { return result(ofMoment: step) }
        guard let end = exchange.end else { return Painted("no answer awaited", .faint) }
        switch end.event {
        case "loses": return Painted("lost", .bad)
        case "refuses_ring": return Painted("refused, the ring is too old", .doubtful)
        case "forward_answered": return Painted("answered", .good)
        case "answers":
            guard let version = end.version else {
                let found = Wording.printable(end.result ?? "")
                return Painted(found, found == "nothing" ? .plain : .bad)
            }
            return painted(version)
        default:
            let text = Wording.printable(end.result ?? "")
            return Painted(text, text == "durable" ? .good : .bad)
        }
    }

    private func result(ofMoment step: ExplanationView.Step) -> Painted {
        switch step.event {
        case "coordinates":
            let needs = [
                step.reads > 0 ? "R = \(step.reads)" : nil,
                step.writes > 0 ? "W = \(step.writes)" : nil,
            ].compactMap { $0 }
            return Painted(needs.joined(separator: ", "), .faint)
        case "replies":
            guard step.node == view.node else { return "" }
            let text = view.isSuccess ? view.outcome : view.outcome.prefixWord
            return Painted(Wording.printable(text), view.isSuccess ? .good : .bad)
        case "skips", "stands_in", "hints", "loses", "deadline": return ""
        default: return step.version.map(painted) ?? ""
        }
    }

    private func painted(_ version: ExplanationView.Version) -> Painted {
        let index = digests.firstIndex(of: version.digest) ?? 0
        let mark = KeyInspection.marks[index % KeyInspection.marks.count]
        let digest = Wording.printable(version.digest, limit: 16)
        guard let siblings = version.siblings, let bytes = version.bytes else {
            return Painted("\(mark) \(digest)", .node(index))
        }
        return Painted("\(mark) \(digest)  \(ExplanationView.size(siblings, bytes))", .node(index))
    }
}

extension String {
    fileprivate var prefixWord: String { String(prefix { $0 != " " }) }
}
