import HengeBase
import HengeMessages

/// Where a record of a key is: a node's own, or one that it holds in the place of another.
struct Place: Hashable {
    let node: Int
    /// The home replica that it stands in for.
    var home: Int?

    init(node: Int, home: Int? = nil) {
        self.node = node
        self.home = home
    }

    /// The record that a node means by this key.
    init(node: Int, _ key: StoredKey) {
        self.init(node: node, home: key.standInFor.map { Int($0.rawValue) - 1 })
    }

    /// Own records come first, by node.
    func row(_ nodes: Int) -> Int { home.map { nodes * ($0 + 1) + node } ?? node }

    /// A node's own record, and those that it may hold for each other node.
    static func all(of node: Int, _ nodes: Int) -> [Place] {
        [Place(node: node)] + (0..<nodes).map { Place(node: node, home: $0) }
    }

    /// What names the record at this place.
    func key(_ key: StoredKey) -> StoredKey {
        key.standingIn(for: home.map { NodeID(UInt16($0 + 1)) })
    }
}
