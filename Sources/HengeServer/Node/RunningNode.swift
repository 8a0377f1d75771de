import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing
import HengeStorage
import Logging
import NIOCore

/// The parts of a node that run on its event loop, wired together.
final class RunningNode {
    let driver: NodeDriver
    private let transport: PeerTransport
    let clients: ClientListener
    private let settings: NodeSettings
    private let housekeeping: RepeatedTask

    init(
        settings: NodeSettings,
        start: NodeStart,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        var generator = SystemRandomNumberGenerator()
        let storage = start.storage
        let member = start.member
        let ring = Ring(start.acceptor.document)
        let saved = storage.previousCleanState.flatMap(SavedState.init)
        let shard = Shard(
            node: member.id,
            ring: ring,
            configuration: settings.shard,
            saved: saved,
            hints: storage.hintBacklogs,
            watermarks: storage.watermarks,
            transfers: storage.transfers,
            isNew: storage.startNumber == 1,
            seed: generator.next()
        )
        let loop = group.next()
        let life = Life.make(start: storage.startNumber, chance: generator.next())
        let control = ControlPlane(
            node: member.id,
            ring: start.acceptor,
            isRingUnconfirmed: start.isUnconfirmed,
            settings: settings.control,
            life: life,
            savedLives: storage.storedLives,
            seed: generator.next(),
            at: SystemClock.now()
        )
        driver = NodeDriver(
            eventLoop: loop,
            settings: settings,
            node: member.id,
            shard: shard,
            control: control,
            storage: storage,
            logger: logger
        )
        let hello = PeerHello(
            clusterID: ring.document.clusterID,
            node: member.id,
            name: member.name,
            epoch: ring.document.epoch,
            life: life,
            respAddress: settings.respAddress.description,
            httpAddress: settings.httpAddress?.description ?? ""
        )
        transport = PeerTransport(
            driver: driver,
            hello: hello,
            group: group,
            seed: generator.next()
        )
        clients = ClientListener(driver: driver, group: group)
        self.settings = settings
        housekeeping = driver.keepHouse()
        tellWhatIsFound(saved, storage, logger)
        if saved?.counts == nil { countRecords(storage, logger) }
    }

    private func tellWhatIsFound(_ saved: SavedState?, _ storage: RocksDBEngine, _ logger: Logger) {
        logger.info(
            "actors",
            metadata: [
                "state": saved == nil ? "new" : "kept, if no other node knows of a later start"
            ]
        )
        for backlog in storage.hintBacklogs where backlog.count > 0 {
            logger.info(
                "hints found",
                metadata: [
                    "for": .string(driver.name(of: backlog.target)), "hints": "\(backlog.count)",
                    "bytes": "\(backlog.bytes)",
                ]
            )
        }
    }

    /// After anything but a clean stop the records are counted in the background, while serving.
    private func countRecords(_ storage: RocksDBEngine, _ logger: Logger) {
        let bound = NIOLoopBound(driver, eventLoop: driver.eventLoop)
        let loop = driver.eventLoop
        storage.tally(
            partitionBits: driver.ring.partitionBits,
            progress: { progress in
                logger.info("counting records", metadata: ["records": "\(progress.records)"])
            }
        ) { result in
            switch result {
            case .success(let tally):
                loop.execute {
                    bound.value.addInitialTallies(tally.partitions, leaves: tally.leaves)
                    let total = bound.value.tallies.total
                    logger.info(
                        "records counted",
                        metadata: ["keys": "\(total.keys)", "bytes": "\(total.bytes)"]
                    )
                }
            case .failure(let failure):
                logger.error("records could not be counted", metadata: ["reason": "\(failure)"])
            }
        }
    }

    func listen() -> EventLoopFuture<Void> {
        let node = NIOLoopBound(self, eventLoop: driver.eventLoop)
        return transport.listen(on: settings.peerAddress).flatMap {
            node.value.driver.startControl()
            node.value.driver.startWatch()
            node.value.driver.clusterWatch.recorder.start()
            node.value.transport.dialAll()
            return node.value.clients.listen(on: node.value.settings.respAddress)
        }
    }

    /// Closes every connection. Returns what a clean stop saves.
    func stop() -> ByteBuffer {
        housekeeping.cancel()
        var state = driver.savedState
        // What is still being written is not in the counts, so the next start makes its own.
        if !driver.isIdle { state.counts = nil }
        driver.stopControl()
        driver.stopWatch()
        driver.clusterWatch.recorder.stop()
        clients.stop()
        transport.stop()
        return state.encoded()
    }
}
