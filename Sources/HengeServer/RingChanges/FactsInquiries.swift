import HengeBase
import HengeMessages
import HengeRing
import NIOCore

/// Questions to all other members about what they hold and what room they have.
///
/// Confined to the driver's event loop.
final class FactsInquiries {
    typealias Done = ([NodeID: NodeInventory]) -> Void

    /// After so long the answers that are there have to do.
    private static let patience = TimeAmount.seconds(2)

    private struct Inquiry {
        var waiting: Set<NodeID>
        var answers: [NodeID: NodeInventory]
        let partitions: Int
        let done: Done
        var timer: Scheduled<Void>?
    }

    private var inquiries: [UInt64: Inquiry] = [:]
    private var lastNumber: UInt64 = 0

    /// Asks the members that are up; `done` gets what they say, and what this node has itself.
    func ask(through driver: NodeDriver, _ done: @escaping Done) {
        let document = driver.ring.document
        let others = document.members.map(\.id).filter {
            $0 != driver.node && driver.peerStatus($0).isUp
        }
        lastNumber += 1
        let number = lastNumber
        var inquiry = Inquiry(
            waiting: Set(others),
            answers: [driver.node: driver.inventory],
            partitions: document.owners.count,
            done: done
        )
        guard !others.isEmpty else { return done(inquiry.answers) }
        let bound = NIOLoopBound(driver, eventLoop: driver.eventLoop)
        inquiry.timer = driver.eventLoop.scheduleTask(in: Self.patience) {
            bound.value.administrator.inquiries.finish(number)
        }
        inquiries[number] = inquiry
        for other in others {
            driver.link(to: other)?.send(.facts(RequestID(rawValue: number), .ask))
        }
    }

    func took(_ inventory: NodeInventory, _ id: RequestID, from sender: NodeID) {
        guard let partitions = inquiries[id.rawValue]?.partitions,
            inventory.partitions.count == partitions,
            inquiries[id.rawValue]?.waiting.remove(sender) != nil
        else { return }
        inquiries[id.rawValue]?.answers[sender] = inventory
        if inquiries[id.rawValue]?.waiting.isEmpty ?? false { finish(id.rawValue) }
    }

    private func finish(_ number: UInt64) {
        guard let inquiry = inquiries.removeValue(forKey: number) else { return }
        inquiry.timer?.cancel()
        inquiry.done(inquiry.answers)
    }
}
