import Benchmark

/// The parts of a request's way, each by itself: `make microbench`.
///
/// Times are for whoever changes one of them, beside those of before: `make microbench
/// ARGUMENTS='baseline update before'`, and after the change `'baseline compare before'`. No test
/// looks at them. What is held in CI is how much each part allocates (HengeAllocationTests).
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput],
        scalingFactor: .kilo,
        maxDuration: .seconds(1)
    )
    placementBenchmarks()
    objectBenchmarks()
    codecBenchmarks()
    treeBenchmarks()
    requestBenchmarks()
}
