import HengeMessages

/// What a bulk message is sent for, as far as its bytes are counted apart.
enum BulkTraffic: Sendable {
    /// Comparing with another node.
    case entropy
    /// Handing over records: hints, what a comparison found the other node to lack, and partitions
    /// that move.
    case handOff
    case other

    init(_ message: PeerMessage) {
        self =
            switch message {
            case .entropy: .entropy
            case .handOff, .handedOff, .transfer, .transferred: .handOff
            default: .other
            }
    }
}
