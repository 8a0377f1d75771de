import HengeMessages

/// What a bulk message is sent for, as far as its bytes are counted apart.
enum BulkTraffic: Sendable {
    /// Comparing with another node.
    case entropy
    /// Handing over records: hints, and what a comparison found the other node to lack.
    case handOff
    case other

    init(_ message: PeerMessage) {
        self =
            switch message {
            case .entropy: .entropy
            case .handOff, .handedOff: .handOff
            default: .other
            }
    }
}
