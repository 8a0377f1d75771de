import HengeClient
import HengeRESP
import NIOCore
import NIOPosix

/// Puts a load on servers: connects, fills the keys, warms up, measures.
package struct LoadRun: Sendable {
    /// A server that answers nothing for so long is given up.
    package static let silenceSecondsMax = 30

    private static let connectTimeout = TimeAmount.seconds(5)

    private let plan: LoadPlan
    /// Called about every second in each phase.
    private let report: @Sendable (LoadProgress) -> Void

    package init(
        plan: LoadPlan,
        report: @escaping @Sendable (LoadProgress) -> Void = { _ in }
    ) {
        self.plan = plan
        self.report = report
    }

    /// What the measured phase gave.
    ///
    /// - Throws: ``LoadError`` when there was nothing to measure.
    package func run() async throws -> LoadResult {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
        do {
            let result = try await run(on: group)
            try? await group.shutdownGracefully()
            return result
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private func run(on group: MultiThreadedEventLoopGroup) async throws -> LoadResult {
        let workers = try await makeWorkers(on: group)
        try await connect(workers)
        if let populate = plan.populate {
            let result = try await run(populate, on: workers)
            if let first = result.errors.entries.first {
                throw LoadError.populate(failed: result.errors.count, first.text)
            }
        }
        if let warmup = plan.warmup { _ = try await run(warmup, on: workers) }
        return try await run(plan.measured, on: workers)
    }

    // MARK: Connecting

    private typealias Worker = NIOLoopBound<LoadWorker>

    private func makeWorkers(on group: MultiThreadedEventLoopGroup) async throws -> [Worker] {
        var workers: [Worker] = []
        for share in 0..<plan.threads {
            let loop = group.next()
            let worker = try await loop.submit { [plan] in
                NIOLoopBound(
                    LoadWorker(plan: plan, share: share, eventLoop: loop),
                    eventLoop: loop
                )
            }.get()
            workers.append(worker)
        }
        return workers
    }

    private func connect(_ workers: [Worker]) async throws {
        for index in 0..<plan.connections {
            let worker = workers[index % workers.count]
            let client = try await worker.eventLoop.submit { [plan] in
                let client = LoadClient(slots: plan.slots)
                worker.value.add(client)
                return NIOLoopBound(client, eventLoop: worker.eventLoop)
            }.get()
            let one = plan.addresses[index % plan.addresses.count]
            for address in plan.slots?.nodes ?? [one] {
                try await connect(client, of: worker, to: address)
            }
        }
    }

    private func connect(
        _ client: NIOLoopBound<LoadClient>,
        of worker: Worker,
        to address: HengeAddress
    ) async throws {
        let pipelineMax = [plan.populate, plan.warmup, plan.measured]
            .reduce(1) { max($0, $1?.pipeline ?? 1) }
        let bootstrap = ClientBootstrap(group: worker.eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = LoadConnection(
                        worker: worker.value,
                        client: client.value,
                        pipelineMax: pipelineMax
                    )
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: address.host, port: address.port).get()
        } catch {
            throw LoadError.unreachable("can't connect to \(address): \(error)")
        }
        try await prepare(channel, of: client)
    }

    private func prepare(
        _ channel: any Channel,
        of client: NIOLoopBound<LoadClient>
    ) async throws {
        var requests = ByteBuffer()
        for words in plan.preparation { RESPRequestEncoder.encode(words, into: &requests) }
        let replies = plan.preparation.count
        try await channel.eventLoop.flatSubmit { [requests] in
            do {
                let connection = try channel.pipeline.syncOperations.handler(
                    type: LoadConnection.self
                )
                client.value.add(connection)
                return connection.prepare(requests, replies: replies)
            } catch {
                return channel.eventLoop.makeFailedFuture(error)
            }
        }.get()
    }

    // MARK: Phases

    private func run(_ phase: LoadPhase, on workers: [Worker]) async throws -> LoadResult {
        let watcher = Task { await watch(phase, on: workers) }
        defer { watcher.cancel() }
        let futures = workers.map { worker in
            worker.eventLoop.flatSubmit { worker.value.run(phase) }
        }
        var results: [LoadResult] = []
        for future in futures { results.append(try await future.get()) }
        guard var sum = results.first else { preconditionFailure("there is a worker") }
        for result in results.dropFirst() { sum.add(result) }
        if sum.operations == 0, let loss = sum.loss {
            throw LoadError.lost(loss)
        }
        return sum
    }

    /// Reports each second, and ends a phase in which nothing is answered any more.
    private func watch(_ phase: LoadPhase, on workers: [Worker]) async {
        let start = ContinuousClock.now
        var last = LoadProgress(phase: phase)
        var silentSeconds = 0
        var tick = 1
        while !Task.isCancelled {
            do {
                try await Task.sleep(until: start + .seconds(tick), clock: .continuous)
                let now = try await progress(of: phase, on: workers, since: start, last: last)
                guard !Task.isCancelled else { return }
                report(now)
                silentSeconds = now.answered == last.answered ? silentSeconds + 1 : 0
                if silentSeconds >= Self.silenceSecondsMax {
                    let reason = "nothing was answered for \(silentSeconds) s"
                    for worker in workers {
                        try await worker.eventLoop.submit { worker.value.abort(reason) }.get()
                    }
                    return
                }
                last = now
            } catch {
                // Cancelled, or the loops are gone: the phase is over.
                return
            }
            tick += 1
        }
    }

    private func progress(
        of phase: LoadPhase,
        on workers: [Worker],
        since start: ContinuousClock.Instant,
        last: LoadProgress
    ) async throws -> LoadProgress {
        var progress = LoadProgress(phase: phase)
        for worker in workers {
            let (operations, errors) = try await worker.eventLoop
                .submit { worker.value.progress }.get()
            progress.operations += operations
            progress.errors += errors
        }
        progress.seconds = (ContinuousClock.now - start) / .seconds(1)
        let elapsed = progress.seconds - last.seconds
        progress.rate = elapsed > 0 ? Double(progress.operations - last.operations) / elapsed : 0
        return progress
    }
}
