import HengeBase

/// How unlikely it is that a normal variable is as late as it is, without a C library: what a pure
/// target may use has no `exp` or `log`.
package enum LogisticTail {
    private static let ln2 = 0.693_147_180_559_945_309
    private static let ln10 = 2.302_585_092_994_045_684
    /// e to a lower power than this is 0 for our purpose.
    private static let exponentMin = -700.0

    /// −log₁₀ of the chance that a variable lies more than `deviations` standard deviations above
    /// its mean.
    ///
    /// By the logistic approximation of the normal distribution (Bowling et al., *A logistic
    /// approximation to the cumulative normal distribution*, 2009), as in Akka's
    /// PhiAccrualFailureDetector; the chance is off by less than 1.4e-4.
    package static func phi(deviations: Double) -> Double {
        guard deviations.isFinite else { return deviations > 0 ? .infinity : 0 }
        let z = deviations * (1.5976 + 0.070566 * deviations * deviations)
        // log(1 + e^z), without overflow for large z and without cancellation for small ones.
        return (max(z, 0) + logOnePlus(exponential(-abs(z)))) / ln10
    }

    /// e^x for x ≤ 0.
    package static func exponential(_ x: Double) -> Double {
        invariant(x <= 0)
        guard x > exponentMin else { return 0 }
        // x = k ln 2 + r with |r| ≤ ln 2 / 2, so that the series is short.
        let k = (x / ln2).rounded()
        let r = x - k * ln2
        var sum = 1.0
        for n in stride(from: 14.0, through: 1, by: -1) { sum = 1 + sum * r / n }
        return sum * Double(sign: .plus, exponent: Int(k), significand: 1)
    }

    /// log(1 + x) for 0 ≤ x ≤ 1.
    package static func logOnePlus(_ x: Double) -> Double {
        invariant(x >= 0 && x <= 1)
        // log((1 + s) / (1 - s)) = 2 (s + s³/3 + s⁵/5 + …), and s ≤ 1/3.
        let s = x / (2 + x)
        var sum = 0.0
        for n in stride(from: 33.0, through: 1, by: -2) { sum = sum * s * s + 1 / n }
        return 2 * s * sum
    }
}
