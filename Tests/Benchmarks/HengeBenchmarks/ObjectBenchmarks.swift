import Benchmark
import HengeCausality
import HengeReplication
import HengeRequestModel

/// Versions of objects.
func objectBenchmarks() {
    let (old, new) = (SampleObjects.object(counter: 1), SampleObjects.object(counter: 2))
    Benchmark("merge: a version that supersedes another") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(ObjectMerge.merge(old, new)) }
    }
    Benchmark("merge: a version that is old news") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(ObjectMerge.merge(new, old)) }
    }
    let (here, there) = (SampleObjects.siblings(5, from: 1), SampleObjects.siblings(5, from: 100))
    Benchmark("merge: five siblings with five others") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(ObjectMerge.merge(here, there)) }
    }
    Benchmark("object decoded and encoded") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(new.decoded().encoded()) }
    }
}
