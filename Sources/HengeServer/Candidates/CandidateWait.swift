import HengeBase
import HengeRing
import Logging
import NIOCore
import ServiceLifecycle

/// The start of a node that joins: it goes on with the ring on its disk, or waits as a candidate
/// until a ring names it.
struct CandidateWait {
    let settings: NodeSettings
    let seeds: [HostPort]
    let starter: NodeStarter
    let logger: Logger
    let onCandidate: @Sendable (CandidateReport) -> Void

    /// - Returns: nil when it was asked to stop before.
    func run(on loop: any EventLoop) async throws -> NodeStart? {
        let store = try starter.openExisting()
        do {
            if let store, let start = try starter.begin(joined: store) { return start }
        } catch {
            store?.close()
            throw error
        }
        let (rings, continuation) = AsyncStream<RingDocument>.makeStream()
        let clusterID = store?.first.clusterID
        let node = try await loop.submit {
            let node = CandidateNode(
                settings: settings,
                seeds: seeds,
                clusterID: clusterID,
                eventLoop: loop,
                logger: logger,
                seed: .random(in: 0 ... .max),
                onRing: { continuation.yield($0) }
            )
            return NIOLoopBound(node, eventLoop: loop)
        }.get()
        do {
            try await loop.flatSubmit { node.value.start() }.get()
        } catch {
            try? await loop.flatSubmit { node.value.stop() }.get()
            store?.close()
            throw StartError.cannotListen("\(error)")
        }
        let seedList = seeds.map(\.description).joined(separator: ",")
        logger.info("looking for the cluster", metadata: ["seeds": .string(seedList)])
        let result = await withGracefulShutdownHandler {
            await firstStart(among: rings, store)
        } onGracefulShutdown: {
            continuation.finish()
        }
        try await loop.flatSubmit { node.value.stop() }.get()
        return try result.get()
    }

    /// Waits for a ring that names this node. Opens the data with the first one, so that a disk
    /// that can't be used shows before anybody counts on it.
    private func firstStart(
        among rings: AsyncStream<RingDocument>,
        _ existing: NodeStore?
    ) async -> Result<NodeStart?, StartError> {
        var store = existing
        var isTold = false
        do throws(StartError) {
            for await document in rings {
                let partitions = document.owners.count
                let open: NodeStore
                if let store {
                    open = store
                } else {
                    open = try starter.open(document.clusterID, partitions: partitions)
                    store = open
                }
                if let start = try starter.begin(with: document, open) { return .success(start) }
                if !isTold { tell(document) }
                isTold = true
            }
            store?.close()
            return .success(nil)
        } catch {
            store?.close()
            return .failure(error)
        }
    }

    private func tell(_ document: RingDocument) {
        logger.notice(
            """
            candidate: this node owns nothing until the ring takes it in; to do that type \
            'henge ring add \(settings.name)', 'henge ring plan' and 'henge ring commit', with \
            --node and the RESP address of a member
            """,
            metadata: [
                "cluster": .string(hexadecimal(document.clusterID)), "epoch": "\(document.epoch)",
                "members": "\(document.members.count)",
            ]
        )
        onCandidate(
            CandidateReport(
                name: settings.name,
                cluster: hexadecimal(document.clusterID),
                resp: settings.respAddress.description,
                peer: settings.peerAddress.description
            )
        )
    }
}
