import Benchmark
import HengeAntiEntropy
import HengeMessages
import HengeRing

/// The hash trees of a node's partitions.
func treeBenchmarks() {
    Benchmark("hash tree: a change, 1024 partitions") { benchmark in
        var trees = PartitionTrees(partitions: 1024, partitionBits: 10, saved: nil)
        trees.addInitial(Array(repeating: LeafSums(bits: 0), count: 1024))
        var change = Samples.key.token.rawValue
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            change &+= 0x9E37_79B9_7F4A_7C15
            trees.add(change, at: Token(rawValue: change))
        }
    }
}
