import HengeBase
import HengeMessages
import HengeNode
import Testing

@Suite struct HotKeySketchTests {
    /// Requests for keys of which the n-th comes about as often as 1 / n.
    private func stream(_ random: inout SeededGenerator, keys: Int, length: Int) -> [Int] {
        let weights = (1...keys).map { 1 / Double($0) }
        let whole = weights.reduce(0, +)
        return (0..<length).map { _ in
            var left = Double(random.next() >> 11) / Double(UInt64(1) << 53) * whole
            return weights.firstIndex { weight in
                left -= weight
                return left <= 0
            } ?? keys - 1
        }
    }

    private func exact(_ stream: [Int]) -> [Int: Int] {
        stream.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    private func check(_ sketch: HotKeySketch, _ truth: [Int: Int], seed: UInt64) {
        let all = truth.values.reduce(0, +)
        let listed = Dictionary(
            uniqueKeysWithValues: sketch.keys.map { ($0.token.rawValue, $0) }
        )
        #expect(sketch.keys.map(\.requests) == sketch.keys.map(\.requests).sorted(by: >))
        #expect(sketch.total.requests == all, "seed \(seed)")
        for (number, count) in truth {
            guard let found = listed[key("k\(number)").token.rawValue] else {
                #expect(count <= sketch.countMin, "seed \(seed): k\(number) is missing")
                continue
            }
            #expect(found.requests >= count, "seed \(seed): no count is too low")
            #expect(found.load.requests <= count, "seed \(seed): what it has seen, it has seen")
        }
    }

    @Test("no count is too low, and none too high by more than its error")
    func bounds() {
        for seed in UInt64(1)...20 {
            var random = SeededGenerator(seed: seed)
            let stream = stream(&random, keys: 300, length: 3_000)
            var sketch = HotKeySketch(capacity: 40)
            for number in stream { sketch.count(key("k\(number)"), isWrite: false, bytes: 1) }
            check(sketch, exact(stream), seed: seed)
            // Metwally and others, theorem 2: whoever has more than a 40th of all is there.
            #expect(sketch.countMin <= stream.count / 40, "seed \(seed)")
            #expect(sketch.keys.first?.token == key("k0").token, "seed \(seed)")
        }
    }

    @Test("after each request the lowest count is that of the key counted least")
    func lowestCount() {
        for capacity in 1...6 {
            var random = SeededGenerator(seed: UInt64(capacity))
            let stream = stream(&random, keys: 12, length: 400)
            var sketch = HotKeySketch(capacity: capacity)
            for (index, number) in stream.enumerated() {
                sketch.count(key("k\(number)"), isWrite: false, bytes: 1)
                let counts = sketch.keys.map(\.requests)
                let least = counts.count < capacity ? 0 : counts.last
                #expect(sketch.countMin == least, "capacity \(capacity), request \(index)")
                #expect(counts.reduce(0, +) == index + 1, "capacity \(capacity)")
            }
        }
    }

    @Test("sketches of parts of a stream, merged, keep the bounds of the whole")
    func merging() {
        for seed in UInt64(1)...20 {
            var random = SeededGenerator(seed: seed)
            let stream = stream(&random, keys: 200, length: 4_000)
            var parts = Array(repeating: HotKeySketch(capacity: 40), count: 4)
            for (index, number) in stream.enumerated() {
                parts[index % 7 % 4].count(key("k\(number)"), isWrite: index % 3 == 0, bytes: 10)
            }
            var merged = HotKeySketch.merged(parts, capacity: 40)
            check(merged, exact(stream), seed: seed)
            #expect(merged.total.bytes == 10 * stream.count)
            // And it goes on counting.
            let more = self.stream(&random, keys: 250, length: 1_000)
            for number in more { merged.count(key("k\(number)"), isWrite: false, bytes: 1) }
            check(merged, exact(stream + more), seed: seed)
        }
    }

    @Test("reads, writes and bytes of a key are told apart; a key seen twice is named")
    func loads() throws {
        var sketch = HotKeySketch(capacity: 4)
        sketch.count(key("a", bucket: "b"), isWrite: false, bytes: 5)
        #expect(sketch.keys.first?.name == nil)
        sketch.count(key("a", bucket: "b"), isWrite: true, bytes: 7)
        sketch.count(key("z"), isWrite: true, bytes: 1)
        let hottest = try #require(sketch.keys.first)
        #expect(hottest.load == Load(reads: 1, writes: 1, bytes: 12) && hottest.error == 0)
        let name = try #require(hottest.name)
        #expect(String(buffer: name.bucket) == "b" && String(buffer: name.key) == "a")
        #expect(sketch.keys.count == 2 && sketch.countMin == 0)
    }

    @Test("a large key takes no more memory than is meant for one")
    func largeKeys() throws {
        var sketch = HotKeySketch(capacity: 4)
        let large = key(String(repeating: "x", count: 60_000))
        for _ in 0..<3 { sketch.count(large, isWrite: false, bytes: 1) }
        let hottest = try #require(sketch.keys.first)
        #expect(hottest.stored?.readableBytes == HotKey.storedBytesMax)
        #expect(hottest.storedLength == large.bytes.readableBytes)
    }
}
