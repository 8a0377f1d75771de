import HengeClient

/// One question to every node of a cluster.
enum ClusterQuestion {
    /// A node's answer, or why there is none.
    struct Answer: Sendable {
        var node: String
        var result: Result<HengeReply, HengeError>
    }

    /// A question to one node.
    struct Inquiry: Sendable {
        var node: String
        /// Its RESP address; empty where it is not known.
        var resp: String
        var words: [String]
    }

    /// Finds the nodes with the ring of the first that can be reached, then asks all of them, in
    /// the order of the ring.
    static func ask(
        _ words: [String],
        through nodes: NodeOptions
    ) async throws(CommandFailure) -> [Answer] {
        let ring = try await ring(through: nodes)
        return await ask(words, of: ring.nodes.map { ($0.name, $0.resp) })
    }

    /// The ring as the first node that can be reached has it.
    static func ring(through nodes: NodeOptions) async throws(CommandFailure) -> RingView {
        let reply = try await nodes.ask(["HENGE.RING"])
        do throws(ReplyFields.Fault) {
            return try RingView(reply)
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }

    /// Asks these addresses, under the names that they are given by.
    static func ask(_ words: [String], of nodes: [(name: String, resp: String)]) async -> [Answer] {
        await ask(nodes.map { Inquiry(node: $0.name, resp: $0.resp, words: words) })
    }

    /// Asks each its own, and returns the answers in the same order.
    ///
    /// - Parameter patience: how long to wait for an answer; as long as for any when nil.
    static func ask(_ inquiries: [Inquiry], patience: Duration? = nil) async -> [Answer] {
        await withTaskGroup(of: (Int, Answer).self) { group in
            for (index, inquiry) in inquiries.enumerated() {
                group.addTask {
                    let result = await ask(inquiry.words, at: inquiry.resp, patience)
                    return (index, Answer(node: inquiry.node, result: result))
                }
            }
            var answers: [(Int, Answer)] = []
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func ask(
        _ words: [String],
        at address: String,
        _ patience: Duration?
    ) async -> Result<HengeReply, HengeError> {
        guard !address.isEmpty else {
            return .failure(
                HengeError(.connectionFailed, "no node has met it, so its address is not known")
            )
        }
        var options = HengeConnection.Options()
        options.clientName = "henge"
        if let patience {
            options.connectTimeout = min(options.connectTimeout, patience)
            options.requestTimeout = patience
        }
        do throws(HengeError) {
            let address = try HengeAddress(parsing: address)
            return .success(try await Question.ask(words, at: address, options: options))
        } catch {
            return .failure(error)
        }
    }
}
