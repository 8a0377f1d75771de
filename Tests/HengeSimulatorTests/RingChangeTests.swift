import HengeBase
import HengeSimulator
import Testing

/// Rings that change while clients read and write.
@Suite(.offPool) struct RingChangeTests {
    @Test("nothing but changes: every promise holds, and changes come to their ends")
    func calm() {
        var ended = 0
        for seed in UInt64(1)...12 {
            let simulation = Simulation(seed: seed, options: Self.options(seed))
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            ended += simulation.counts.ringChanges
        }
        #expect(ended > 6)
    }

    @Test("changes while nodes die, stand still and are cut off")
    func faults() {
        var ended = 0
        for seed in UInt64(1)...20 {
            var options = Self.options(seed)
            options.faults = [.kills, .powerFailures, .cleanStops, .pauses, .partitions]
            let simulation = Simulation(seed: seed, options: options)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            ended += simulation.counts.ringChanges
        }
        #expect(ended > 10)
    }

    @Test("sloppy requests at ONE while nodes leave that hold what others missed")
    func sloppy() {
        var ended = 0
        var handedOver = 0
        for seed in UInt64(1)...20 {
            var options = Self.options(seed)
            options.nodes = 5
            options.replicas = 3
            options.sloppyPercent = 100
            options.levels = [.one]
            options.faults = [.kills, .pauses, .partitions]
            options.faultsMax = 4
            let simulation = Simulation(seed: seed, options: options)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            ended += simulation.counts.ringChanges
            handedOver += simulation.counts.standInsHandedOver
        }
        #expect(ended > 10 && handedOver > 20)
    }

    private static func options(_ seed: UInt64) -> SimulationOptions {
        var options = SimulationOptions()
        options.nodes = 3 + Int(seed % 3)
        options.replicas = seed % 4 == 0 ? 2 : 3
        options.spares = 2
        options.ringChangeEvery = .milliseconds(1_500)
        options.operations = 600
        options.think = .milliseconds(40)
        return options
    }
}
