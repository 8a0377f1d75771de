import HengeBase
import HengeReplication
import Testing

/// A machine on which requests take the longer the more of it the background uses.
private struct Machine {
    var budget: BackgroundBudget
    var now = Instant(nanoseconds: 1_000_000_000)
    var generator: SeededGenerator
    /// Bytes a second with which the background alone would use up all of the machine.
    var capacity = 128.0 * 1_048_576
    /// What part of it requests use.
    var load = 0.3
    /// Of a request on an idle machine.
    var base = 2_000_000.0
    /// Requests every 10 ms.
    var requests = 10
    /// Kinds that always have something to do, and what one piece of it costs.
    var wanted: [BackgroundBudget.Kind: Int] = [.transfers: 65_536]
    /// Of each second: the share in force, and the worst time of the best 99 in 100.
    private(set) var shares: [Int] = []
    private(set) var percentiles: [Double] = []

    init(seed: UInt64 = 1, bytesPerSecond: Int = 64 * 1_048_576) {
        var limits = BackgroundBudget.Limits()
        limits.bytesPerSecond = bytesPerSecond
        budget = BackgroundBudget(limits: limits)
        generator = SeededGenerator(seed: seed)
        budget.adapt(isIdle: true, now: now)
    }

    mutating func run(seconds: Int) {
        for _ in 0..<seconds {
            var times: [Double] = []
            for _ in 0..<100 { step(&times) }
            budget.adapt(isIdle: requests == 0, now: now)
            shares.append(budget.share)
            times.sort()
            if !times.isEmpty { percentiles.append(times[times.count * 99 / 100]) }
        }
    }

    private mutating func step(_ times: inout [Double]) {
        now = now + .milliseconds(10)
        let before = budget.bytes
        var isGoing = true
        while isGoing {
            isGoing = false
            for kind in BackgroundBudget.Kind.allCases {
                guard let cost = wanted[kind], budget.isOpen(to: kind, now: now) else { continue }
                budget.charge(cost, to: kind, now: now)
                isGoing = true
            }
        }
        let used = load + Double(budget.bytes - before) * 100 / capacity
        for number in 0..<requests {
            // From 1 to 3 times the mean, one in a hundred much longer.
            let spread = 1 + Double(generator.below(1_000)) / 500
            let odd = generator.below(100) == 0 ? 1.5 : 1
            let time = base * spread * odd / max(0.02, 1 - used)
            times.append(time)
            let kind: BackgroundBudget.Request = number % 3 == 0 ? .write : .read
            budget.record(Interval(nanoseconds: UInt64(time)), of: kind)
        }
    }

    /// Of the last seconds.
    func meanShare(_ seconds: Int) -> Double {
        Double(shares.suffix(seconds).reduce(0, +)) / Double(seconds)
            / Double(BackgroundBudget.parts)
    }

    func meanPercentile(_ seconds: Int) -> Double {
        percentiles.suffix(seconds).reduce(0, +) / Double(min(seconds, percentiles.count))
    }
}

