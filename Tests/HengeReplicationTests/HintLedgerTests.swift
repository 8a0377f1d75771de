import HengeBase
import HengeMessages
import HengeReplication
import Testing

import struct NIOCore.ByteBuffer

@Suite struct HintLedgerTests {
    private let target = NodeID(2)
    private let wall = WallTime(milliseconds: 1_000)

    private func key(_ text: String) -> StoredKey {
        StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: text))
    }

    private func admit(
        _ ledger: inout HintLedger,
        _ text: String,
        bytesMax: Int = 1_000_000,
        isRequired: Bool = false
    ) -> HintLedger.Admission {
        ledger.admit(target, key(text), at: wall, bytesMax: bytesMax, isRequired: isRequired)
    }

    private func kept(_ admission: HintLedger.Admission) throws -> Hint {
        guard case .keep(let hint) = admission else {
            Issue.record("\(admission)")
            throw CancellationError()
        }
        return hint
    }

    @Test("story: kept, covered, passed, and kept again under a later sequence")
    func story() throws {
        var ledger = HintLedger(idMax: NodeID(3), backlogs: [])
        let first = try kept(admit(&ledger, "k"))
        #expect(first.sequence == 1 && !ledger.mayHold(target))
        #expect(admit(&ledger, "k") == .covered)
        #expect(ledger.ended([first], success: true).isEmpty)
        #expect(ledger.mayHold(target) && ledger.backlog(target).count == 1)
        #expect(ledger.backlog(target).bytes == first.byteCount)
        let mark = ledger.keptMark(target)
        ledger.found(1, for: target, since: mark)
        #expect(ledger.passed(first) == true)
        #expect(ledger.passed(first) == false)
        let second = try kept(admit(&ledger, "k"))
        #expect(second.sequence == 2)
        _ = ledger.ended([second], success: true)
        let bytes = first.byteCount
        ledger.dropped(1, bytes: bytes, for: target, through: 1, oldest: second.created)
        #expect(ledger.backlogs.map(\.count) == [1] && ledger.backlogs[0].lastSequence == 2)
        #expect(ledger.passed(second) == false)
        ledger.dropped(1, bytes: bytes, for: target, through: 2, oldest: second.created)
        #expect(ledger.backlogs.isEmpty && ledger.bytes == 0)
        #expect(ledger.backlog(target).oldest == nil)
    }

    @Test("a mark has what was kept by then, wherever in the queue it goes")
    func marks() throws {
        var ledger = HintLedger(idMax: NodeID(3), backlogs: [])
        #expect(ledger.marks.isEmpty && ledger.mark(target) == nil)
        let early = try (1...3).map { try kept(admit(&ledger, "k\($0)")) }
        // Also what is on its way to the disk.
        var mark = try #require(ledger.mark(target))
        #expect(ledger.marks == [mark] && ledger.left(of: mark) == 3)
        _ = ledger.ended(early, success: true)
        let late = try kept(admit(&ledger, "late"))
        _ = ledger.ended([late], success: true)
        #expect(ledger.left(of: mark) == 3)
        ledger.dropped(1, bytes: 10, for: target, through: 1, oldest: wall)
        #expect(ledger.left(of: mark) == 2)

        let moved = ledger.moveToEnd(early[1])
        #expect(moved.sequence == 5)
        mark.moved(early[1], to: moved)
        _ = ledger.ended([moved], success: true)
        ledger.dropped(2, bytes: 10, for: target, through: 3, oldest: wall)
        #expect(ledger.left(of: mark) == 1)
        ledger.dropped(1, bytes: 10, for: target, through: 4, oldest: wall)
        #expect(ledger.left(of: mark) == 1)
        ledger.dropped(1, bytes: 10, for: target, through: 5, oldest: wall)
        #expect(ledger.left(of: mark) == 0)

        // One that comes to the end of its queue later than that is none of the mark's.
        let other = try kept(admit(&ledger, "other"))
        let last = ledger.moveToEnd(other)
        mark.moved(other, to: last)
        _ = ledger.ended([other, last], success: true)
        #expect(ledger.left(of: mark) == 0)
        mark.extend(to: try #require(ledger.mark(target)))
        #expect(ledger.left(of: mark) == 2)
    }

    @Test("sequences go on above every backlog, also that of a node which has left")
    func sequences() throws {
        let backlogs = [
            HintBacklog(target: target, lastSequence: 7, count: 2, bytes: 100, oldest: wall),
            HintBacklog(target: NodeID(9), lastSequence: 40, count: 1, bytes: 50, oldest: wall),
        ]
        var ledger = HintLedger(idMax: NodeID(3), backlogs: backlogs)
        #expect(ledger.backlogs == [backlogs[0]] && ledger.bytes == 100)
        #expect(try kept(admit(&ledger, "k")).sequence == 41)
        #expect(ledger.backlog(NodeID(9)).count == 0)
    }

    @Test("the bound refuses ordinary hints, and never what must be kept")
    func bounds() throws {
        var ledger = HintLedger(idMax: NodeID(3), backlogs: [])
        let size = try kept(admit(&ledger, "0")).byteCount
        #expect(admit(&ledger, "1", bytesMax: 2 * size) != .refused)
        #expect(admit(&ledger, "2", bytesMax: 2 * size) == .refused)
        #expect(admit(&ledger, "3", bytesMax: 2 * size, isRequired: true) != .refused)
        #expect(ledger.isFull(bytesMax: 2 * size) && ledger.isFull(adding: .max, bytesMax: .max))
        ledger.heldBytesChanged(target, by: 10_000)
        #expect(ledger.bytes == 10_000 + 3 * size)
    }

    @Test("a failed hint is taken back and handed out again to those that relied on it")
    func failure() throws {
        var ledger = HintLedger(idMax: NodeID(3), backlogs: [])
        let alone = try kept(admit(&ledger, "alone"))
        let shared = try kept(admit(&ledger, "shared"))
        #expect(admit(&ledger, "shared") == .covered)
        #expect(ledger.ended([alone, shared], success: false) == [shared])
        #expect(ledger.backlogs.isEmpty && ledger.bytes == 0)
        // It may have taken effect, so delivery has a look, and finds one or none.
        #expect(ledger.mayHold(target))
        ledger.found(1, for: target, since: ledger.keptMark(target))
        #expect(ledger.backlog(target).count == 1)
        ledger.dropped(1, bytes: 50, for: target, through: 1, oldest: wall)
        #expect(ledger.mayHold(target))
        ledger.found(0, for: target, since: ledger.keptMark(target))
        #expect(!ledger.mayHold(target))
    }

    @Test("an empty page says nothing of a hint that became durable after it was asked for")
    func lateMark() throws {
        var ledger = HintLedger(idMax: NodeID(3), backlogs: [])
        let mark = ledger.keptMark(target)
        let hint = try kept(admit(&ledger, "k"))
        _ = ledger.ended([hint], success: true)
        ledger.found(0, for: target, since: mark)
        #expect(ledger.mayHold(target) && ledger.backlog(target).count == 1)
    }

    @Test("more hot keys than are remembered, and long ones, leave more hints and lose none")
    func recentBounds() throws {
        var ledger = HintLedger(idMax: NodeID(3), backlogs: [])
        let long = String(repeating: "x", count: 2_000)
        #expect(admit(&ledger, long) != .covered && admit(&ledger, long) != .covered)
        var covered = 0
        for number in 0..<20_000 { _ = admit(&ledger, "\(number)", bytesMax: .max) }
        for number in 0..<20_000 where admit(&ledger, "\(number)", bytesMax: .max) == .covered {
            covered += 1
        }
        #expect(covered == 16_384)
    }
}

