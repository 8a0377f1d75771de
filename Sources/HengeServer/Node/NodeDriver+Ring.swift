import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Logging
import NIOCore

/// What the driver keeps for the changes of the ring.
struct RingWork {
    /// When the control plane is woken next, beside its rounds.
    var dueAt: Instant?
    /// When a newer ring was last asked for, on the word of the shard.
    var askedAt: Instant?
    /// Called once when this node is in the ring no more.
    var onRemoved: (() -> Void)?
}

/// The driver's half of deciding on rings: saving, and moving to the next one.
extension NodeDriver {
    private static let ringAskPause = Interval.milliseconds(100)

    /// Makes durable what this node has promised; the answer comes back as an input.
    func saveRing(_ bytes: ByteBuffer) {
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        let loop = eventLoop
        storage.saveRing(bytes) { failure in
            loop.execute {
                driver.value.stepControl(failure == nil ? .ringSaved : .ringSaveFailed)
            }
        }
    }

    /// Serves by a newer ring from now on, and reaches its members.
    func adopt(_ ring: Ring) {
        // First the links, so that what the shard sends has a way.
        transport?.adopt(ring)
        step(.ring(ring))
        handInReport()
        guard isFirst else { return }
        administrator.adoptedRing()
        tellIfRemoved()
    }

    /// Calls `body` once, now or later, when this node is in the ring no more.
    func callWhenRemoved(_ body: @escaping () -> Void) {
        ringWork.onRemoved = body
        tellIfRemoved()
    }

    /// Whether this node is in the ring no more.
    var isRemoved: Bool { ring.member(node) == nil }

    private func tellIfRemoved() {
        guard isRemoved, let onRemoved = ringWork.onRemoved else { return }
        ringWork.onRemoved = nil
        onRemoved()
    }

    /// Another node has said that there is a newer ring.
    func ringIsOld(_ epoch: UInt64, _ id: NodeID) {
        guard epoch > ring.document.epoch else { return }
        // Many requests may say so at a time, and a ring is long.
        if let last = ringWork.askedAt, now.since(last) < Self.ringAskPause { return }
        ringWork.askedAt = now
        let question = RingMessage.ask(epoch: ring.document.epoch, token: 0)
        link(to: id)?.send(.ring(question))
    }

    /// Has the control plane woken when it has to be, beside its rounds.
    func scheduleControlDue() {
        guard let due = control?.nextDue, ringWork.dueAt.map({ due < $0 }) ?? true else { return }
        ringWork.dueAt = due
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        let delay = Int64(clamping: due.since(now).nanoseconds)
        eventLoop.scheduleTask(in: .nanoseconds(delay)) {
            // A timer that was set for sooner has taken this one's place.
            guard driver.value.ringWork.dueAt == due else { return }
            driver.value.ringWork.dueAt = nil
            guard driver.value.controlTicks != nil else { return }
            driver.value.stepControl(.due)
        }
    }
}
