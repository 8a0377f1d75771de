/// A question with its answer, or something that happened at one moment: a line of the picture.
struct ExplanationExchange: Sendable {
    /// Its question, or the moment itself.
    var step: ExplanationView.Step
    /// What ended it: the answer, or the loss of the node that was asked.
    var end: ExplanationView.Step?

    var beganUs: Int { step.afterUs }
    var tookUs: Int? { end.map { $0.afterUs - step.afterUs } }

    /// Whether an answer belongs to it, come or not.
    var isQuestion: Bool { Self.answers[step.event] != nil }

    /// By question: what answers it.
    private static let answers = [
        "asks": "answers", "sends": "stores", "repairs": "repaired",
        "forwards": "forward_answered",
    ]
    /// What ends any question to a node.
    private static let ends: Set = ["loses", "refuses_ring"]

    /// In the order in which they began. Every step is in one of them, except that the loss of a
    /// node that was asked several things ends all of them.
    static func all(of steps: [ExplanationView.Step]) -> [ExplanationExchange] {
        var exchanges: [ExplanationExchange] = []
        for step in steps {
            var isUsed = false
            for index in exchanges.indices where exchanges[index].isEnded(by: step) {
                exchanges[index].end = step
                isUsed = true
                // An answer is to one question, a loss to all.
                if !ends.contains(step.event) { break }
            }
            if !isUsed { exchanges.append(ExplanationExchange(step: step)) }
        }
        return exchanges
    }

    private func isEnded(by other: ExplanationView.Step) -> Bool {
        guard end == nil, isQuestion, other.node == step.node, other.peer == step.peer
        else { return false }
        return Self.answers[step.event] == other.event || Self.ends.contains(other.event)
    }
}
