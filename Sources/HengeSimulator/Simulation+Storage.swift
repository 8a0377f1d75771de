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
    func scheduleRead(_ node: SimulatedNode, _ process: Process, _ shard: SimulatedShard) {
        let address = ShardAddress(node.index, process.number, shard.index)
        schedule(.storage(address, .read), after: diskDelay(options.readDelay, node))
    }

    func scheduleCommit(_ node: SimulatedNode, _ process: Process, _ shard: SimulatedShard) {
        guard !shard.isCommitScheduled else { return }
        shard.isCommitScheduled = true
        let address = ShardAddress(node.index, process.number, shard.index)
        schedule(.storage(address, .commit), after: diskDelay(options.commitDelay, node))
    }

    func scheduleSync(_ address: ShardAddress) {
        guard options.durability == .interval else { return }
        schedule(.storage(address, .sync), after: .milliseconds(200))
    }

    func handle(_ event: StorageEvent, at address: ShardAddress) {
        guard let process = process(address.node, address.process) else { return }
        let node = nodes[address.node]
        let shard = process.shards[address.shard]
        switch event {
        case .read: read(node, process, shard)
        case .commit: commit(node, process, shard)
        case .sync:
            node.disk[shard.index].sync()
            scheduleSync(address)
        case .completed(let completions):
            for completion in completions where node.process === process {
                step(node, shard: shard.index, .storage(completion))
            }
        }
    }

    private func read(_ node: SimulatedNode, _ process: Process, _ shard: SimulatedShard) {
        let waiting = node.disk[shard.index].waitingReadCount
        guard waiting > 0 else { return }
        if diskDice.chance(node.diskErrorPercent, in: 100) {
            node.disk[shard.index].failNextRead(with: .io)
        }
        // Reads go to a pool of threads and overtake each other.
        let index = options.hasJitter ? diskDice.below(waiting) : 0
        guard let completion = node.disk[shard.index].completeRead(at: index) else { return }
        // What was read may be old by the time it is handed over.
        let isPrompt = !options.hasJitter || diskDice.chance(3, in: 4)
        let late = isPrompt ? .zero : diskDelay(options.readDelay, node)
        let address = ShardAddress(node.index, process.number, shard.index)
        schedule(.storage(address, .completed([completion])), after: late)
    }

    private func commit(_ node: SimulatedNode, _ process: Process, _ shard: SimulatedShard) {
        shard.isCommitScheduled = false
        if diskDice.chance(node.diskErrorPercent, in: 100) {
            areHintsWhole = false
            let takesEffect = diskDice.chance(1, in: 3)
            node.disk[shard.index].failNextCommit(
                with: diskDice.chance(1, in: 2) ? .io : .noSpace,
                takesEffect: takesEffect
            )
            if takesEffect { node.talliesAreDoubtful = true }
        }
        let waiting = node.disk[shard.index].waitingWriteCount
        let count = diskDice.chance(1, in: 4) ? 1 + diskDice.below(max(1, waiting)) : waiting
        let completions = node.disk[shard.index].commit(count: count)
        let address = ShardAddress(node.index, process.number, shard.index)
        schedule(.storage(address, .completed(completions)), after: .zero)
        for isDurable in node.disk[shard.index].takeRingSaves() where node.process === process {
            ringSaved(isDurable, at: node)
        }
        if node.disk[shard.index].waitingWriteCount > 0 { scheduleCommit(node, process, shard) }
    }

    private func diskDelay(_ usual: Interval, _ node: SimulatedNode) -> Interval {
        let usual = delay(usual, &diskDice)
        return Interval(nanoseconds: usual.nanoseconds * node.diskSlowness)
    }
}
