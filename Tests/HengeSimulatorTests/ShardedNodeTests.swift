import HengeBase
import HengeSimulator
import Testing

/// Nodes of several shards, each with an event loop of its own.
@Suite(.offPool) struct ShardedNodeTests {
    @Test("nodes of several shards keep every promise", arguments: [2, 4])
    func swarm(_ shards: Int) {
        var course = SimulationCourse.round
        course.shards = shards
        SimulationRunner.run(seeds: 1...20, as: course) { result in
            #expect(
                result.violation == nil,
                "seed \(result.seed): \(result.summary); replay: \(result.replay)"
            )
            return true
        }
    }

    @Test("rings change while nodes of several shards die and are cut off", arguments: [2, 4])
    func ringChanges(_ shards: Int) {
        var ended = 0
        var messagesHeld = 0
        var readsAtOnce = 0
        var changesByVersion = 0
        for seed in UInt64(1)...12 {
            let simulation = Simulation(seed: seed, options: Self.options(seed, shards))
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            ended += simulation.counts.ringChanges
            messagesHeld += simulation.counts.messagesHeld
            readsAtOnce += simulation.counts.readsAtOnce
            changesByVersion += simulation.counts.changesByVersion
        }
        #expect(ended > 6 && messagesHeld > 100 && readsAtOnce > 10)
        #expect(changesByVersion > 100, "\(changesByVersion)")
    }

    /// 167: what a failed write had left was not dropped with its partition. 26: a stand-in handed
    /// to a home again and again what that had said was obsolete.
    @Test("seeds that once failed keep every promise", arguments: zip([8, 2], [167, 26]))
    func onceFailed(_ shards: Int, _ seed: UInt64) {
        var course = SimulationCourse.round
        course.shards = shards
        let result = SimulationRunner.run(seed: seed, as: course)
        #expect(result.violation == nil, "\(result.summary); replay: \(result.replay)")
    }

    @Test("drills of nodes with two shards")
    func drills() {
        var course = SimulationCourse.drill
        course.shards = 2
        for seed in stride(from: UInt64(1), to: UInt64(Drill.count), by: 23) {
            let result = SimulationRunner.run(seed: seed, as: course)
            #expect(result.violation == nil, "\(result.summary); replay: \(result.replay)")
        }
    }

    @Test("a seed gives the same run again, and another one with another number of shards")
    func repeats() {
        let hashes = [1, 2, 4].map { shards in
            var course = SimulationCourse.round
            course.shards = shards
            let first = SimulationRunner.run(seed: 5, as: course)
            #expect(SimulationRunner.run(seed: 5, as: course).traceHash == first.traceHash)
            #expect(first.replay.contains("--shards \(shards)") == (shards > 1))
            return first.traceHash
        }
        #expect(Set(hashes).count == 3)
    }

    private static func options(_ seed: UInt64, _ shards: Int) -> SimulationOptions {
        var options = SimulationOptions()
        options.shards = shards
        options.adoptionDelay = .milliseconds(20)
        options.nodes = 3 + Int(seed % 3)
        options.replicas = seed % 4 == 0 ? 2 : 3
        options.spares = 2
        options.ringChangeEvery = .milliseconds(1_500)
        options.keys = 8
        options.operations = 600
        options.think = .milliseconds(40)
        options.faults = [.kills, .powerFailures, .cleanStops, .pauses, .partitions]
        return options
    }
}
