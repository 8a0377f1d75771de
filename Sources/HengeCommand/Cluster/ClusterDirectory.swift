import Glibc

/// Where a local cluster keeps what it needs: `DIR/cluster` says what it is, and each node has
/// `DIR/nI/data`, `DIR/nI/log` and, while it should run, `DIR/nI/pid`.
struct ClusterDirectory {
    typealias Node = LocalCluster.Node

    /// A log larger than this is put aside when its node starts; one such is kept.
    private static let logBytesMax = 16 << 20

    let path: String

    private var file: String { "\(path)/cluster" }

    func log(of node: Node) -> String { "\(path)/\(node.name)/log" }
    func data(of node: Node) -> String { "\(path)/\(node.name)/data" }
    private func pidFile(of node: Node) -> String { "\(path)/\(node.name)/pid" }

    /// The cluster in this directory; nil when there is none.
    ///
    /// - Throws: ``CommandFailure`` when its file makes no sense.
    func load() throws(CommandFailure) -> LocalCluster? {
        guard let text = SmallFile.read(file) else { return nil }
        guard let cluster = LocalCluster(text: text) else {
            throw CommandFailure(
                .failed,
                "\(file) makes no sense; name another directory with --dir, or remove this one "
                    + "with all its data"
            )
        }
        return cluster
    }

    /// The cluster in this directory, which must be there.
    func require() throws(CommandFailure) -> LocalCluster {
        if let cluster = try load() { return cluster }
        throw CommandFailure(
            .failed,
            "there is no cluster in \(path); start one with henge cluster up, "
                + "or name its directory with --dir"
        )
    }

    func save(_ cluster: LocalCluster) throws(CommandFailure) {
        try SmallFile.write(cluster.text, to: file)
    }

    /// Takes the directory for this process alone until it ends, or ``unlock(_:)``.
    ///
    /// - Throws: ``CommandFailure`` when another command works on it.
    @discardableResult
    func lock() throws(CommandFailure) -> Lock {
        let descriptor = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CommandFailure.system("can't write in \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw CommandFailure(
                .failed,
                "another henge cluster command works on \(path); wait until it is done"
            )
        }
        return Lock(descriptor: descriptor)
    }

    struct Lock {
        fileprivate let descriptor: Int32
    }

    func unlock(_ lock: Lock) { close(lock.descriptor) }

    /// The process of a node; nil while it doesn't run.
    func process(of node: Node) -> ProcessRecord? {
        guard let text = SmallFile.read(pidFile(of: node)), let record = ProcessRecord(text: text),
            NodeProcess.isRunning(record)
        else { return nil }
        return record
    }

    /// Whether a node ended without having been told to.
    func hasFallen(_ node: Node) -> Bool {
        process(of: node) == nil && SmallFile.read(pidFile(of: node)) != nil
    }

    /// Starts a node. Returns its process, and where in its log the new part begins.
    func start(
        _ node: Node,
        of cluster: LocalCluster
    ) throws(CommandFailure) -> (process: ProcessRecord, logOffset: Int) {
        try SmallFile.makeDirectory("\(path)/\(node.name)")
        let log = log(of: node)
        if SmallFile.size(log) > Self.logBytesMax { rename(log, log + ".old") }
        let offset = SmallFile.size(log)
        let arguments = cluster.arguments(for: node, data: data(of: node))
        let record = try NodeProcess.start(arguments: arguments, log: log)
        try SmallFile.write(record.text, to: pidFile(of: node))
        return (record, offset)
    }

    /// Forgets the process of a node that was told to end and has.
    func forget(_ node: Node) {
        SmallFile.remove(pidFile(of: node))
    }
}
