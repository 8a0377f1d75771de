package import HengeClient

/// How far the nodes of a cluster are with what each had to do when it was first asked, from
/// `HENGE.SETTLED` of each.
///
/// First all of them deliver their hints and see the change of the ring through, then they are told
/// to compare: a node that holds something in the place of a replica delivers it to that one alone,
/// and only comparisons made later bring it to the others.
package struct SettleProgress: Equatable, Sendable {
    /// Something that a node has still to do.
    package struct Left: Equatable, Sendable {
        /// `hints`, `transfers`, `change`, `drops`, `comparisons`, or as below.
        package var kind: String
        /// The other node that it is about.
        package var peer: String?
        package var count: Int
        package var bytes: Int?
        /// Why it does not go on.
        package var wait: String?
        /// The node that it waits for.
        package var waitFor: String?

        static let comparisons = "comparisons"
        /// The node gives no answer.
        static let answer = "answer"
        /// The node has an older ring than others had when they were first asked.
        static let ring = "ring"
    }

    package struct Node: Equatable, Sendable {
        package var name: String
        package var resp: String
        /// Of the mark that the node has made.
        package var token: String?
        /// Of the ring that it had then.
        package var markedEpoch = 0
        package var isSettled = false
        package var left: [Left]

        /// Whether it gave no answer last time.
        var isSilent: Bool { left.contains { $0.kind == Left.answer } }

        /// Whether nothing but comparisons is left of its mark.
        var mayCompare: Bool { token != nil && left.allSatisfy { $0.kind == Left.comparisons } }
    }

    package private(set) var nodes: [Node]
    /// Whether nothing but comparisons was left of the marks of all nodes.
    package private(set) var isComparing = false
    /// The epoch that every node must have: the newest of the first answers.
    private var epoch: Int?

    /// - Parameter ring: as it was before any node is asked. Candidates have nothing to do.
    package init(_ ring: RingView) {
        nodes = ring.nodes.filter { $0.state != "candidate" }.map {
            Node(name: $0.name, resp: $0.resp, left: [])
        }
    }

    package var isDone: Bool { nodes.allSatisfy(\.isSettled) }

    /// Nodes that could not be asked last time.
    package var silent: [Node] { nodes.filter(\.isSilent) }
    package var answering: [Node] { nodes.filter { !$0.isSilent } }

    /// By node that is to be asked, the words for it.
    package var questions: [(node: Node, words: [String])] {
        nodes.filter { !$0.isSettled }.map { node in
            let mark = node.token.map { ["TOKEN", $0] + (isComparing ? ["COMPARE"] : []) } ?? []
            return (node, ["HENGE.SETTLED"] + mark)
        }
    }

    /// What the nodes said that were asked together.
    ///
    /// - Throws: a fault when one answers something else.
    package mutating func take(
        _ answers: [(name: String, result: Result<HengeReply, HengeError>)]
    ) throws(ReplyFields.Fault) {
        for (name, result) in answers {
            guard let index = nodes.firstIndex(where: { $0.name == name }) else { continue }
            switch result {
            case .success(let reply): try take(ReplyFields(reply), of: index)
            case .failure(let error): take(error, of: index)
            }
        }
        // Changes of the ring that begin later are not waited for.
        epoch = epoch ?? nodes.map(\.markedEpoch).max()
        for index in nodes.indices { askAnew(ifBehind: index) }
        if !isComparing {
            isComparing = nodes.allSatisfy(\.mayCompare)
        } else if nodes.contains(where: { $0.token == nil }) {
            beginAnew()
        }
    }

    /// A node has lost its mark while nodes compared. It may have hints still that it delivers
    /// after that.
    private mutating func beginAnew() {
        isComparing = false
        for index in nodes.indices {
            nodes[index].token = nil
            nodes[index].isSettled = false
        }
    }

    private mutating func take(
        _ fields: ReplyFields,
        of index: Int
    ) throws(ReplyFields.Fault) {
        let isNew = nodes[index].token == nil
        nodes[index].token = try fields.string("token")
        if isNew { nodes[index].markedEpoch = try fields.integer("epoch") }
        nodes[index].isSettled = try fields.boolean("settled")
        nodes[index].left = []
        for entry in try fields.maps("left") { nodes[index].left.append(try Left(entry)) }
    }

    private mutating func take(_ error: HengeError, of index: Int) {
        // It has started anew: what it has to do now is at least what is left.
        if error.code == .server { nodes[index].token = nil }
        let wait = CommandFailure.reason(of: error)
        nodes[index].left = [Left(kind: Left.answer, count: 1, wait: wait)]
    }

    /// A mark of a node that knew nothing of a change of the ring does not have it.
    private mutating func askAnew(ifBehind index: Int) {
        guard let epoch, nodes[index].token != nil, nodes[index].markedEpoch < epoch else { return }
        nodes[index].token = nil
        nodes[index].isSettled = false
        nodes[index].left.append(Left(kind: Left.ring, count: epoch))
    }

    /// Waits no more for nodes that have left, and turns to where the others are.
    package mutating func refresh(_ ring: RingView) {
        nodes.removeAll { node in
            node.isSilent && !ring.nodes.contains { $0.name == node.name }
        }
        for node in ring.nodes where !node.resp.isEmpty {
            guard let index = nodes.firstIndex(where: { $0.name == node.name }) else { continue }
            nodes[index].resp = node.resp
        }
    }
}

extension SettleProgress.Left {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        kind = try fields.string("kind")
        peer = fields.optionalString("for")
        count = try fields.integer("count")
        bytes = fields.optionalInteger("bytes")
        wait = fields.optionalString("wait")
        waitFor = fields.optionalString("wait_for")
    }
}
