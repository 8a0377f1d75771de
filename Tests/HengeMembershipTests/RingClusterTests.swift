import HengeBase
import HengeMembership
import HengeRing
import Testing

@Suite struct RingClusterTests {
    @Test("five voters on a bad network never have two rings, and agree once it is good")
    func generated() {
        var outcomes: [String: Int] = [:]
        var slowest: UInt64 = 0
        var epochs = 0
        for seed in UInt64(1)...2_000 {
            var cluster = RingCluster(seed: seed, faults: RingCluster.Faults())
            let time = cluster.run()
            #expect(cluster.faultsFound.isEmpty, "seed \(seed)")
            #expect(time != nil, "seed \(seed) never ends")
            slowest = max(slowest, time ?? 0)
            epochs += cluster.decided.count
            outcomes.merge(cluster.outcomes, uniquingKeysWith: +)
            for document in cluster.decided.values {
                if let before = cluster.decided[document.epoch - 1] {
                    #expect(document.successorFault(of: before) == nil, "seed \(seed)")
                }
            }
        }
        let sorted = outcomes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        print("ring clusters: \(epochs) epochs; \(sorted); slowest after \(slowest) ms")
        // Everything that may become of a proposal did, or this shows little.
        #expect(outcomes.count >= 5)
    }

    @Test("without faults five epochs are a matter of seconds")
    func calm() {
        for seed in UInt64(1)...100 {
            var cluster = RingCluster(seed: seed, faults: nil)
            #expect(cluster.run() ?? .max < 500, "seed \(seed)")
            #expect(cluster.faultsFound.isEmpty && cluster.decided[6] != nil, "seed \(seed)")
        }
    }
}
