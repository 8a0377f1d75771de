import HengeCommand
import Testing

@Suite struct LatencyTests {
    private static let millisecond: UInt64 = 1_000_000

    @Test func operationsAreDueAtTheirRate() {
        let schedule = ArrivalSchedule(start: 500, rate: 1000)
        #expect((0..<3).map(schedule.due) == [500, 1_000_500, 2_000_500])
        #expect(schedule.count(until: 499) == 0)
        #expect(schedule.count(until: 500) == 1)
        #expect(schedule.count(until: 1_000_499) == 1)
        #expect(schedule.count(until: 1_000_500) == 2)
        #expect(schedule.count(until: 500 + 1000 * Self.millisecond) == 1001)
    }

    @Test(arguments: [0.3, 7, 999.9, 33_333, 1_234_567])
    func whatIsCountedIsWhatIsDue(rate: Double) {
        let schedule = ArrivalSchedule(start: 1_000_000_007, rate: rate)
        for index in [0, 1, 2, 3, 10, 999, 1_000_000] {
            let due = schedule.due(index)
            #expect(schedule.count(until: due) == index + 1)
            #expect(schedule.count(until: due - 1) == index)
        }
    }

    /// A server that answers in 1 ms and stands still for one second of ten, at 1,000 operations a
    /// second over one connection. Counted from when it could be sent, one operation of 9,000 is
    /// slow; counted from when it was due, a tenth of all had to wait.
    @Test func aStallShowsInThePercentilesOfAnOpenLoop() {
        let schedule = ArrivalSchedule(start: 0, rate: 1000)
        var corrected = LatencyRecorder()
        var uncorrected = LatencyRecorder()
        var free: UInt64 = 0
        for index in 0..<10_000 {
            let due = schedule.due(index)
            let sent = max(due, free)
            let stall = (5000 * Self.millisecond)..<(6000 * Self.millisecond)
            let begun = stall.contains(sent) ? stall.upperBound : sent
            // Faster than the rate, so that the backlog melts.
            free = begun + Self.millisecond / 10
            corrected.record(nanoseconds: free - due, isWrite: false)
            uncorrected.record(nanoseconds: free - sent, isWrite: false)
        }
        let honest = LatencySummary(corrected.all)
        let flattering = LatencySummary(uncorrected.all)
        #expect(flattering.p99 == 0.1 && flattering.p999 == 0.1)
        #expect(abs(honest.max - 1000) < 1.1 && abs(flattering.max - 1000) < 1.1)
        // The worst hundredth waited 0.91 s or more: 1,111 operations were due before the backlog
        // was gone.
        #expect(abs(honest.p99 - 910) < 10, "\(honest)")
        #expect(abs(honest.p90 - 100) < 15, "\(honest)")
        #expect(honest.p50 == 0.1)
    }

    @Test func summariesAreInMillisecondsToTheMicrosecond() {
        var recorder = LatencyRecorder()
        for microseconds in 1...1000 {
            recorder.record(
                nanoseconds: UInt64(microseconds) * 1000, isWrite: microseconds % 10 == 0)
        }
        let all = LatencySummary(recorder.all)
        #expect(abs(all.p50 - 0.5) < 0.001 && abs(all.p99 - 0.99) < 0.001 && all.max == 1)
        #expect(recorder.reads.totalCount == 900 && recorder.writes.totalCount == 100)
        #expect(LatencySummary(recorder.writes).p50 == 0.5)
        #expect(LatencySummary(LatencyRecorder().all).max == 0)
    }

    @Test func hugeLatenciesCountAsAnHour() {
        var recorder = LatencyRecorder()
        recorder.record(nanoseconds: .max, isWrite: true)
        #expect(recorder.writes.totalCount == 1)
        #expect(abs(LatencySummary(recorder.writes).max - 3_600_000) < 3_600)
    }

    @Test func errorsAreCountedByTheirCode() {
        var tally = ErrorTally()
        tally.record(Array("UNAVAILABLE required=2 alive=1".utf8))
        tally.record(Array("ERR no".utf8))
        tally.record(Array("UNAVAILABLE required=3 alive=1".utf8))
        tally.record(code: "DISCONNECTED", text: "gone", count: 3)
        tally.record(code: "DISCONNECTED", text: "nothing", count: 0)
        #expect(tally.count == 6)
        #expect(
            tally.entries == [
                .init(code: "UNAVAILABLE", count: 2, text: "UNAVAILABLE required=2 alive=1"),
                .init(code: "ERR", count: 1, text: "ERR no"),
                .init(code: "DISCONNECTED", count: 3, text: "gone"),
            ])
    }

    @Test func codesWithoutEndAreCountedTogether() {
        var tally = ErrorTally()
        for index in 0..<1000 { tally.record(Array("E\(index) text".utf8)) }
        #expect(tally.count == 1000)
        #expect(tally.entries.count == 33)
        #expect(tally.entries.last?.code == "OTHER")
    }

    @Test func reportsHaveTheFieldsThatScriptsRelyOn() {
        var result = LoadResult(startedAt: 1_000_000_000)
        result.endedAt = 3_000_000_000
        result.operations = 3
        result.errors.record(Array("ERR \"no\"".utf8))
        for milliseconds in 1...3 {
            result.latencies.record(
                nanoseconds: UInt64(milliseconds) * Self.millisecond,
                isWrite: false
            )
        }
        let text = LoadReport(result).json.text
        #expect(
            text.hasPrefix(
                #"{"operations":3,"errors":1,"seconds":2.0,"rate":1.5,"latency_ms":{"mean":"#
            ),
            "\(text)"
        )
        let latencies =
            #""p50":2.001,"p75":3.0,"p90":3.0,"p95":3.0,"p99":3.0,"#
            + #""p99.9":3.0,"p99.99":3.0,"max":3.0}"#
        #expect(text.contains(latencies), "\(text)")
        #expect(
            text.contains(#""errors_by_code":{"ERR":{"count":1,"first":"ERR \"no\""}}"#), "\(text)")
    }

    @Test func refusalsStandApartFromOtherErrors() {
        var result = LoadResult(startedAt: 0)
        result.endedAt = 1_000_000_000
        result.operations = 60
        result.unsent = 10
        for _ in 0..<29 { result.errors.record(Array("OVERLOADED inflight=4 limit=4".utf8)) }
        result.errors.record(Array("TIMEOUT required=2 received=1".utf8))
        let report = LoadReport(result)
        #expect(report.json.text.contains(#""overloaded":29,"offered":100,"goodput_share":0.6,"#))
        #expect(
            report.lines().contains("29 refused as OVERLOADED; of 100 offered 60.0 % were done"))
        #expect(report.lines().contains { $0.hasPrefix("1 errors TIMEOUT") })
        #expect(!report.lines().contains { $0.contains("errors OVERLOADED") })
    }
}
