import HengeBase
import HengeRESP
import NIOCore

/// Commands about the node as a whole, of a node with several shards. They are carried out by a
/// session without a connection on the loop of the first shard, which has the control plane, once
/// that knows the other shards' figures.
extension ClientSession {
    /// Has the command carried out there; its reply comes later, and nothing else before it.
    func askNode(_ command: RESPCommand) {
        let reply = replyingWithBytes()
        let home = NIOLoopBound((self, reply), eventLoop: hub.driver.eventLoop)
        let connection = self.connection
        hub.driver.tellFirst { first in
            first.hub?.carryOut(command, as: connection) { bytes in
                home.eventLoop.execute { home.value.1(bytes) }
            }
        }
    }

    /// Where a command's reply goes that others write.
    private func replyingWithBytes() -> (ByteBuffer) -> Void {
        beginAdministration()
        return { bytes in
            self.endAdministration { self.out.writeImmutableBuffer(bytes) }
        }
    }

    /// A session without a connection tells what it has to say once its command is answered.
    func answerAsker() {
        guard let onAnswer, pending.isEmpty, held == nil, out.readableBytes > 0 else { return }
        self.onAnswer = nil
        let reply = out
        out = ByteBuffer()
        accountForMemory()
        onAnswer(reply)
    }
}

extension ClientHub {
    /// Carries out one command as if it had come over a connection, and tells its reply.
    fileprivate func carryOut(
        _ command: RESPCommand,
        as connection: ClientConnection,
        _ done: @escaping (ByteBuffer) -> Void
    ) {
        let session = NIOLoopBound(
            ClientSession(hub: self, connection: connection, onAnswer: done),
            eventLoop: driver.eventLoop
        )
        driver.refreshFigures().whenSuccess {
            session.value.prepareOut()
            session.value.begin(command)
            session.value.answerAsker()
        }
    }

    /// The connections as `CLIENT LIST` has them, by id.
    ///
    /// - Parameter wanted: nil for all.
    func descriptions(of wanted: Set<Int>?) -> [Int: String] {
        let now = SystemClock.now()
        return sessions.filter { wanted?.contains($0.key) ?? true }
            .mapValues { $0.description(now: now) }
    }
}
