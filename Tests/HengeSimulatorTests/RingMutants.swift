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
            guard case .decided(var document) = message, document.epoch > 1 else { return message }
            document.highestID = NodeID(document.highestID.rawValue + 1)
            return .decided(document)
        }
        return mutant
    }
}
