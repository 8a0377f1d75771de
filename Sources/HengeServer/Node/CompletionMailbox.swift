import HengeMessages
import NIOConcurrencyHelpers
import NIOCore

/// Carries what the storage threads have finished to the driver's event loop, in order, with one
/// wake-up for all that has gathered meanwhile.
final class CompletionMailbox: Sendable {
    private struct Contents {
        var waiting: [StorageCompletion] = []
        var isScheduled = false
        var driver: NIOLoopBound<NodeDriver>?
    }

    let eventLoop: any EventLoop
    private let contents = NIOLockedValueBox(Contents())

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Called once on the event loop, before anything is asked of the storage.
    func attach(_ driver: NodeDriver) {
        let bound = NIOLoopBound(driver, eventLoop: eventLoop)
        contents.withLockedValue { $0.driver = bound }
    }

    /// Called on the storage's threads.
    func deliver(_ completions: [StorageCompletion]) {
        let mustSchedule = contents.withLockedValue { contents in
            contents.waiting.append(contentsOf: completions)
            defer { contents.isScheduled = true }
            return !contents.isScheduled
        }
        guard mustSchedule else { return }
        eventLoop.execute { self.empty() }
    }

    private func empty() {
        let (completions, driver) = contents.withLockedValue { contents in
            defer {
                contents.waiting = []
                contents.isScheduled = false
            }
            return (contents.waiting, contents.driver)
        }
        driver?.value.completed(completions)
    }
}