@Suite struct HintThrottleTests {
    @Test("over time no more goes than the rate, whatever the sizes and the pauses between asks")
    func rate() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let rate = 1 + generator.below(1 << 24)
            let burst = 1 + generator.below(1 << 18)
            var throttle = HintThrottle(bytesPerSecond: rate, burstBytes: burst)
            var now = Instant(nanoseconds: generator.next() >> 20)
            let began = now
            var gone = 0
            var largest = 0
            for _ in 0..<2_000 {
                let cost = 1 + generator.below(1 << 17)
                if throttle.take(cost, now: now) {
                    gone += cost
                    largest = max(largest, cost)
                }
                now = now + Interval(nanoseconds: UInt64(generator.below(20_000_000)))
            }
            let seconds = Double(now.since(began).nanoseconds) / 1e9
            let allowed = seconds * Double(rate) + Double(burst + largest)
            #expect(Double(gone) <= allowed + 1, "seed \(seed)")
            // With enough to send it also goes at that rate, save for what idle turns leave over.
            let slowest = min(Double(rate), Double(1 << 16) / 0.010) * seconds * 0.5
            #expect(Double(gone) >= slowest - Double(largest), "seed \(seed)")
        }
    }

    @Test("while requests come a batch is followed by a rest of many times what it took")
    func rest() {
        var throttle = HintThrottle(bytesPerSecond: 1 << 30, burstBytes: 1 << 20)
        var now = Instant(nanoseconds: 5)
        #expect(throttle.take(1, now: now) == true)
        throttle.acknowledged(after: .milliseconds(10), isBusy: true, now: now)
        now = now + .milliseconds(10 * HintThrottle.restFactor - 1)
        #expect(throttle.take(1, now: now) == false)
        now = now + .milliseconds(1)
        #expect(throttle.take(1, now: now) == true)
        throttle.acknowledged(after: .milliseconds(10), isBusy: true, restFactor: 1, now: now)
        now = now + .milliseconds(9)
        #expect(throttle.take(1, now: now) == false)
        now = now + .milliseconds(1)
        #expect(throttle.take(1, now: now) == true)
        throttle.acknowledged(after: .seconds(10), isBusy: false, now: now)
        #expect(throttle.take(1, now: now) == true)
        throttle.acknowledged(after: Interval(nanoseconds: .max), isBusy: true, now: now)
        let end = now + HintThrottle.restMax
        #expect(throttle.take(1, now: Instant(nanoseconds: end.nanoseconds - 1)) == false)
        #expect(throttle.take(1, now: end) == true, "no rest is without end")
    }

    @Test("a debt is paid before the next goes; a rest earns no more than the bucket")
    func story() {
        var throttle = HintThrottle(bytesPerSecond: 1_000, burstBytes: 100)
        var now = Instant(nanoseconds: 5)
        #expect(throttle.take(1_100, now: now) == true)
        now = now + .milliseconds(999)
        #expect(throttle.take(1, now: now) == false)
        now = now + .milliseconds(2)
        #expect(throttle.take(1, now: now) == true)
        now = now + .seconds(1 << 40)
        #expect(throttle.take(101, now: now) == true)
        #expect(throttle.take(1, now: now) == false)
        #expect(HintThrottle.cost(records: 2, bytes: 10) == 1_034)
    }
}
