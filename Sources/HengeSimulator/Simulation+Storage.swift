import HengeBase
import HengeMessages
import HengeNode

/// What a disk does next.
enum StorageEvent {
    /// A waiting load or scan is carried out.
    case read
    /// Waiting writes are carried out.
    case commit
    /// What is visible becomes safe from power failures.
    case sync
    case completed([StorageCompletion])
}

/// When disks do their work, and how they fail.
extension Simulation {
    func scheduleRead(_ node: SimulatedNode, _ process: Process) {
        let event = Event.storage(node: node.index, process: process.number, .read)
        schedule(event, after: diskDelay(options.readDelay, node))
    }

    func scheduleCommit(_ node: SimulatedNode, _ process: Process) {
        guard !process.isCommitScheduled else { return }
        process.isCommitScheduled = true
        let event = Event.storage(node: node.index, process: process.number, .commit)
        schedule(event, after: diskDelay(options.commitDelay, node))
    }

    func scheduleSync(_ node: SimulatedNode, _ process: Process) {
        guard options.durability == .interval else { return }
        let event = Event.storage(node: node.index, process: process.number, .sync)
        schedule(event, after: .milliseconds(200))
    }

    func handle(_ event: StorageEvent, at node: SimulatedNode, _ process: Process) {
        switch event {
        case .read: read(node, process)
        case .commit: commit(node, process)
        case .sync:
            node.engine.sync()
            scheduleSync(node, process)
        case .completed(let completions):
            for completion in completions where node.process === process {
                step(node, .storage(completion))
            }
        }
    }

    private func read(_ node: SimulatedNode, _ process: Process) {
        guard node.engine.waitingReadCount > 0 else { return }
        if diskDice.chance(node.diskErrorPercent, in: 100) {
            node.engine.failNextRead(with: .io)
        }
        // Reads go to a pool of threads and overtake each other.
        let index = options.hasJitter ? diskDice.below(node.engine.waitingReadCount) : 0
        guard let completion = node.engine.completeRead(at: index) else { return }
        // What was read may be old by the time it is handed over.
        let isPrompt = !options.hasJitter || diskDice.chance(3, in: 4)
        let late = isPrompt ? .zero : diskDelay(options.readDelay, node)
        deliver([completion], to: node, process, after: late)
    }

    private func commit(_ node: SimulatedNode, _ process: Process) {
        process.isCommitScheduled = false
        if diskDice.chance(node.diskErrorPercent, in: 100) {
            areHintsWhole = false
            let takesEffect = diskDice.chance(1, in: 3)
            node.engine.failNextCommit(
                with: diskDice.chance(1, in: 2) ? .io : .noSpace,
                takesEffect: takesEffect
            )
            if takesEffect { node.talliesAreDoubtful = true }
        }
        let waiting = node.engine.waitingWriteCount
        let count = diskDice.chance(1, in: 4) ? 1 + diskDice.below(max(1, waiting)) : waiting
        let completions = node.engine.commit(count: count)
        deliver(completions, to: node, process, after: .zero)
        for isDurable in node.engine.takeRingSaves() where node.process === process {
            ringSaved(isDurable, at: node)
        }
        if node.engine.waitingWriteCount > 0 { scheduleCommit(node, process) }
    }

    private func deliver(
        _ completions: [StorageCompletion],
        to node: SimulatedNode,
        _ process: Process,
        after delay: Interval
    ) {
        let event = StorageEvent.completed(completions)
        schedule(.storage(node: node.index, process: process.number, event), after: delay)
    }

    private func diskDelay(_ usual: Interval, _ node: SimulatedNode) -> Interval {
        let usual = delay(usual, &diskDice)
        return Interval(nanoseconds: usual.nanoseconds * node.diskSlowness)
    }
}
