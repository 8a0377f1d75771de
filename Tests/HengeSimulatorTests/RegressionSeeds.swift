/// Seeds that once showed something wrong. A change of the simulator changes what a seed does, so
/// what each found is also told, and has a test of its own where that code lives.
enum RegressionSeeds {
    struct Seed: Sendable, CustomStringConvertible {
        let number: UInt64
        let found: String

        init(_ number: UInt64, _ found: String) {
            self.number = number
            self.found = found
        }

        var description: String { "\(number): \(found)" }
    }

    static let all = [
        Seed(1, "a scan past the first partition trapped in Ring.tokenRange"),
        Seed(9, "a write whose record came late was answered long after its deadline"),
        Seed(25, "the same, with a disk that was slow for seconds"),
        Seed(547, "two replicas lost in one step of a read stepped a read that had ended"),
        Seed(950, "a late answer to an earlier process was taken for the answer to a new request"),
    ]
}
