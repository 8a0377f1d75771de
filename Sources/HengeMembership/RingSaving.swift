import HengeBase

/// Which effects wait for which save, when there is one save at a time.
struct RingSaving: Hashable, Sendable {
    private enum Phase: Hashable, Sendable {
        case clean
        /// A save is under way, of the present state.
        case saving
        /// A save is under way, and the state has changed since it began.
        case savingOld
        /// The last save failed.
        case failed
    }

    private var phase = Phase.clean
    private var held: [RingElection.Effect] = []
    /// Those that wait for the save after the one that is under way.
    private var heldNext: [RingElection.Effect] = []

    var isClean: Bool { phase == .clean }
    var wantsRetry: Bool { phase == .failed }

    /// The state has changed. Returns whether it is to be saved now.
    mutating func begin() -> Bool {
        switch phase {
        case .clean, .failed:
            phase = .saving
            return true
        case .saving, .savingOld:
            phase = .savingOld
            return false
        }
    }

    /// Keeps an effect until the present state is durable. A vote that is asked for again in the
    /// meantime is kept once: a network that repeats itself must not fill the memory.
    mutating func hold(_ effect: RingElection.Effect) {
        switch phase {
        case .saving: if !held.contains(effect) { held.append(effect) }
        case .savingOld:
            if !held.contains(effect), !heldNext.contains(effect) { heldNext.append(effect) }
        case .clean, .failed: preconditionFailure("RingSaving: nothing is being saved")
        }
    }

    /// Returns what waited, and whether to save again, which has then to begin.
    mutating func finished() -> (released: [RingElection.Effect], again: Bool) {
        invariant(phase == .saving || phase == .savingOld)
        let released = held
        let again = phase == .savingOld
        phase = .clean
        held = heldNext
        heldNext = []
        invariant(again || held.isEmpty)
        return (released, again)
    }

    /// Votes that wait are not given: whoever asked for them will ask again. That a document is
    /// adopted is said when it has been saved after all.
    mutating func failed() {
        invariant(phase == .saving || phase == .savingOld)
        phase = .failed
        dropVotes()
        held += heldNext
        heldNext = []
    }

    /// The epoch that they are for is decided.
    mutating func dropVotes() {
        held.removeAll(where: isVote)
        heldNext.removeAll(where: isVote)
    }

    private func isVote(_ effect: RingElection.Effect) -> Bool {
        if case .send = effect { return true }
        return false
    }
}
