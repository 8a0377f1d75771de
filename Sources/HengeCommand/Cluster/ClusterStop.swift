import Glibc

/// Ends nodes.
enum ClusterStop {
    /// Longer than a node takes for the requests in flight at its end.
    static let limit = Duration.seconds(15)
    private static let pause = Duration.milliseconds(20)

    /// Signals all nodes at once and waits until each has ended, at most ``limit``.
    ///
    /// - Returns: those that still run.
    static func signal(
        _ nodes: [LocalCluster.Node],
        _ number: Int32,
        in directory: ClusterDirectory
    ) async -> [LocalCluster.Node] {
        var left: [(LocalCluster.Node, ProcessRecord)] = []
        for node in nodes {
            guard let process = directory.process(of: node) else { continue }
            if NodeProcess.signal(process, number) { left.append((node, process)) }
        }
        let end = ContinuousClock.now + limit
        while !left.isEmpty, ContinuousClock.now < end {
            left.removeAll { !NodeProcess.isRunning($0.1) }
            if !left.isEmpty { try? await Task.sleep(for: pause) }
        }
        return left.map { $0.0 }
    }

    /// Asks nodes to end, and kills those that don't in time.
    ///
    /// - Returns: those that had to be killed.
    static func stop(
        _ nodes: [LocalCluster.Node],
        in directory: ClusterDirectory
    ) async throws(CommandFailure) -> [LocalCluster.Node] {
        let stubborn = await signal(nodes, SIGTERM, in: directory)
        let immortal = await signal(stubborn, SIGKILL, in: directory)
        if let node = immortal.first {
            throw CommandFailure(
                .failed,
                "\(node.name) does not end even when killed; try again, and see ps for its state"
            )
        }
        for node in nodes { directory.forget(node) }
        return stubborn
    }

    static func killedNote(_ node: LocalCluster.Node) -> String {
        "\(node.name) did not stop within \(limit.components.seconds) s and was killed; "
            + "nothing acknowledged with --durability sync is lost"
    }
}

extension Duration {
    /// Seconds, as a number to calculate with.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
