import Benchmark
import HengeRequestModel

/// Whole requests through the shard that coordinates them; disks and other nodes answer at once.
func requestBenchmarks() {
    Benchmark("coordinator: SET at QUORUM") { benchmark in
        let model = try RequestModel()
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { model.request(RequestModel.write, .quorum) }
    }
    Benchmark("coordinator: GET at QUORUM") { benchmark in
        let model = try RequestModel()
        model.request(RequestModel.write, .quorum)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { model.request(.read, .quorum) }
    }
    Benchmark("coordinator: GET at ONE") { benchmark in
        let model = try RequestModel()
        model.request(RequestModel.write, .quorum)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { model.request(.read, .one) }
    }
}