@Suite struct BackgroundBudgetTests {
    @Test("requests stay within what they may take longer, and the background gets the rest")
    func convergence() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var machine = Machine(seed: seed)
            machine.wanted = [:]
            machine.run(seconds: 30)
            let alone = machine.meanPercentile(30)
            #expect(machine.meanShare(30) == 1, "seed \(seed)")
            machine.wanted = [.transfers: 65_536]
            machine.run(seconds: 300)
            // At full share requests would take 3.5 times as long.
            let slowed = machine.meanPercentile(200) / alone
            #expect((1.2...2.3).contains(slowed), "seed \(seed): \(slowed) times as long")
            let share = machine.meanShare(200)
            #expect((0.3...0.9).contains(share), "seed \(seed): \(share)")
        }
    }

    @Test("work that was there before the first request: what is normal is learnt at the least")
    func workFromTheStart() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var machine = Machine(seed: seed)
            machine.run(seconds: 1)
            #expect(machine.shares.last == 1, "seed \(seed)")
            #expect(machine.budget.restFactor == HintThrottle.restFactor, "seed \(seed)")
            machine.run(seconds: 300)
            let share = machine.meanShare(200)
            #expect((0.3...0.9).contains(share), "seed \(seed): \(share)")
        }
    }

    @Test("a machine with room for both gives the background all of it")
    func room() {
        var machine = Machine()
        machine.capacity = 4_096 * 1_048_576
        machine.run(seconds: 60)
        #expect(machine.meanShare(30) == 1)
        #expect(machine.budget.restFactor == 1)
        let rate = Double(machine.budget.bytes) / 60 / 1_048_576
        #expect((45...65).contains(rate), "\(rate) MiB/s")
    }

    @Test("with the last request goes the bound; the first ones find it learnt")
    func idle() {
        var machine = Machine()
        machine.capacity = 66 * 1_048_576
        machine.run(seconds: 60)
        #expect(machine.meanShare(20) < 0.7 && machine.budget.p99 != nil)
        machine.requests = 0
        machine.run(seconds: 1)
        #expect(machine.budget.share == BackgroundBudget.parts && machine.budget.p99 == nil)
        let before = machine.budget.bytes
        machine.run(seconds: 10)
        let rate = (machine.budget.bytes - before) / 10
        #expect((62 * 1_048_576...65 * 1_048_576).contains(rate), "\(rate) bytes a second")
        machine.requests = 10
        machine.run(seconds: 4)
        #expect(machine.meanShare(2) < 0.7)
    }

    @Test("requests that wait for their answer are not idleness")
    func stalled() {
        var machine = Machine()
        machine.capacity = 66 * 1_048_576
        machine.run(seconds: 60)
        let share = machine.budget.share
        #expect(share < BackgroundBudget.parts)
        machine.budget.adapt(isIdle: false, now: machine.now + .seconds(1))
        machine.budget.adapt(isIdle: false, now: machine.now + .seconds(30))
        #expect(machine.budget.share == share)
        machine.budget.adapt(isIdle: true, now: machine.now + .seconds(31))
        #expect(machine.budget.share == BackgroundBudget.parts)
    }

    @Test("however much requests suffer, the least share goes on")
    func neverStarved() {
        var machine = Machine()
        // Whatever the background does makes it far too slow.
        machine.capacity = 200_000
        machine.run(seconds: 20)
        let before = machine.budget.bytes
        machine.run(seconds: 100)
        #expect(machine.shares.allSatisfy { $0 >= 1 })
        let rate = (machine.budget.bytes - before) / 100
        #expect(rate >= 1_000_000, "\(rate) bytes a second")
    }

    @Test("requests that became slower by themselves are the new measure in a while")
    func newNormal() {
        var machine = Machine()
        machine.capacity = 4_096 * 1_048_576
        machine.run(seconds: 60)
        #expect(machine.meanShare(10) == 1)
        machine.base *= 20
        machine.run(seconds: 10)
        #expect(machine.meanShare(3) < 0.1)
        machine.run(seconds: 170)
        #expect(machine.meanShare(30) == 1)
    }

    @Test("without background work slow requests change nothing; few say what they say late")
    func slowAlone() {
        var machine = Machine()
        machine.wanted = [:]
        machine.run(seconds: 10)
        machine.base *= 50
        machine.run(seconds: 10)
        #expect(machine.shares.allSatisfy { $0 == BackgroundBudget.parts })

        var budget = BackgroundBudget()
        var now = Instant(nanoseconds: 7)
        budget.adapt(isIdle: true, now: now)
        for _ in 0..<9 {
            now = now + .seconds(1)
            budget.record(.milliseconds(1), of: .read)
            budget.adapt(isIdle: true, now: now)
            #expect(budget.p99 == nil)
        }
        now = now + .seconds(1)
        budget.record(.seconds(3), of: .read)
        budget.adapt(isIdle: true, now: now)
        let p99 = budget.p99?.microseconds ?? 0
        #expect((1_000...1_200).contains(p99), "one of ten is left out, not \(p99) µs")
    }

    @Test("reads that are slower don't hide behind writes that are slower yet")
    func twoKinds() {
        var budget = BackgroundBudget()
        var now = Instant(nanoseconds: 7)
        budget.adapt(isIdle: true, now: now)
        func second(read: Interval, background: Int) {
            now = now + .seconds(1)
            for _ in 0..<200 {
                budget.record(read, of: .read)
                budget.record(.milliseconds(40), of: .write)
            }
            if background > 0 { budget.charge(background, to: .hints, now: now) }
            budget.adapt(isIdle: false, now: now)
        }
        for _ in 0..<5 { second(read: .milliseconds(1), background: 0) }
        #expect(budget.share == BackgroundBudget.parts)
        for _ in 0..<3 { second(read: .milliseconds(20), background: 30 << 20) }
        #expect(budget.share == BackgroundBudget.parts / 8)
    }

    @Test("kinds that all have something to do get as much, whatever one piece costs")
    func fairTurns() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var machine = Machine(seed: seed, bytesPerSecond: 4 * 1_048_576)
            machine.requests = 0
            for kind in BackgroundBudget.Kind.allCases {
                machine.wanted[kind] = 1 + generator.below(1 << 20)
            }
            machine.run(seconds: 200)
            let taken = machine.budget.taken
            let sum = taken.reduce(0, +)
            #expect(sum == machine.budget.bytes)
            for part in taken {
                let share = Double(part) / Double(sum) * Double(taken.count)
                #expect((0.96...1.04).contains(share), "seed \(seed): \(taken)")
            }
        }
    }

    @Test("who was away neither saves up nor holds the others up")
    func away() {
        var machine = Machine(bytesPerSecond: 4 * 1_048_576)
        machine.requests = 0
        machine.run(seconds: 100)
        let first = machine.budget.taken
        machine.wanted[.scrub] = 65_536
        machine.run(seconds: 100)
        let gained = zip(machine.budget.taken, first).map { $0 - $1 }
        let part = Double(gained[BackgroundBudget.Kind.transfers.rawValue])
        #expect((0.45...0.55).contains(part / Double(gained.reduce(0, +))), "\(gained)")
        machine.wanted[.transfers] = nil
        let before = machine.budget.bytes
        machine.run(seconds: 10)
        let rate = (machine.budget.bytes - before) / 10
        #expect(rate >= 4_000_000, "\(rate) bytes a second for the only one left")
    }

    @Test("whatever is measured: a share in its bounds, and no more than the rate")
    func bounds() {
        for seed in 1...200 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var limits = BackgroundBudget.Limits()
            limits.bytesPerSecond = generator.below(1 << 26)
            limits.slowdownPercent = generator.below(400)
            var budget = BackgroundBudget(limits: limits)
            var now = Instant(nanoseconds: generator.next() >> 20)
            let began = now
            var largest = 0
            for _ in 0..<2_000 {
                let request: BackgroundBudget.Request = generator.below(2) == 0 ? .read : .write
                let time = generator.next() >> UInt64(generator.below(64))
                budget.record(Interval(nanoseconds: time), of: request)
                if let kind = BackgroundBudget.Kind(rawValue: generator.below(5)),
                    budget.isOpen(to: kind, now: now)
                {
                    let cost = generator.below(1 << 20)
                    largest = max(largest, cost)
                    budget.charge(cost, to: kind, now: now)
                }
                now = now + Interval(nanoseconds: UInt64(generator.below(1 << 27)))
                budget.adapt(isIdle: generator.below(4) == 0, now: now)
                #expect((1...BackgroundBudget.parts).contains(budget.share), "seed \(seed)")
                #expect(budget.bytesPerSecond >= 1, "seed \(seed)")
                #expect((1...HintThrottle.restFactor).contains(budget.restFactor), "seed \(seed)")
            }
            let seconds = Double(now.since(began).nanoseconds) / 1e9
            let rate = Double(max(1, limits.bytesPerSecond))
            let burst = max(65_536, rate / 64)
            #expect(Double(budget.bytes) <= rate * seconds + burst + Double(largest) + 1)
        }
    }
}
