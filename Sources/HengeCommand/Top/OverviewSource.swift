import HengeClient
import NIOCore

/// Asks a node what it sees, over one connection; when that node is gone, another one.
struct OverviewSource {
    /// Of nodes that the last overview named, so that a node that dies costs no more than a second.
    private var known: [HengeAddress] = []
    private let given: [HengeAddress]
    private var connection: HengeConnection?

    init(_ nodes: NodeOptions) throws(CommandFailure) {
        given = try nodes.addresses()
    }

    /// - Throws: when no node answers.
    mutating func next() async throws(HengeError) -> (view: OverviewView, reply: HengeReply) {
        if let connection {
            do throws(HengeError) {
                return try take(try await connection.send("HENGE.OVERVIEW"))
            } catch {
                self.connection = nil
                await connection.close()
            }
        }
        var options = HengeConnection.Options()
        options.clientName = "henge"
        options.connectTimeout = .seconds(1)
        options.requestTimeout = .seconds(3)
        var failure = HengeError(.connectionFailed, "no node is known")
        for address in given + known.filter({ !given.contains($0) }) {
            do throws(HengeError) {
                let connection = try await HengeConnection.connect(to: address, options: options)
                self.connection = connection
                return try take(try await connection.send("HENGE.OVERVIEW"))
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private mutating func take(
        _ reply: HengeReply
    ) throws(HengeError) -> (view: OverviewView, reply: HengeReply) {
        do throws(ReplyFields.Fault) {
            let view = try OverviewView(reply)
            known = []
            for node in view.nodes where !node.isDown {
                if let address = try? HengeAddress(parsing: node.resp) { known.append(address) }
            }
            return (view, reply)
        } catch {
            throw HengeError(.protocolViolation, error.description)
        }
    }
}
