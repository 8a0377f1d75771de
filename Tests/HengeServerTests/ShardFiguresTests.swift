import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import HengeServer
import HengeStorage
import NIOCore
import Testing

/// What the shards of a node count, put together.
@Suite struct ShardFiguresTests {
    // MARK: Counters

    @Test("every field of a struct of counters is added up")
    func counters() {
        #expect(CounterStructs.faults.isEmpty)
        Self.expectSums(ShardCounters())
        Self.expectSums(StorageMetrics())
        Self.expectSums(BulkTransport.Counters())
    }

    private static func expectSums(_ zero: some CounterStruct) {
        var counters = zero
        let fields = withUnsafeMutableBytes(of: &counters) { bytes in
            let fields = bytes.bindMemory(to: Int.self)
            for index in fields.indices { fields[index] = index + 1 }
            return fields.count
        }
        var sum = zero
        sum.merge(counters)
        #expect(values(sum) == Array(1...fields))
        sum.merge(counters)
        #expect(values(sum) == (1...fields).map { 2 * $0 })
    }

    private static func values(_ counters: Any) -> [Int] {
        Mirror(reflecting: counters).children.map { $0.value as? Int ?? -1 }
    }

    // MARK: By partition

    @Test("tallies add up partition by partition, and are complete once all are")
    func tallies() {
        func weight(_ keys: Int) -> RecordWeight {
            RecordWeight(records: keys + 1, keys: keys, expiring: 3, siblings: 4, bytes: 5 * keys)
        }
        let first = PartitionTallies([weight(1), weight(2), .nothing], isComplete: true)
        let second = PartitionTallies([.nothing, weight(7), weight(9)], isComplete: false)
        for (a, b) in [(first, second), (second, first)] {
            var sum = a
            sum.merge(b)
            #expect(sum.weights == zip(first.weights, second.weights).map { $0 + $1 })
            #expect(!sum.isComplete)
        }
        var both = first
        both.merge(first)
        #expect(both.isComplete && both.total == first.total + first.total)
        #expect(!PartitionTallies([weight(1)], isComplete: false).isComplete)
        #expect(PartitionTallies([weight(1)], isComplete: false).weights == [weight(1)])
    }

    @Test("entropy is ready when all shards are, and as far as they are on average")
    func entropy() {
        func range(_ partition: Int) -> EntropyStatus.Range {
            .init(partition: partition, replicas: 3, verifiedAge: nil, tombstones: partition)
        }
        func running(_ peer: UInt16) -> EntropyStatus.Running {
            .init(peer: NodeID(peer), differing: 3, left: 2, age: .seconds(1))
        }
        let first = EntropyStatus(
            isReady: true,
            ranges: [range(0), range(3)],
            running: [running(2)],
            scrubbed: 0.25,
            scrubbedAge: .seconds(5)
        )
        let second = EntropyStatus(
            isReady: false,
            ranges: [range(8)],
            running: [running(3), running(2)],
            scrubbed: 0.75,
            scrubbedAge: nil
        )
        let sum = EntropyStatus.joined([second, first])
        #expect(!sum.isReady && sum.ranges == [range(0), range(3), range(8)])
        #expect(Set(sum.running) == [running(2), running(3)] && sum.running.count == 3)
        #expect(sum.scrubbed == 0.5 && sum.scrubbedAge == nil)
        var later = first
        later.scrubbedAge = .seconds(9)
        let all = EntropyStatus.joined([first, later])
        #expect(all.isReady && all.scrubbedAge == .seconds(9))
    }

    @Test("each shard samples the spans of its own partitions")
    func spans() {
        let spans = [0, 3, 4, 7, 12, 15].map { SampleSpan(partition: $0, records: $0 + 1) }
        let split = ShardSlice.split(spans, count: 4, partitions: 16)
        #expect(split.map { $0.map(\.partition) } == [[0, 3], [4, 7], [], [12, 15]])
        #expect(ShardSlice.split(spans, count: 1, partitions: 16) == [spans])
    }

    // MARK: By node

