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
        let state = node.engine.open().flatMap { SavedState($0) }
        let saved = interposer.map { $0.saved(state, of: node.id) } ?? state
        node.clock.origin = startDice.next() >> 20
        let acceptor = acceptor(of: node)
        guard acceptor.document.allMembers.contains(where: { $0.id == node.id }) else {
            return trace.note("is no member", at: node.id, now)
        }
        node.processesStarted += 1
        let ring = acceptor.document == self.ring.document ? self.ring : Ring(acceptor.document)
        note(ring)
        let shard = Shard(
            node: node.id,
            ring: ring,
            configuration: configuration,
            saved: saved,
            hints: node.engine.hintBacklogs,
            watermarks: node.engine.watermarks,
            transfers: node.engine.transfers,
            isNew: node.engine.startNumber == 1,
            seed: startDice.next()
        )
        let life = Life.make(start: node.engine.startNumber, chance: startDice.next())
        let process = Process(
            number: node.processesStarted,
            life: life,
            nodes: nodes.count,
            control: makeControl(node, ring: acceptor, life: life),
            shard: shard
        )
        node.process = process
        causal.started(node.index)
        trace.note("start", at: node.id, now)
        if saved?.counts == nil {
            node.talliesAreDoubtful = false
            let weights = node.engine.tally(partitionBits: ring.partitionBits)
            schedule(
                .tallies(
                    node: node.index,
                    process: process.number,
                    weights,
                    node.engine.leaves(partitionBits: ring.partitionBits)
                ),
                after: delay(.milliseconds(20), &startDice)
            )
        }
        scheduleSync(node, process)
        scheduleHousekeeping(node, process)
        startControl(node, process)
        for other in nodes where other !== node { dialSoon(node.index, other.index) }
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
        if process.shard.hasWork { areHintsWhole = false }
        node.engine.kill(surviving: diskDice.below(node.engine.waitingWriteCount + 1))
        end(node, isSudden: false)
    }

    /// The whole machine dies at once.
    func failPower(_ node: SimulatedNode) {
        trace.note("power failure", at: node.id, now)
        areHintsWhole = false
        let disk = node.engine
        let unsafe = node.engine.unsyncedCount + node.engine.waitingWriteCount
        node.engine.crash(surviving: diskDice.below(unsafe + 1))
        if options.durability == .interval { markLost(since: disk, at: node) }
        end(node, isSudden: true)
    }

    private func end(_ node: SimulatedNode, isSudden: Bool) {
        guard let process = node.process else { return }
        noteHintsLost(by: node)
        counts.hintsDelivered += process.shard.counters.hintsDelivered
        counts.standInsHandedOver += process.shard.counters.standInsHandedOver
        counts.hintsExpired += process.shard.counters.hintsExpired
        counts.recordsPurged += process.shard.counters.purged
        counts.obsoleteDropped += process.shard.counters.obsoleteDropped
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
        let isReady = stage == .answering ? process.shard.inFlight == 0 : !process.shard.hasWork
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
            let isEmpty = process.shard.hasGivenAllAway
            invariant(!isEmpty || node.engine.holdsNothing, "\(node.id) would forget what it has")
            let state = process.shard.savedState.encoded()
            _ = node.engine.closeClean(state: state, isEmpty: isEmpty)
            if options.faults.contains(.oldCopies), diskDice.chance(1, in: 2) {
                node.copy = node.engine
                node.isCopyDoubtful = node.talliesAreDoubtful
            }
            end(node, isSudden: false)
        }
    }
}
