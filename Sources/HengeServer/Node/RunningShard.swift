import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing
import HengeStorage
import Logging
import NIOCore

/// The parts of one of a node's shards that run on its event loop, wired together. The first has
/// the node's control plane, too.
final class RunningShard {
    /// What all shards of a node begin with.
    struct Common: Sendable {
        let settings: NodeSettings
        let start: NodeStart
        let life: UInt64
        let connections: ConnectionCount
        let logger: Logger
    }

    let driver: NodeDriver
    let transport: PeerTransport
    let clients: ClientListener
    private let settings: NodeSettings
    private let housekeeping: RepeatedTask

    init(_ common: Common, slice: ShardSlice, eventLoop: any EventLoop) {
        var generator = SystemRandomNumberGenerator()
        let start = common.start
        let settings = common.settings
        let storage = start.store.engines[slice.index]
        let member = start.member
        var logger = common.logger
        if slice.count > 1 { logger[metadataKey: "shard"] = "\(slice.index)" }
        let ring = Ring(start.acceptor.document)
        let saved = storage.previousCleanState.flatMap(SavedState.init)
        let shard = Shard(
            node: member.id,
            slice: slice,
            ring: ring,
            configuration: settings.shard.shared(among: slice.count),
            saved: saved,
            hints: storage.hintBacklogs,
            watermarks: storage.watermarks,
            transfers: storage.transfers,
            isNew: storage.startNumber == 1,
            seed: generator.next()
        )
        driver = NodeDriver(
            eventLoop: eventLoop,
            settings: settings,
            node: member.id,
            slice: slice,
            shard: shard,
            control: slice.index == 0
                ? Self.controlPlane(common, ring, seed: generator.next()) : nil,
            storage: storage,
            logger: logger
        )
        // The loop searches what RocksDB has in memory.
        PerfContext.disable()
        driver.standing.lives = LivesOfShard(saved: storage.storedLives)
        let hello = PeerHello(
            clusterID: ring.document.clusterID,
            node: member.id,
            name: member.name,
            epoch: ring.document.epoch,
            life: common.life,
            respAddress: settings.respAddress.description,
            httpAddress: settings.httpAddress?.description ?? "",
            slice: slice
        )
        transport = PeerTransport(driver: driver, hello: hello, seed: generator.next())
        clients = ClientListener(driver: driver, connections: common.connections)
        self.settings = settings
        housekeeping = driver.keepHouse()
        tellWhatIsFound(saved, storage, logger)
        if saved?.counts == nil { countRecords(storage, logger) }
    }

    private static func controlPlane(
        _ common: Common,
        _ ring: Ring,
        seed: UInt64
    ) -> ControlPlane {
        ControlPlane(
            node: common.start.member.id,
            ring: common.start.acceptor,
            isRingUnconfirmed: common.start.isUnconfirmed,
            settings: common.settings.control,
            life: common.life,
            savedLives: LivesOfShard.joined(
                common.start.store.engines.map(\.storedLives),
                in: ring
            ),
            seed: seed,
            at: SystemClock.now()
        )
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
                    let total = bound.value.shard.partitionTallies.total
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

    /// Accepts other nodes' connections from now on. Fails when the address can't be bound.
    func listenToPeers() -> EventLoopFuture<Void> {
        transport.listen(on: settings.peerAddress)
    }

    /// Takes part in the cluster from now on.
    func start() {
        if driver.isFirst {
            driver.startControl()
            driver.startWatch()
            driver.clusterWatch.recorder.start()
        } else {
            driver.startReporting()
        }
        transport.dialAll()
    }

    /// Closes every connection. Returns what a clean stop saves.
    func stop() -> ByteBuffer {
        housekeeping.cancel()
        var state = driver.savedState
        // What is still being written is not in the counts, so the next start makes its own.
        if !driver.isIdle { state.counts = nil }
        if driver.isFirst {
            driver.stopControl()
            driver.stopWatch()
            driver.clusterWatch.recorder.stop()
        } else {
            driver.stopReporting()
        }
        clients.stop()
        transport.stop()
        return state.encoded()
    }
}
