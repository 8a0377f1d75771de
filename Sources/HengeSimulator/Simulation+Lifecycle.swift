import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing

import struct NIOCore.ByteBuffer

/// The steps of a clean stop.
enum StopStage {
    /// No new requests; those in flight are answered.
    case answering
    /// Connections are closed; storage finishes its work.
    case closing
}

/// Starts, stops and deaths of nodes.
extension Simulation {
    private static let stopPoll = Interval.milliseconds(5)
    private static let stopStageLimit = Interval.seconds(3)

    func start(_ node: SimulatedNode) {
        guard node.process == nil, !node.isSpare, !node.isGone else { return }
        let states = node.disk.open().map { $0.flatMap { SavedState($0) } }
        let saved = states.map { state in
            interposer.map { $0.saved(state, of: node.id) } ?? state
        }
        node.clock.origin = startDice.next() >> 20
        let acceptor = acceptor(of: node)
        guard acceptor.document.allMembers.contains(where: { $0.id == node.id }) else {
            return trace.note("is no member", at: node.id, now)
        }
        node.processesStarted += 1
        let ring = acceptor.document == self.ring.document ? self.ring : Ring(acceptor.document)
        note(ring)
        let shards = saved.indices.map { makeShard($0, of: node, ring, saved[$0]) }
        let life = Life.make(start: node.disk.startNumber, chance: startDice.next())
        let process = Process(
            number: node.processesStarted,
            life: life,
            nodes: nodes.count,
            control: makeControl(node, ring: acceptor, life: life),
            shards: shards
        )
        node.process = process
        causal.started(node.index)
        trace.note("start", at: node.id, now)
        // What is found on the disk is exact again; what was saved of it may not be.
        if saved.allSatisfy({ $0?.counts == nil }) { node.talliesAreDoubtful = false }
        for shard in shards {
            let address = ShardAddress(node.index, process.number, shard.index)
            if saved[shard.index]?.counts == nil { scheduleTallies(address, ring) }
            scheduleSync(address)
            scheduleHousekeeping(address)
        }
        startControl(node, process)
        for other in nodes where other !== node { dialSoon(node.index, other.index) }
    }

    private func makeShard(
        _ index: Int,
        of node: SimulatedNode,
        _ ring: Ring,
        _ saved: SavedState?
    ) -> SimulatedShard {
        let engine = node.disk[index]
        let shard = Shard(
            node: node.id,
            slice: ShardSlice(index: index, count: options.shards),
            ring: ring,
            configuration: configuration,
            saved: saved,
            hints: engine.hintBacklogs,
            watermarks: engine.watermarks,
            transfers: engine.transfers,
            isNew: engine.startNumber == 1,
            seed: startDice.next()
        )
        return SimulatedShard(index: index, shard)
    }

    /// Has what is on the disk counted for a shard that does not know it.
    private func scheduleTallies(_ address: ShardAddress, _ ring: Ring) {
        let engine = nodes[address.node].disk[address.shard]
        let weights = engine.tally(partitionBits: ring.partitionBits)
        let leaves = engine.leaves(partitionBits: ring.partitionBits)
        schedule(
            .tallies(address, weights, leaves),
            after: delay(.milliseconds(20), &startDice)
        )
    }

    private var configuration: ShardConfiguration {
        var configuration = ShardConfiguration()
        configuration.readRepair = repair
        configuration.siblingsMax = options.siblingsMax
        configuration.objectBytesMax = options.objectBytesMax
        configuration.requestsMax = options.requestsMax
        configuration.replicaWorkMax = options.replicaWorkMax
        configuration.clockDriftMax = options.clockDriftMax
        configuration.hintBytesMax = options.hintBytesMax
        configuration.hintAgeMax = options.hintAgeMax
        configuration.compareInterval =
            options.comparesReplicas ? options.compareInterval : .seconds(3_600)
        configuration.scrubInterval = options.scrubInterval
        configuration.purgeGrace = options.purgeGrace
        interposer?.configure(&configuration)
        return configuration
    }

