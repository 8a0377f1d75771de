import HengeBase
import HengeRESP
import Testing

@Suite struct RequestFuzzTests {
    private let limits = RESPLimits(
        argumentsMax: 50,
        argumentBytesMax: 40,
        requestBytesMax: 200,
        inlineBytesMax: 60,
        skippedBytesMax: 2_000
    )

    @Test("random and mutated bytes never trap, hold bounded memory, and ignore the cuts")
    func anything() {
        for seed in UInt64(0)..<4_000 {
            var random = SeededGenerator(seed: seed)
            var input: [UInt8] = []
            for _ in 0..<1 + random.below(6) {
                let request = (0..<1 + random.below(6)).map { _ in
                    random.bytes(random.below(random.chance(1, in: 5) ? 80 : 10))
                }
                input += encoded(request)
            }
            switch random.below(3) {
            case 0: input = random.protocolBytes(random.below(300))
            case 1: input = random.mutated(input)
            default: input += random.protocolBytes(random.below(20))
            }
            let whole = parse(input, limits: limits).results
            var peak = 0
            let split = parse(input, pieces: { _ in 1 + random.below(9) }, limits: limits) {
                peak = max(peak, $0)
            }
            #expect(split.results == whole, "seed \(seed)")
            #expect(peak <= 200 + 64, "seed \(seed)")
        }
    }

    /// A deliberately naive parser: only whole, well-formed arrays, by recursion over a string.
    @Test("well-formed streams agree with a naive reader")
    func naive() {
        for seed in UInt64(0)..<500 {
            var random = SeededGenerator(seed: seed)
            let requests = (0..<1 + random.below(5)).map { _ in
                (0..<1 + random.below(12)).map { _ in random.bytes(random.below(9)) }
            }
            let input = requests.flatMap(encoded)
            #expect(naiveParse(input) == parse(input).results, "seed \(seed)")
        }
    }

    private func naiveParse(_ input: [UInt8]) -> [Parsed] {
        var rest = input[...]
        func number() -> Int {
            let line = rest.dropFirst().prefix { $0 != 0x0D }
            rest = rest.dropFirst(line.count + 3)
            return Int(String(decoding: line, as: UTF8.self)) ?? -1
        }
        var results: [Parsed] = []
        while !rest.isEmpty {
            let arguments = (0..<number()).map { _ in
                let length = number()
                defer { rest = rest.dropFirst(length + 2) }
                return Array(rest.prefix(length))
            }
            results.append(.command(arguments))
        }
        return results
    }
}
