package import HengeBase

/// A node as the ring knows it.
package struct Member: Hashable, Sendable {
    package let id: NodeID
    /// 1 to 64 characters of `A-Z a-z 0-9 . _ -`, unique in the cluster.
    package let name: String
    /// `host:port` where its peers reach it, an IPv6 host in brackets.
    package let peerAddress: String
    /// The failure domain, such as a rack; a name like that of a node, or empty: a node without a
    /// zone fails on its own.
    package let zone: String
    /// Its share of the ring relative to the other members, 1...1000.
    package let weight: Int

    package static let weights = 1...1000
    package static let countMax = 1000
    package static let nameLengthMax = 64

    package init(
        id: NodeID,
        name: String,
        peerAddress: String,
        zone: String = "",
        weight: Int = 1
    ) {
        self.id = id
        self.name = name
        self.peerAddress = peerAddress
        self.zone = zone
        self.weight = weight
    }

    /// Whether `text` may name a node or a zone.
    package static func isName(_ text: some StringProtocol) -> Bool {
        let bytes = text.utf8
        return !bytes.isEmpty && bytes.count <= nameLengthMax && bytes.allSatisfy(isNameByte)
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
