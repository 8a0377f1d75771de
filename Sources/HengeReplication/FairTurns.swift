import HengeBase

/// Whose turn it is of several kinds of work that share one bucket: of those that want some, the
/// one that had least.
///
/// Start-time fair queueing (Goyal, Vin and Cheng, 1996): a kind that has been away does not save
/// up what it did not take.
struct FairTurns: Sendable {
    /// One that was refused and has not asked again for so long has gone away.
    static let waitMax = Interval.milliseconds(100)

    private struct Account: Sendable {
        /// Bytes, and what was passed over while there was nothing to do.
        var taken = 0
        var askedAt: Instant?
        var isWaiting = false

        func isPresent(_ now: Instant) -> Bool {
            askedAt.map { now.since($0) <= FairTurns.waitMax } ?? false
        }
    }

    private var accounts: [Account]
    /// What the one that came last in turn had taken before.
    private var reached = 0

    init(count: Int) {
        accounts = Array(repeating: Account(), count: count)
    }

    /// Whether it is this one's turn; it counts as waiting if not, or if nothing is there.
    mutating func ask(_ index: Int, isAny: Bool, now: Instant) -> Bool {
        if !accounts[index].isPresent(now) {
            accounts[index].taken = max(accounts[index].taken, reached)
        }
        accounts[index].askedAt = now
        let taken = accounts[index].taken
        let isLeast = accounts.allSatisfy {
            !$0.isWaiting || !$0.isPresent(now) || $0.taken >= taken
        }
        accounts[index].isWaiting = !(isAny && isLeast)
        guard isAny, isLeast else { return false }
        reached = max(reached, taken)
        return true
    }

    mutating func charge(_ index: Int, _ cost: Int) {
        accounts[index].taken += cost
    }
}
