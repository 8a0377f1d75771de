/// Keeps extra requests below one in ten: a token bucket that each request fills by a tenth.
///
/// A cluster that is slow because it is overloaded would be asked more and more without it. It
/// starts empty, so the bound holds from the first request on. As the retry budgets of Finagle and
/// gRPC.
package struct RetryBudget: Hashable, Sendable {
    /// How many extra requests may follow each other after quiet times.
    package static let tokensMax = 32
    private static let requestsPerToken = 10

    private var tenths = 0

    package init() {}

    package mutating func earn() {
        tenths = min(tenths + 1, Self.tokensMax * Self.requestsPerToken)
    }

    /// Takes a token; false when there is none.
    @discardableResult
    package mutating func spend() -> Bool {
        guard tenths >= Self.requestsPerToken else { return false }
        tenths -= Self.requestsPerToken
        return true
    }
}
