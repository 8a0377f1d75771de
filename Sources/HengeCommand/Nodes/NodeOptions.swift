import ArgumentParser
import HengeClient

/// Which nodes a client or operator command turns to.
struct NodeOptions: ParsableArguments {
    static let variable = "HENGE_NODES"
    static let standard = "127.0.0.1:6401"

    @Option(
        name: .customLong("node"),
        help: ArgumentHelp(
            "A node's RESP address; repeat it for others to turn to. (default: HENGE_NODES, "
                + "separated by commas, else \(standard))",
            valueName: "host:port"
        )
    )
    var nodes: [String] = []

    /// In the order in which they are to be tried.
    func addresses() throws(CommandFailure) -> [HengeAddress] {
        if !nodes.isEmpty { return try Self.parse(nodes, from: "--node") }
        let listed = (Output.environment(Self.variable) ?? "")
            .split { $0 == "," || $0.isWhitespace }
            .map(String.init)
        return try Self.parse(listed.isEmpty ? [Self.standard] : listed, from: Self.variable)
    }

    private static func parse(
        _ texts: [String],
        from source: String
    ) throws(CommandFailure) -> [HengeAddress] {
        var addresses: [HengeAddress] = []
        for text in texts {
            do throws(HengeError) {
                addresses.append(try HengeAddress(parsing: text))
            } catch {
                throw CommandFailure(.usage, "\(source): \(error.message)")
            }
        }
        return addresses
    }

    /// A client of a bucket.
    func client(bucket: String?) throws(CommandFailure) -> HengeClient {
        var options = HengeConnection.Options()
        options.bucket = bucket
        options.clientName = "henge"
        let addresses = try addresses()
        do throws(HengeError) {
            return try HengeClient(addresses: addresses, options: options)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Asks the first node that can be reached one question.
    ///
    /// - Parameters:
    ///   - patience: how long to wait for the answer; as long as for any when nil.
    ///   - failure: what to make of an error.
    func ask(
        _ words: [String],
        bucket: String? = nil,
        patience: Duration? = nil,
        failure: (HengeError) -> CommandFailure = { CommandFailure($0) }
    ) async throws(CommandFailure) -> HengeReply {
        var options = HengeConnection.Options()
        if let patience { options.requestTimeout = patience }
        options.bucket = bucket
        options.clientName = "henge"
        var failures: [HengeError] = []
        for address in try addresses() {
            do throws(HengeError) {
                return try await Question.ask(words, at: address, options: options)
            } catch {
                guard error.code == .connectionFailed else { throw failure(error) }
                failures.append(error)
            }
        }
        throw CommandFailure(unreachable: failures)
    }
}
