package import HengeClient

/// What a node has staged, from `HENGE.RING STAGED`.
package struct RingStageView: Equatable, Sendable {
    package var node: String
    package var epoch: Int
    /// In the words of the command line.
    package var operations: [String]
    /// What is wrong with them.
    package var fault: String?
    /// Nodes that have asked to join.
    package var candidates: [String]

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        node = try fields.string("node")
        epoch = try fields.integer("epoch")
        operations = try fields.strings("operations")
        fault = fields.optionalString("fault")
        candidates = try fields.strings("candidates")
    }

    package var lines: [String] {
        let node = Wording.printable(self.node)
        var lines: [String] = []
        if operations.isEmpty {
            lines.append("nothing is staged at \(node)")
        } else {
            lines.append("staged at \(node):")
            lines += operations.map { "  \(Wording.printable($0))" }
        }
        if let fault { lines.append("this can't be done: \(Wording.printable(fault))") }
        let names = candidates.map { Wording.printable($0) }.joined(separator: ", ")
        if !names.isEmpty { lines.append("asked to join: \(names)") }
        if !operations.isEmpty, fault == nil {
            lines.append("henge ring plan shows what it takes, henge ring commit does it")
        }
        return lines
    }
}
