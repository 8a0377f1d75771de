/// One change of the ring that an operator asks for. Nodes go by their names.
package enum RingOperation: Hashable, Sendable, CustomStringConvertible {
    /// A candidate becomes a member; with this weight and zone in place of those that it came with.
    case add(String, weight: Int?, zone: String?)
    /// A member gives its data away and leaves.
    case remove(String)
    /// A candidate takes the place, and the weight, of a member that leaves, be it up or down.
    case replace(String, with: String)
    /// A member that is down leaves without giving anything away: what it held comes from the other
    /// replicas.
    case forceRemove(String)
    /// 1...1000.
    case weight(String, Int)
    /// Empty for none.
    case zone(String, String)

    /// In the words of the command line.
    package var description: String {
        switch self {
        case .add(let name, let weight, let zone):
            "add \(name)" + (weight.map { " --weight \($0)" } ?? "")
                + (zone.map { " --zone \($0)" } ?? "")
        case .remove(let name): "remove \(name)"
        case .replace(let old, let new): "replace \(old) \(new)"
        case .forceRemove(let name): "force-remove \(name)"
        case .weight(let name, let weight): "weight \(name) \(weight)"
        case .zone(let name, let zone): "zone \(name) \(zone.isEmpty ? "''" : zone)"
        }
    }

    /// Every node that it is about.
    var names: [String] {
        switch self {
        case .add(let name, _, _), .remove(let name), .forceRemove(let name), .weight(let name, _),
            .zone(let name, _):
            [name]
        case .replace(let old, let new): [old, new]
        }
    }

    /// Whether both can be meant: two changes of one node only when they change different things of
    /// one that is a member afterwards.
    func agrees(with earlier: RingOperation) -> Bool {
        guard names.contains(where: earlier.names.contains) else { return true }
        switch (self, earlier) {
        case (.weight, .weight), (.zone, .zone): return false
        case (.weight(let name, _), _), (.zone(let name, _), _): return !earlier.drops(name)
        case (.add, _), (.remove, _), (.replace, _), (.forceRemove, _): return false
        }
    }

    private func drops(_ name: String) -> Bool {
        switch self {
        case .remove(name), .forceRemove(name), .replace(name, with: _): true
        case .remove, .forceRemove, .replace, .add, .weight, .zone: false
        }
    }
}

/// A node that runs and owns nothing: it has asked to join.
package struct RingCandidate: Hashable, Sendable {
    package var name: String
    /// As ``Member/peerAddress``.
    package var peerAddress: String
    /// Empty for none.
    package var zone: String
    package var weight: Int

    package init(name: String, peerAddress: String, zone: String = "", weight: Int = 1) {
        self.name = name
        self.peerAddress = peerAddress
        self.zone = zone
        self.weight = weight
    }
}
