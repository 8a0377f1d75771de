import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Three nodes in virtual time, clients that read at one of them, and messages of another that
/// become slow.
@Suite struct SlowNodeTests {
    @Test(
        "100 ms more on one node's messages: p99 of QUORUM reads within twice the healthy one",
        arguments: 1...8 as ClosedRange<UInt64>
    )
    func slowNode(_ seed: UInt64) throws {
        let healthy = try SlowNodeWorld(seed: seed)
        healthy.read(2_000)
        healthy.times = []
        healthy.read(6_000)
        let slow = try SlowNodeWorld(seed: seed)
        slow.read(2_000)
        slow.times = []
        slow.extra = .milliseconds(100)
        slow.read(6_000)
        let before = healthy.p99.microseconds
        let after = slow.p99.microseconds
        #expect(after <= 2 * before, "\(after) µs after \(before) µs")
        // Not one waited for the slow node, not even those that had asked it when it became slow.
        let worst = slow.times.max() ?? .zero
        #expect(worst < .milliseconds(50))
        let counters = slow.counters
        #expect(counters.hedges * 10 <= counters.reads)
        #expect(counters.hedgesWon > 0)
        let extra = slow.fetches - counters.reads
        #expect(extra * 10 <= counters.reads, "\(extra) extra fetches for \(counters.reads) reads")
        print("seed \(seed): p99 \(before) µs healthy, \(after) µs slow; \(extra) extra fetches")
    }

    @Test("without hedges some reads wait for the slow node")
    func theWorldIsSlow() throws {
        let world = try SlowNodeWorld(seed: 1, hedges: false)
        world.extra = .milliseconds(100)
        world.read(40)
        let worst = world.times.max() ?? .zero
        #expect(worst >= .milliseconds(200))
    }
}

private final class SlowNodeWorld {
    private struct Event {
        let time: Instant
        let node: Int
        let input: ShardInput
    }

    private final class Node {
        var shard: Shard
        init(_ shard: consuming Shard) { self.shard = shard }
    }

    /// Node 3's messages, both ways, take so much longer.
    var extra = Interval.zero
    var times: [Interval] = []
    private(set) var fetches = 0
    private var nodes: [Node] = []
    /// In the order of their times.
    private var events: [Event] = []
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var dice: SeededGenerator
    private var began: [UInt64: Instant] = [:]
    private var left = 0
    private var effects = EffectBuffer<ShardEffect>()
    private var nextTick: Instant

    init(seed: UInt64, hedges: Bool = true) throws {
        dice = SeededGenerator(seed: seed)
        nextTick = now
        let list = try BootstrapList.parse("n1=127.0.0.1:1,n2=127.0.0.1:2,n3=127.0.0.1:3")
        let ring = Ring(try RingDocument.bootstrap(list, replicas: 3, partitions: 64))
        var configuration = ShardConfiguration()
        configuration.hedgesReads = hedges
        for number in 1...3 as ClosedRange<UInt16> {
            let shard = Shard(
                node: NodeID(number),
                ring: ring,
                configuration: configuration,
                saved: nil,
                seed: seed
            )
            nodes.append(Node(shard))
        }
        for node in 0..<3 {
            for peer in 0..<3 where peer != node { step(node, .peerUp(NodeID(UInt16(peer + 1)))) }
        }
    }

    var counters: ShardCounters { nodes[0].shard.counters }

    var p99: Interval {
        let sorted = times.sorted()
        return sorted[sorted.count * 99 / 100]
    }

    /// Eight clients read at node 1, each its next as soon as it has an answer.
    func read(_ count: Int) {
        left = count
        for _ in 0..<8 { submit() }
        while !began.isEmpty {
            let wake = min(nodes[0].shard.nextWake ?? nextTick, nextTick)
            if let event = events.first, event.time <= wake {
                events.removeFirst()
                now = event.time
                step(event.node, event.input)
            } else {
                now = max(now, wake)
                if now >= nextTick { nextTick = now + Shard.tickInterval }
                step(0, .tick)
            }
        }
    }

    private func submit() {
        guard left > 0 else { return }
        left -= 1
        let ticket = Ticket(rawValue: UInt64(left) + 1)
        began[ticket.rawValue] = now
        let request = ClientRequest(
            key: key("k\(dice.below(1_000))"),
            operation: .read,
            levels: .standard,
            timeout: .seconds(2)
        )
        step(0, .request(ticket, request))
    }

    private func step(_ node: Int, _ input: ShardInput) {
        let wall = WallTime(milliseconds: now.nanoseconds / 1_000_000)
        nodes[node].shard.step(input, at: ClockReading(now: now, wall: wall), effects: &effects)
        var seen: [ShardEffect] = []
        effects.drain { seen.append($0) }
        for effect in seen { carryOut(effect, of: node) }
    }

    private func carryOut(_ effect: ShardEffect, of node: Int) {
        switch effect {
        case .send(let target, let message):
            if case .fetch = message { fetches += 1 }
            let to = Int(target.rawValue) - 1
            let slow = node == 2 || to == 2 ? extra : .zero
            let delay = slow + usual(.microseconds(100))
            schedule(delay, to, .message(from: NodeID(UInt16(node + 1)), message))
        case .storage(.load(_, let token)), .storage(.loadVersion(_, let token)):
            schedule(usual(.microseconds(20)), node, .storage(.loaded(token, .success(nil))))
        case .reply(let ticket, _):
            guard let time = began.removeValue(forKey: ticket.rawValue) else { return }
            times.append(now.since(time))
            submit()
        case .sendBulk, .storage, .ringIsOld, .note: Issue.record("unexpected \(effect)")
        }
    }

    /// Half to one and a half times the usual; one in 200 takes twenty times as long.
    private func usual(_ time: Interval) -> Interval {
        let spread = time.nanoseconds / 2 + UInt64(dice.below(Int(time.nanoseconds)))
        return Interval(nanoseconds: dice.chance(1, in: 200) ? spread * 20 : spread)
    }

    private func schedule(_ delay: Interval, _ node: Int, _ input: ShardInput) {
        let event = Event(time: now + delay, node: node, input: input)
        let index = events.firstIndex { $0.time > event.time } ?? events.count
        events.insert(event, at: index)
    }
}

private func + (a: Interval, b: Interval) -> Interval {
    Interval(nanoseconds: a.nanoseconds + b.nanoseconds)
}
