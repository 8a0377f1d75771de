import Benchmark
import HengeMessages
import HengeRing

/// From a key to the nodes that hold it.
func placementBenchmarks() {
    Benchmark("token of a key of 16 bytes") { benchmark in
        let key = Samples.key
        for _ in benchmark.scaledIterations {
            blackHole(key.bytes.withUnsafeReadableBytes { Token.of(bucket: $0, key: $0) })
        }
    }
    for (nodes, partitions) in [(5, 1024), (100, 16384)] {
        Benchmark("preference list: \(nodes) nodes, \(partitions) partitions") { benchmark in
            let ring = try Samples.ring(nodes: nodes, partitions: partitions)
            var token = Samples.key.token.rawValue
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations {
                // Another part of the ring each time, as keys are.
                token &+= 0x9E37_79B9_7F4A_7C15
                blackHole(ring.preferenceList(of: Token(rawValue: token)).count)
            }
        }
    }
}
