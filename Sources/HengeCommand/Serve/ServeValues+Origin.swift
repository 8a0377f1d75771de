import HengeRing
import HengeServer

/// How the node comes by its ring, from `--bootstrap` or `--join`.
extension ServeValues {
    func origin() throws(CommandFailure) -> NodeSettings.Origin {
        switch (text("bootstrap"), text("join")) {
        case (let list?, nil): return .bootstrap(try bootstrap(list))
        case (nil, let seeds?): return .join(seeds: try self.seeds(seeds))
        case (nil, nil):
            throw CommandFailure(
                .usage,
                "--bootstrap is needed, or --join for a node that is added later; "
                    + "see henge serve --help"
            )
        case (_?, _?):
            throw CommandFailure(
                .usage,
                "--bootstrap and --join exclude each other: a node is one of the first members, or "
                    + "it is added later"
            )
        }
    }

    private func bootstrap(_ text: String) throws(CommandFailure) -> BootstrapList {
        do throws(BootstrapError) {
            return try BootstrapList.parse(text)
        } catch {
            throw CommandFailure(.usage, "--bootstrap: \(error)")
        }
    }

    /// At most so many: a few are enough to find the rest.
    private static let seedsMax = 64

    private func seeds(_ text: String) throws(CommandFailure) -> [HostPort] {
        var seeds: [HostPort] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let word = part.filter { !$0.isWhitespace }
            guard let seed = HostPort(word) else {
                throw wrong("join", text, "host:port, or several separated by commas")
            }
            if !seeds.contains(seed) { seeds.append(seed) }
        }
        guard seeds.count <= Self.seedsMax else {
            throw wrong("join", text, "at most \(Self.seedsMax) addresses")
        }
        return seeds
    }

    /// What the node says of itself, or the bootstrap list says of it.
    func describeOwn(_ settings: inout NodeSettings) throws(CommandFailure) {
        switch settings.origin {
        case .bootstrap(let list): try checkOwnEntry(settings, list)
        case .join(let seeds): try describeCandidate(&settings, seeds)
        }
    }

    private func describeCandidate(
        _ settings: inout NodeSettings,
        _ seeds: [HostPort]
    ) throws(CommandFailure) {
        guard Member.isName(settings.name) else {
            throw wrong("name", settings.name, "1 to \(Member.nameLengthMax) of A-Z a-z 0-9 . _ -")
        }
        let peer = settings.peerAddress
        guard peer.host != "0.0.0.0", peer.host != "::" else {
            throw wrong("peer", "\(peer)", "an address at which the other nodes reach this one")
        }
        guard !seeds.contains(peer) else {
            throw CommandFailure(
                .usage,
                "--join \(peer): that is this node itself; name the peer address of a member"
            )
        }
        for key in ["replicas", "partitions"] where text(key) != nil {
            throw CommandFailure(
                .usage,
                "--\(key) goes with --bootstrap; with --join the cluster has decided it already"
            )
        }
        settings.zone = try value("zone", default: "", "1 to 64 of A-Z a-z 0-9 . _ -") {
            Member.isName($0) ? $0 : nil
        }
        settings.weight = try number("weight", default: 1, in: Member.weights)
    }

    /// Zone and weight must be the same on all nodes, so the list decides and flags may only agree.
    private func checkOwnEntry(
        _ settings: NodeSettings,
        _ list: BootstrapList
    ) throws(CommandFailure) {
        guard let own = list.entries.first(where: { $0.name == settings.name }) else { return }
        if let zone = text("zone"), zone != own.zone {
            throw CommandFailure(
                .usage,
                "--zone \(zone) is not what the bootstrap list says of \(settings.name); "
                    + "write \(settings.name)=\(own.address)/zone=\(zone) there, on all nodes"
            )
        }
        if let weight = text("weight"), weight != String(own.weight) {
            throw CommandFailure(
                .usage,
                "--weight \(weight) is not what the bootstrap list says of \(settings.name); "
                    + "write \(settings.name)=\(own.address)/weight=\(weight) there, on all nodes"
            )
        }
    }
}
