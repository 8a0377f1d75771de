/// Seeds that once showed something wrong. A change of the simulator changes what a seed does, so
/// what each found is also told, and has a test of its own where that code lives.
enum RegressionSeeds {
    struct Seed: Sendable, CustomStringConvertible {
        let number: UInt64
        let found: String

        var description: String { "\(number): \(found)" }
    }

    static let all = [
        Seed(number: 1, found: "a scan past the first partition trapped in Ring.tokenRange")
    ]
}
