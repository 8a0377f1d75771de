import HengeBase
import HengeMessages
import NIOCore

/// Questions to several other members at a time, answered once all have said something or patience
/// has run out.
///
/// Confined to the driver's event loop.
final class PeerInquiries<Answer: Sendable> {
    typealias Done = ([NodeID: Answer]) -> Void

    private struct Inquiry {
        var waiting: Set<NodeID>
        var answers: [NodeID: Answer]
        let isValid: (Answer) -> Bool
        let done: Done
        var timer: Scheduled<Void>?
    }

    private var inquiries: [UInt64: Inquiry] = [:]
    private var lastNumber: UInt64 = 0

    /// Asks these peers; `done` gets what they have said in time, and what is there already.
    ///
    /// - Parameters:
    ///   - questions: to whom to send what.
    ///   - isValid: whether to take an answer; one that is none counts as silence.
    func ask(
        _ questions: [(peer: NodeID, facts: FactsMessage)],
        through driver: NodeDriver,
        patience: TimeAmount,
        known: [NodeID: Answer] = [:],
        isValid: @escaping (Answer) -> Bool,
        _ done: @escaping Done
    ) {
        guard !questions.isEmpty else { return done(known) }
        lastNumber += 1
        let number = lastNumber
        let bound = NIOLoopBound(self, eventLoop: driver.eventLoop)
        inquiries[number] = Inquiry(
            waiting: Set(questions.map(\.peer)),
            answers: known,
            isValid: isValid,
            done: done,
            timer: driver.eventLoop.scheduleTask(in: patience) { bound.value.finish(number) }
        )
        for (peer, facts) in questions {
            driver.link(to: peer)?.send(.facts(RequestID(rawValue: number), facts))
        }
    }

    func took(_ answer: Answer, _ id: RequestID, from sender: NodeID) {
        guard let inquiry = inquiries[id.rawValue], inquiry.isValid(answer),
            inquiries[id.rawValue]?.waiting.remove(sender) != nil
        else { return }
        inquiries[id.rawValue]?.answers[sender] = answer
        if inquiries[id.rawValue]?.waiting.isEmpty ?? false { finish(id.rawValue) }
    }

    private func finish(_ number: UInt64) {
        guard let inquiry = inquiries.removeValue(forKey: number) else { return }
        inquiry.timer?.cancel()
        inquiry.done(inquiry.answers)
    }
}

extension NodeDriver {
    /// The other members that are up, by id.
    var peersUp: [NodeID] {
        ring.document.members.map(\.id).filter { $0 != node && peerStatus($0).isUp }
    }
}
