import Glibc

/// The regularised incomplete gamma functions P and Q, with Q = 1 - P.
///
/// By the power series of P below a + 1 and by Legendre's continued fraction of Q above, which is
/// where each converges fast. Sources: Abramowitz and Stegun, *Handbook of Mathematical Functions*,
/// 6.5.29 and 6.5.31; Lentz's evaluation of continued fractions as modified by Thompson and Barnett
/// (1986).
package enum RegularizedGamma {
    private static let precision = 1e-15
    /// Both need some multiples of √a terms where x is near a.
    private static let termsMax = 100_000

    /// The upper one: the part of the gamma distribution of shape `a` that lies above `x`.
    ///
    /// - Parameters:
    ///   - a: over 0.
    ///   - x: 0 or more, infinity too.
    /// - Returns: 0...1; NaN for parameters out of range.
    package static func upper(_ a: Double, _ x: Double) -> Double {
        guard a > 0, a.isFinite, x >= 0 else { return .nan }
        if x == 0 { return 1 }
        if x == .infinity { return 0 }
        let value = x < a + 1 ? 1 - series(a, x) : fraction(a, x)
        return min(1, max(0, value))
    }

    /// x^a e^-x / Γ(a)
    private static func front(_ a: Double, _ x: Double) -> Double {
        // Unlike lgamma, it writes no global.
        var sign: Int32 = 1
        return exp(a * log(x) - x - lgamma_r(a, &sign))
    }

    private static func series(_ a: Double, _ x: Double) -> Double {
        var term = 1 / a
        var sum = term
        for index in 1...termsMax {
            term *= x / (a + Double(index))
            sum += term
            if term < sum * precision { break }
        }
        return sum * front(a, x)
    }

    private static func fraction(_ a: Double, _ x: Double) -> Double {
        let tiny = 1e-300
        var b = x + 1 - a
        var c = 1 / tiny
        var d = 1 / b
        var value = d
        for index in 1...termsMax {
            let i = Double(index)
            let numerator = i * (a - i)
            b += 2
            d = numerator * d + b
            if abs(d) < tiny { d = tiny }
            c = b + numerator / c
            if abs(c) < tiny { c = tiny }
            d = 1 / d
            let factor = d * c
            value *= factor
            if abs(factor - 1) < precision { break }
        }
        return value * front(a, x)
    }
}
