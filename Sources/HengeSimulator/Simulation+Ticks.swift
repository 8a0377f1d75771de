import HengeBase
import HengeMessages
import HengeNode

/// What is due at each shard now and then.
extension Simulation {
    /// What tells a shard from the others of its node where there are others.
    func label(of shard: SimulatedShard) -> Int? { options.shards > 1 ? shard.index : nil }

    func scheduleTick(_ node: SimulatedNode, _ process: Process, _ shard: SimulatedShard) {
        guard !shard.isTickScheduled, shard.shard.hasWork else { return }
        shard.isTickScheduled = true
        let address = ShardAddress(node.index, process.number, shard.index)
        schedule(.tick(address), after: Shard.tickInterval)
    }

    func scheduleWake(
        _ node: SimulatedNode,
        _ process: Process,
        _ shard: SimulatedShard,
        _ time: Instant
    ) {
        guard let due = shard.shard.nextWake, shard.wakeAt.map({ due < $0 }) ?? true
        else { return }
        shard.wakeAt = due
        // A little more, since the node's clock may run slower than the simulator's.
        let delay = due.since(time).nanoseconds
        let address = ShardAddress(node.index, process.number, shard.index)
        schedule(
            .input(address, .tick),
            after: Interval(nanoseconds: delay + delay / 1_000 + 1)
        )
    }

    func tick(_ address: ShardAddress) {
        guard let process = process(address.node, address.process) else { return }
        process.shards[address.shard].isTickScheduled = false
        step(nodes[address.node], shard: address.shard, .tick)
    }

    func scheduleHousekeeping(_ address: ShardAddress) {
        // What it looks for now and then is not to disturb runs without comparisons.
        let interval =
            options.comparesReplicas ? options.housekeepingInterval : Interval.seconds(10)
        schedule(.housekeeping(address), after: interval)
    }

    func keepHouse(_ address: ShardAddress) {
        guard process(address.node, address.process) != nil else { return }
        step(nodes[address.node], shard: address.shard, .housekeeping)
        scheduleHousekeeping(address)
    }
}
