import HengeBase
import HengeMessages
import HengeRing
import HengeSimulator

/// Nodes that say what is not so of rings.
extension Mutant {
    /// Tells of each ring after the first that another one was decided.
    static func forgedRings() -> Mutant {
        let mutant = Mutant()
        mutant.said = { message in
            switch message {
            case .decided(var document) where document.epoch > 1:
                document.highestID = NodeID(document.highestID.rawValue + 1)
                return .decided(document)
            case .next(let delta):
                let forged = ~delta.checksum
                let (epoch, change) = (delta.epoch, delta.change)
                return .next(RingDelta(epoch: epoch, checksum: forged, change: change))
            default: return message
            }
        }
        return mutant
    }

    /// Agrees to unsafe recoveries, and tells nobody.
    static func silentSurvivors() -> Mutant {
        let mutant = Mutant()
        mutant.said = { message in
            if case .agreed = message { .ask(epoch: 0, token: 0) } else { message }
        }
        return mutant
    }
}
