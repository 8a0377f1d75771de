import HengeBase
import HengeMessages
import HengeNode
import HengeReplication
import Testing

@Suite struct HeatTests {
    private func second(_ n: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(n) }

    private func requests(_ heat: Heat, _ window: Heat.Window, _ name: String) -> Int {
        heat.slice(window).keys.keys.first { $0.token == key(name).token }?.load.requests ?? 0
    }

    @Test("each window holds what came in its time, and nothing is counted twice or lost")
    func windows() {
        var heat = Heat(partitions: 64, capacity: 8, now: second(0))
        // One request a second for two hours; the key's name is its hour.
        for n in UInt64(0)..<7_200 {
            heat.advance(to: second(n))
            heat.count(key(n < 3_600 ? "early" : "late"), partition: 3, isWrite: true, bytes: 2)
        }
        #expect(requests(heat, .start, "early") == 3_600)
        #expect(requests(heat, .start, "late") == 3_600)
        #expect((3_600...3_900).contains(heat.slice(.hour).keys.total.requests))
        #expect((60...90).contains(heat.slice(.minute).keys.total.requests))
        #expect(requests(heat, .minute, "late") == heat.slice(.minute).keys.total.requests)
        for window in Heat.Window.allCases {
            let slice = heat.slice(window)
            let all = slice.partitions.reduce(Load(), +)
            #expect(all == slice.keys.total && slice.partitions[3] == all)
            #expect(all.bytes == 2 * all.requests)
            // One a second, so the window is as long as what it holds.
            let seconds = second(7_200).since(slice.began).milliseconds / 1_000
            #expect(UInt64(all.requests) == seconds, "\(window)")
        }
    }

    @Test("a quiet stretch of time is shown as quiet")
    func quiet() {
        var heat = Heat(partitions: 64, capacity: 8, now: second(0))
        heat.count(key("k"), partition: 0, isWrite: false, bytes: 0)
        heat.advance(to: second(150))
        heat.count(key("k"), partition: 0, isWrite: false, bytes: 0)
        let row = Int(key("k").token.rawValue >> 58)
        #expect(heat.map.minutes.map { $0[row] } == [1, 0, 1])
        heat.advance(to: second(150 + 3_700))
        #expect(heat.map.minutes.flatMap { $0 }.reduce(0, +) == 0)
        #expect(heat.map.minutes.count <= HeatMap.minutesMax)
    }

    @Test("a request is counted once, at the node that coordinated it")
    func counted() throws {
        let cluster = try Cluster()
        cluster.housekeep()
        cluster.set(key("k"), "value", .all)
        #expect(cluster.get(key("k")) == "value")
        #expect(cluster.get(key("nothing")) == "nothing")
        let slices = (1...3).compactMap { cluster.node($0).shard.heat?.slice(.start) }
        #expect(slices.count == 3)
        #expect(slices.reduce(0) { $0 + $1.keys.total.writes } == 1)
        #expect(slices.reduce(0) { $0 + $1.keys.total.reads } == 2)
    }

    @Test("nothing is counted where that is switched off")
    func off() throws {
        var configuration = ShardConfiguration()
        configuration.hotKeys = 0
        let cluster = try Cluster(configuration: configuration)
        cluster.housekeep()
        cluster.set(key("k"), "v", .all)
        #expect(cluster.node(1).shard.heat == nil)
    }
}