    @Test("hints add up by the node that they are for")
    func hints() {
        let two = NodeID(2)
        let one = WallTime(milliseconds: 100)
        var sum = HintFigures(
            backlogs: [HintBacklog(target: two, lastSequence: 9, count: 3, bytes: 30, oldest: one)],
            arePaused: false
        )
        let late = WallTime(milliseconds: 200)
        sum.merge(
            HintFigures(
                backlogs: [
                    HintBacklog(target: NodeID(1), count: 1, bytes: 10, oldest: late),
                    HintBacklog(target: two, lastSequence: 4, count: 2, bytes: 25, oldest: late),
                ],
                arePaused: true
            )
        )
        #expect(sum.arePaused)
        #expect(
            sum.backlogs == [
                HintBacklog(target: NodeID(1), count: 1, bytes: 10, oldest: late),
                HintBacklog(target: two, lastSequence: 9, count: 5, bytes: 55, oldest: one),
            ]
        )
    }

    // MARK: Heat

    private static func heat(_ names: [(String, Int)], partition: Int, at second: UInt64) -> Heat {
        let now = Instant(nanoseconds: 0) + .seconds(second)
        var heat = Heat(partitions: 4, capacity: 3, now: now)
        for (name, count) in names {
            let key = StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: name))
            for _ in 0..<count { heat.count(key, partition: partition, isWrite: false, bytes: 2) }
        }
        return heat
    }

    @Test("the keys of shards are listed together, no more of them than of one shard")
    func heat() throws {
        let first = Self.heat([("a", 9), ("b", 2)], partition: 0, at: 10)
        let second = Self.heat([("c", 5), ("d", 4)], partition: 2, at: 7)
        var figures = HeatFigures(first)
        let alone = try #require(figures.sum(.minute))
        #expect(alone.keys == first.slice(.minute).keys.keys)
        #expect(alone.countMin == 0 && alone.minutes == first.map.minutes)
        figures.merge(HeatFigures(second))
        let sum = try #require(figures.sum(.minute))
        #expect(sum.keys.map(\.load.reads) == [9, 5, 4])
        #expect(sum.keys.allSatisfy { $0.error == 0 })
        // The one that is not listed.
        #expect(sum.countMin == 2)
        #expect(sum.total == Load(reads: 20, writes: 0, bytes: 40))
        #expect(sum.partitions.map(\.reads) == [11, 0, 9, 0])
        #expect(sum.began == second.slice(.minute).began)
        #expect(sum.minutes.count == 1 && sum.minutes[0].reduce(0, +) == 20)
        #expect(HeatFigures(nil).sum(.minute) == nil)
    }

    @Test("the current minutes of shards go together, whenever each of them began to count")
    func minutes() throws {
        var long = Self.heat([("a", 3)], partition: 0, at: 0)
        long.advance(to: Instant(nanoseconds: 0) + .seconds(130))
        let short = Self.heat([("b", 4)], partition: 1, at: 125)
        for (a, b) in [(long, short), (short, long)] {
            var figures = HeatFigures(a)
            figures.merge(HeatFigures(b))
            let sum = try #require(figures.sum(.start))
            #expect(sum.minutes.map { $0.reduce(0, +) } == [3, 0, 4])
        }
    }

    // MARK: RocksDB's properties

    @Test("properties of engines add up by family; a flag is set if it is in any of them")
    func properties() {
        func readings(_ value: Int) -> [EngineReading] {
            [
                EngineReading(property: .memtableBytes, family: "objects", value: value),
                EngineReading(property: .memtableBytes, family: "hints", value: 10 * value),
                EngineReading(property: .writeStopped, family: nil, value: 1),
            ]
        }
        let sums = EngineReading.summed([readings(2), [], readings(5)])
        #expect(sums.map(\.value) == [7, 70, 1])
        #expect(sums.map(\.family) == ["objects", "hints", nil])
        #expect(EngineReading.summed([readings(3)]) == readings(3))
    }

    // MARK: Settling

    @Test("what is left of a mark is what is left of those of all shards, by kind and node")
    func settling() throws {
        let (two, three) = (NodeID(2), NodeID(3))
        let first = SettleStatus(
            token: SettleToken(rawValue: 1),
            epoch: 8,
            left: [
                .init(.hints(for: two, count: 3, bytes: 400), wait: .down(two)),
                .init(.transfers(partitions: 5, bytes: 600), wait: .transfer(.budget)),
                .init(.comparisons(with: two, partitions: 10), wait: .hints),
            ]
        )
        let second = SettleStatus(
            token: SettleToken(rawValue: 2),
            epoch: 7,
            left: [
                .init(.hints(for: three, count: 1, bytes: 1), wait: nil),
                .init(.hints(for: two, count: 2, bytes: 50), wait: .paused),
                .init(.transfers(partitions: 1, bytes: 1), wait: nil),
                .init(.change(partitions: 4), wait: nil),
                .init(.drops(partitions: 9), wait: .counting),
                .init(.comparisons(with: two, partitions: 7), wait: .hints),
            ]
        )
        let sum = try #require(SettleStatus.joined([first, second]))
        #expect(sum.token == first.token && sum.epoch == 7)
        #expect(
            sum.left == [
                .init(.hints(for: two, count: 5, bytes: 450), wait: .down(two)),
                .init(.hints(for: three, count: 1, bytes: 1), wait: nil),
                .init(.transfers(partitions: 6, bytes: 601), wait: nil),
                .init(.change(partitions: 4), wait: nil),
                .init(.drops(partitions: 9), wait: .counting),
                .init(.comparisons(with: two, partitions: 17), wait: .hints),
            ]
        )
        #expect(SettleStatus.joined([first, nil]) == nil)
        #expect(SettleStatus.joined([first]) == first)
    }
}
