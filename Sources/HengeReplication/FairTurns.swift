import HengeBase

/// Whose turn it is of several kinds of work that share one bucket: of those that want some, the
/// one that had least.
///
/// Start-time fair queueing (Goyal, Vin and Cheng, 1996): a kind that has been away does not save
/// up what it did not take.
struct FairTurns: Sendable {
    /// One that was refused and has not asked again for so long has gone away.
    static let waitMax = Interval.milliseconds(100)
    /// One that had to wait for its turn keeps its place for so long after it, to ask for more.
    private static let keepMax = Interval.milliseconds(20)

    private struct Account: Sendable {
        /// Bytes, and what was passed over while there was nothing to do.
        var taken = 0
        var askedAt: Instant?
        /// The others stand back until then if they had more.
        var claimsUntil = Instant(nanoseconds: 0)
    }

    private var accounts: [Account]
    /// What the one that came last in turn had taken before.
    private var reached = 0

    init(count: Int) {
        accounts = Array(repeating: Account(), count: count)
    }

    /// Whether it is this one's turn; it counts as waiting if not, or if nothing is there.
    mutating func ask(_ index: Int, isAny: Bool, now: Instant) -> Bool {
        let isBack = accounts[index].askedAt.map { now.since($0) <= Self.waitMax } ?? false
        if !isBack { accounts[index].taken = max(accounts[index].taken, reached) }
        accounts[index].askedAt = now
        let taken = accounts[index].taken
        let isLeast = accounts.allSatisfy { $0.claimsUntil <= now || $0.taken >= taken }
        guard isAny, isLeast else {
            accounts[index].claimsUntil = now + Self.waitMax
            return false
        }
        let hasWaited = accounts[index].claimsUntil > now
        accounts[index].claimsUntil = hasWaited ? now + Self.keepMax : now
        reached = max(reached, taken)
        return true
    }

    mutating func charge(_ index: Int, _ cost: Int) {
        accounts[index].taken += cost
    }
}
