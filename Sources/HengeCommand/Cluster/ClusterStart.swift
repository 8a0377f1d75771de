/// Starts nodes and waits until they are part of the cluster.
enum ClusterStart {
    static func run(
        _ nodes: [LocalCluster.Node],
        of cluster: LocalCluster,
        in directory: ClusterDirectory,
        limit: Duration
    ) async throws(CommandFailure) {
        var watched: [ReadyWatch.Watched] = []
        for node in cluster.nodes {
            if let process = directory.process(of: node) {
                let log = SmallFile.size(directory.log(of: node))
                watched.append(.init(node: node, process: process, logOffset: log, isNew: false))
            } else if nodes.contains(node) {
                let started = try directory.start(node, of: cluster)
                watched.append(
                    .init(
                        node: node,
                        process: started.process,
                        logOffset: started.logOffset,
                        isNew: true
                    )
                )
            }
        }
        var watch = ReadyWatch(directory, watched, limit: limit)
        try await watch.wait()
    }
}

/// What to know and to try once a cluster is up.
enum ClusterSummary {
    static func write(_ cluster: LocalCluster, _ directory: ClusterDirectory) {
        let color = Output.usesColor
        var table = Table([.init("node"), .init("RESP"), .init("peers"), .init("log")])
        for (index, node) in cluster.nodes.enumerated() {
            table.add([
                Painted(node.name, .node(index)), Painted(LocalCluster.address(node.resp)),
                Painted(LocalCluster.address(node.peer), .faint),
                Painted(directory.log(of: node), .faint),
            ])
        }
        Output.lines(table.lines(color: color))
        let standard = cluster.basePort == LocalCluster.standardBasePort
        let address = cluster.nodes.first.map { LocalCluster.address($0.resp) } ?? ""
        let node = standard ? "" : " --node \(address)"
        let dir = directory.path == ".henge" ? "" : " --dir \(directory.path)"
        let next = [
            "henge put greeting hello\(node)", "henge ring show\(node)",
            "henge cluster status\(dir)",
        ]
        Output.line("try: " + next.joined(separator: "; "))
    }
}