    // MARK: Deaths

    /// The process dies at once.
    func kill(_ node: SimulatedNode) {
        guard let process = node.process else { return }
        trace.note("kill", at: node.id, now)
        if process.hasWork { areHintsWhole = false }
        for shard in process.shards.indices {
            let waiting = node.disk[shard].waitingWriteCount
            node.disk[shard].kill(surviving: diskDice.below(waiting + 1))
        }
        end(node, isSudden: false)
    }

    /// The whole machine dies at once.
    func failPower(_ node: SimulatedNode) {
        trace.note("power failure", at: node.id, now)
        areHintsWhole = false
        let disk = node.disk
        for shard in disk.engines.indices {
            let unsafe = disk[shard].unsyncedCount + disk[shard].waitingWriteCount
            node.disk[shard].crash(surviving: diskDice.below(unsafe + 1))
        }
        if options.durability == .interval { markLost(since: disk, at: node) }
        end(node, isSudden: true)
    }

    private func end(_ node: SimulatedNode, isSudden: Bool) {
        guard let process = node.process else { return }
        noteHintsLost(by: node)
        counts.hintsDelivered += process.sum(\.hintsDelivered)
        counts.standInsHandedOver += process.sum(\.standInsHandedOver)
        counts.hintsExpired += process.sum(\.hintsExpired)
        counts.recordsPurged += process.sum(\.purged)
        counts.obsoleteDropped += process.sum(\.obsoleteDropped)
        counts.changesByVersion += process.sum(\.changesByVersion)
        node.process = nil
        messagesUnderWay -= process.backlog.count { $0.isRequest }
        node.endPause(at: now)
        node.diskSlowness = 1
        node.diskErrorPercent = 0
        for other in nodes where other !== node {
            network.setConnection(nil, of: node.index, to: other.index)
            tellClosed(other.index, node.index, isSudden: isSudden)
        }
        for operation in log.lose(node: node.index, process: process.number) {
            guard let client = operation.client else { continue }
            clients[client].operation = nil
            schedule(.wake(client: client), after: delay(options.think, &loadDice))
        }
    }

    // MARK: Clean stops

    func stop(_ node: SimulatedNode) {
        guard let process = node.process, !process.isStopping else { return }
        trace.note("stop", at: node.id, now)
        process.isStopping = true
        step(node, control: .stopping)
        continueStop(node, process, .answering, now + Self.stopStageLimit)
    }

    func continueStop(
        _ node: SimulatedNode,
        _ process: Process,
        _ stage: StopStage,
        _ deadline: Instant
    ) {
        let isReady = stage == .answering ? process.inFlight == 0 : !process.hasWork
        guard isReady || now >= deadline else {
            let event = Event.stopping(
                node: node.index,
                process: process.number,
                stage,
                deadline: deadline
            )
            return schedule(event, after: Self.stopPoll)
        }
        switch stage {
        case .answering:
            for other in nodes where other !== node {
                guard let open = network.connection(of: node.index, to: other.index) else {
                    continue
                }
                close(node.index, other.index, open)
            }
            continueStop(node, process, .closing, now + Self.stopStageLimit)
        case .closing:
            guard isReady else { return kill(node) }
            trace.note("stopped", at: node.id, now)
            let isEmpty = process.hasGivenAllAway
            invariant(!isEmpty || node.disk.holdsNothing, "\(node.id) would forget what it has")
            for shard in process.shards {
                let state = shard.shard.savedState.encoded()
                _ = node.disk[shard.index].closeClean(state: state, isEmpty: isEmpty)
            }
            if options.faults.contains(.oldCopies), diskDice.chance(1, in: 2) {
                node.copy = node.disk
                node.isCopyDoubtful = node.talliesAreDoubtful
            }
            end(node, isSudden: false)
        }
    }
}
