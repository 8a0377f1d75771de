import HengeBase
import Testing

@Suite struct HybridTimestampTests {
    @Test("the wall clock comes first, then the counter")
    func order() {
        let early = timestamp(5, counter: .max)
        #expect(early < timestamp(6, counter: 0) && timestamp(5, counter: 1) < early)
        #expect(early.wall.milliseconds == 5 && early.counter == .max)
        #expect(HybridTimestamp.zero.wall.milliseconds == 0)
    }

    @Test("a wall clock beyond 48 bits saturates")
    func saturation() {
        let latest = timestamp(.max, counter: 7)
        #expect(latest.wall.milliseconds == 0xFFFF_FFFF_FFFF && latest.counter == 7)
    }

    private func timestamp(_ milliseconds: UInt64, counter: UInt16) -> HybridTimestamp {
        HybridTimestamp(wall: WallTime(milliseconds: milliseconds), counter: counter)
    }
}

@Suite struct HybridClockTests {
    @Test("follows the wall clock, and counts while it stands")
    func followsWall() {
        var clock = HybridClock(driftMax: .seconds(1))
        #expect(clock.next(wall: wall(100)) == HybridTimestamp(wall: wall(100), counter: 0))
        #expect(clock.next(wall: wall(100)) == HybridTimestamp(wall: wall(100), counter: 1))
        #expect(clock.next(wall: wall(101)) == HybridTimestamp(wall: wall(101), counter: 0))
    }

    @Test("keeps rising when the wall clock is set back")
    func setBack() {
        var clock = HybridClock(driftMax: .seconds(1))
        let before = clock.next(wall: wall(100))
        let after = clock.next(wall: wall(3))
        #expect(after == HybridTimestamp(wall: wall(100), counter: 1) && after > before)
    }

    @Test("a full counter carries into the milliseconds")
    func carry() {
        let full = HybridTimestamp(wall: wall(100), counter: .max)
        var clock = HybridClock(driftMax: .seconds(1), latest: full)
        #expect(clock.next(wall: wall(100)) == HybridTimestamp(wall: wall(101), counter: 0))
    }

    @Test("accepts up to the bound ahead and not a millisecond more")
    func bound() {
        let clock = HybridClock(driftMax: .milliseconds(500))
        let now = wall(10_000)
        #expect(clock.accepts(HybridTimestamp(wall: wall(10_500), counter: .max), wall: now))
        #expect(!clock.accepts(HybridTimestamp(wall: wall(10_501), counter: 0), wall: now))
        #expect(clock.accepts(.zero, wall: now))
    }

    @Test("accepts after being set back what it would have accepted before")
    func acceptsAfterSetBack() {
        var clock = HybridClock(driftMax: .milliseconds(500))
        _ = clock.next(wall: wall(10_000))
        let remote = HybridTimestamp(wall: wall(10_400), counter: 0)
        #expect(clock.accepts(remote, wall: wall(2_000)))
    }

    @Test("observing makes later timestamps greater, never lesser")
    func observe() {
        var clock = HybridClock(driftMax: .seconds(1))
        let remote = HybridTimestamp(wall: wall(900), counter: 8)
        clock.observe(remote)
        #expect(clock.next(wall: wall(100)) == HybridTimestamp(wall: wall(900), counter: 9))
        clock.observe(HybridTimestamp(wall: wall(1), counter: 0))
        #expect(clock.next(wall: wall(100)) == HybridTimestamp(wall: wall(900), counter: 10))
    }

    @Test("rises strictly through random jumps and observations", arguments: [1, 2, 3] as [UInt64])
    func monotonic(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var clock = HybridClock(driftMax: .seconds(1))
        var last = HybridTimestamp.zero
        for step in 0..<20_000 {
            let now = wall(UInt64(generator.below(50)))
            if generator.chance(1, in: 10) {
                let remote = HybridTimestamp(rawValue: UInt64(generator.below(60 << 16)))
                clock.observe(remote)
                last = max(last, remote)
            }
            let next = clock.next(wall: now)
            #expect(next > last, "seed \(seed), step \(step)")
            #expect(next.wall >= now && clock.latest == next, "seed \(seed), step \(step)")
            last = next
        }
    }

    private func wall(_ milliseconds: UInt64) -> WallTime { WallTime(milliseconds: milliseconds) }
}
