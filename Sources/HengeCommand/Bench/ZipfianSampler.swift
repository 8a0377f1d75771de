import Glibc
package import HengeBase

/// Draws ranks 0 to n−1, rank k with a probability proportional to 1 / (k+1)^exponent.
///
/// Exact and in constant time for any n: nothing is summed up beforehand, unlike in YCSB's
/// generator, which moreover only approximates the distribution.
///
/// Source: Hörmann and Derflinger, *Rejection-inversion to generate variates from monotone discrete
/// distributions*, ACM TOMACS 6(3), 1996; the names are those of the paper.
package struct ZipfianSampler: Sendable {
    /// YCSB's, and so what most published figures mean by "zipfian".
    package static let exponentUsual = 0.99

    private let count: Double
    private let exponent: Double
    private let hIntegralFirst: Double
    private let hIntegralLast: Double
    private let squeeze: Double

    /// - Parameters:
    ///   - count: of ranks, at least 1.
    ///   - exponent: above 0.
    package init(count: Int, exponent: Double = exponentUsual) {
        precondition(count >= 1 && exponent > 0)
        self.count = Double(count)
        self.exponent = exponent
        hIntegralFirst = Self.hIntegral(1.5, exponent) - 1
        hIntegralLast = Self.hIntegral(Double(count) + 0.5, exponent)
        let inner = Self.hIntegral(2.5, exponent) - Self.h(2, exponent)
        squeeze = 2 - Self.hIntegralInverse(inner, exponent)
    }

    package func next(using generator: inout SeededGenerator) -> Int {
        while true {
            let uniform = Double(generator.next() >> 11) * 0x1p-53
            let u = hIntegralLast + uniform * (hIntegralFirst - hIntegralLast)
            let x = Self.hIntegralInverse(u, exponent)
            let rank = min(count, max(1, (x + 0.5).rounded(.down)))
            let isInside = rank - x <= squeeze
            if isInside || u >= Self.hIntegral(rank + 0.5, exponent) - Self.h(rank, exponent) {
                return Int(rank) - 1
            }
        }
    }

    private static func h(_ x: Double, _ exponent: Double) -> Double {
        exp(-exponent * log(x))
    }

    /// An antiderivative of `h`, in a form that stays exact for exponents near 1.
    private static func hIntegral(_ x: Double, _ exponent: Double) -> Double {
        let logarithm = log(x)
        let t = (1 - exponent) * logarithm
        let factor = abs(t) > 1e-8 ? expm1(t) / t : 1 + t / 2 * (1 + t / 3 * (1 + t / 4))
        return factor * logarithm
    }

    private static func hIntegralInverse(_ x: Double, _ exponent: Double) -> Double {
        // Rounding may take it below −1, where the logarithm ends.
        let t = max(-1, x * (1 - exponent))
        let factor = abs(t) > 1e-8 ? log1p(t) / t : 1 - t * (1 / 2 - t * (1 / 3 - t / 4))
        return exp(factor * x)
    }
}
