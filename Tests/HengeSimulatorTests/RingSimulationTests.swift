import HengeBase
import HengeRing
import HengeSimulator
import Testing

/// Changes of rings of many nodes.
@Suite(.offPool) struct RingSimulationTests {
    @Test(
        "a node joins, a vnode moves: all get each epoch at once, and deltas alone are sent",
        arguments: RingSimulation.Change.allCases)
    func told(change: RingSimulation.Change) throws {
        let report = try run(change, unheard: 0)
        #expect(report.epochs.map(\.epoch) == Array(2...UInt64(report.epochs.count + 1)))
        // The delays of two messages and of a save.
        for epoch in report.epochs.dropFirst(change == .node ? 1 : 0) {
            #expect(epoch.last.since(epoch.first) <= .milliseconds(30))
        }
        // Of each epoch a node is sent what it is to accept and what was decided, and answers.
        let nodes = change == .node ? 41 : 40
        #expect(report.electionBytes < nodes * report.epochs.count * 600)
        #expect(report.documents == 0)
    }

    @Test("those that are not told find out within some rounds", arguments: UInt64(1)...3)
    func unheard(seed: UInt64) throws {
        let report = try run(.vnode, unheard: 90, seed: seed)
        for epoch in report.epochs { #expect(epoch.last.since(epoch.first) <= .seconds(10)) }
        #expect(report.epochs.last?.adopted == 40)
    }

    private func run(
        _ change: RingSimulation.Change,
        unheard: Int,
        seed: UInt64 = 1
    ) throws -> RingSimulation.Report {
        let start = try RingSimulation.start(nodes: 40, partitions: 1_024)
        var options = RingSimulation.Options(
            nodes: 40, partitions: 1_024, change: change, seed: seed)
        options.unheardPercent = unheard
        let next = try RingSimulation.plan(change, of: start)
        let simulation = RingSimulation(options, from: start, to: next)
        #expect(simulation.run())
        return simulation.report
    }
}
