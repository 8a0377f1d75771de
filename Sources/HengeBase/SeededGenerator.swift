/// A small deterministic generator (SplitMix64) for actor ids, jitter, simulation and property
/// tests. Not for secrets.
///
/// Source: Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A generator whose sequence is independent of the rest of this one's.
    package mutating func split() -> SeededGenerator {
        SeededGenerator(seed: next() ^ 0xD1B5_4A32_D192_ED03)
    }

    /// A number in `0..<bound`. The bias is below 2⁻³² for bounds under 2³².
    package mutating func below(_ bound: Int) -> Int {
        invariant(bound > 0)
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// True with the probability `numerator` in `denominator`.
    package mutating func chance(_ numerator: Int, in denominator: Int) -> Bool {
        below(denominator) < numerator
    }
}
