import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing
import Logging
import NIOCore

/// The first driver's half for the control plane: rounds in time, and its effects carried out.
extension NodeDriver {
    /// Begins the rounds of gossip; the first comes at a random time within one.
    func startControl() {
        stepControl(.start)
        let interval = Int64(clamping: settings.control.interval.nanoseconds)
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        controlTicks = eventLoop.scheduleRepeatedTask(
            initialDelay: .nanoseconds(.random(in: 0..<interval)),
            delay: .nanoseconds(interval)
        ) { _ in driver.value.beginRound() }
    }

    func stopControl() {
        controlTicks?.cancel()
        controlTicks = nil
    }

    /// Tells the others that this node is about to stop.
    func announceStop() {
        stepControl(.stopping)
    }

    private func beginRound() {
        for case let link? in links {
            switch link.takeTraffic() {
            case .none: break
            case .heard: stepControl(.heard(link.peer.id))
            case .asked: stepControl(.asked(link.peer.id))
            }
        }
        handInReport()
        stepControl(.tick)
    }

    func stepControl(_ input: ControlInput) {
        eventLoop.assertInEventLoop()
        control?.step(input, at: now, effects: &controlEffects)
        drainControl()
    }

    /// Carries out what the control plane wants; what rests on a new ring waits until all shards go
    /// by that.
    func drainControl() {
        // As with the shard's: effects of effects are left to the loop that is already running.
        guard !isDrainingControl else { return }
        isDrainingControl = true
        while let effect = controlEffects.takeFirst() { carryOutInTurn(effect) }
        isDrainingControl = false
    }

    private func carryOutInTurn(_ effect: consuming ControlEffect) {
        if standing.isAdopting, effect.waitsForAdoption {
            standing.held.append(effect)
        } else {
            carryOut(effect)
        }
    }

    /// All shards go by the ring that was adopted last.
    func allHaveAdopted() {
        standing.isAdopting = false
        let held = standing.held
        standing.held = []
        // What comes of these comes after all of them.
        isDrainingControl = true
        for effect in held { carryOutInTurn(effect) }
        isDrainingControl = false
        drainControl()
    }

    private func carryOut(_ effect: ControlEffect) {
        switch effect {
        case .send(let id, let message): link(to: id)?.send(.gossip(message))
        case .disconnect(let id):
            link(to: id)?.giveUp()
            tellSiblings { $0.link(to: id)?.giveUp() }
        case .peerUp(let id): tookForUp(id, true)
        case .peerDown(let id): tookForUp(id, false)
        case .confirmActors(let isNewest): stepShards(.actorsConfirmed(isNewest))
        case .saveLives(let lives): storage.saveLives(lives)
        case .note(let note): write(note)
        case .sendRing(let id, let message): link(to: id)?.send(.ring(message))
        case .sendReport(let id, let report): link(to: id)?.send(.ringReport(report))
        case .saveRing(let bytes): saveRing(bytes)
        case .adopted(let ring): adoptEverywhere(ring)
        case .memberEpoch(let id, let epoch): stepShards(.memberEpoch(id, epoch))
        case .proposalEnded(let outcome): administrator.proposalEnded(outcome)
        }
    }

    private func write(_ note: ControlNote) {
        switch note {
        case .up(let id):
            logger.info("peer up", metadata: peer(id))
        case .suspect(let id, let phi):
            logger.notice("peer suspected", metadata: peer(id, ["phi": "\(phi.toTenths)"]))
        case .cleared(let id):
            logger.notice("peer no longer suspected", metadata: peer(id))
        case .down(let id, .disconnected):
            logger.info("peer down", metadata: peer(id, ["reason": "its connection is gone"]))
        case .down(let id, .leaving):
            logger.info("peer down", metadata: peer(id, ["reason": "it stops"]))
        case .down(let id, .late(let phi)):
            logger.warning(
                "peer down",
                metadata: peer(id, ["reason": "no heartbeats", "phi": "\(phi.toTenths)"])
            )
        case .down(let id, .silent(let time)):
            logger.warning(
                "peer down",
                metadata: peer(id, ["reason": "no answers", "silent_ms": "\(time.milliseconds)"])
            )
        case .down(let id, .removed):
            logger.info("peer down", metadata: peer(id, ["reason": "it was removed"]))
        case .ringAdopted(let epoch):
            logger.notice("ring adopted", metadata: ["epoch": "\(epoch)"])
        case .removed:
            logger.warning("this node is no member of the ring any more")
        case .givenUp(let epoch):
            logger.critical(
                """
                this node was given up for lost by an unsafe recovery and is no member of the ring \
                any more; what it acknowledged since, and what it alone held, the others do not \
                have: keep its data directory if that matters
                """,
                metadata: ["epoch": "\(epoch)"]
            )
        case .recoveredApart(let epoch, let id):
            logger.critical(
                """
                a peer goes on by another unsafe recovery than this node: two parts of the cluster \
                have given each other up, and each serves by itself; one of them has to be stopped
                """,
                metadata: peer(id, ["its_epoch": "\(epoch)"])
            )
        case .ringConflict(let epoch, let id):
            logger.critical("two rings of one epoch", metadata: peer(id, ["epoch": "\(epoch)"]))
        case .ringInvalid(let fault, let id):
            logger.error(
                "a peer wants a ring that can't be", metadata: peer(id, ["why": "\(fault)"]))
        case .oldCopy(let reporter, let laterStart):
            logger.warning(
                "the data is older than what this node had before; its actors are renewed",
                metadata: peer(reporter, ["later_start": "\(laterStart)"])
            )
        }
    }

    private func peer(_ id: NodeID, _ more: Logger.Metadata = [:]) -> Logger.Metadata {
        more.merging(["peer": .string(name(of: id))]) { own, _ in own }
    }
}

extension Double {
    /// Rounded to one decimal place.
    package var toTenths: Double { (self * 10).rounded() / 10 }
}
