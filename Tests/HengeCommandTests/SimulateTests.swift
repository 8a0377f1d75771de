import HengeCommand
import Testing

@Suite struct SimulateTests {
    @Test("a range of seeds is two numbers with three dots between")
    func ranges() throws {
        #expect(try SeedRange.parse("1...2000") == 1...2000)
        #expect(try SeedRange.parse("7...7") == 7...7)
        for text in ["", "7", "7..9", "9...7", "a...b", "-1...3", "1...\(UInt64.max)"] {
            #expect(throws: (any Error).self, "\(text)") { try SeedRange.parse(text) }
        }
    }

    @Test("shares cover every seed once, and with repetitions twice in different processes")
    func shares() {
        for jobs in 1...5 {
            for repeats in [false, true] where jobs > 1 || !repeats {
                var doers: [UInt64: [Int]] = [:]
                for index in 0..<jobs {
                    let share = SimulationShare(jobs: jobs, index: index, repeats: repeats)
                    share.forEach(of: 10...29) { item in
                        doers[item.seed, default: []].append(index)
                        return true
                    }
                }
                #expect(doers.keys.sorted() == Array(10...29))
                for (seed, indexes) in doers {
                    #expect(indexes.count == (repeats ? 2 : 1), "seed \(seed), \(jobs) jobs")
                    #expect(Set(indexes).count == indexes.count, "seed \(seed), \(jobs) jobs")
                }
            }
        }
    }

    @Test("a share goes on where a process ended")
    func skipping() throws {
        var share = SimulationShare(jobs: 2, index: 1, repeats: true)
        var all: [SimulationShare.Item] = []
        share.forEach(of: 1...6) { item in
            all.append(item)
            return true
        }
        share.skipped = 4
        var rest: [SimulationShare.Item] = []
        share.forEach(of: 1...6) { item in
            rest.append(item)
            return true
        }
        #expect(all.count == 6)
        #expect(rest == Array(all.dropFirst(4)))
        #expect(try SimulationShare.parse(share.text) == share)
        for text in ["", "2/2/0/0", "0/0/0/0", "2/1/3/0", "2/1/0/-1", "2/1/0"] {
            #expect(throws: (any Error).self, "\(text)") { try SimulationShare.parse(text) }
        }
    }

    private let record = SimulationRecord(
        seed: 17,
        traceHash: "00c0ffee00c0ffee",
        operations: 300,
        failures: 12,
        faults: 5,
        events: 9_000,
        milliseconds: 3_210,
        summary: "n=3/3 connections",
        violation: "nothing lost: key 2\tlost\nits write"
    )

    @Test("a record is one line, whatever a violation says")
    func records() throws {
        #expect(!record.text.contains("\n"))
        var back = try #require(SimulationRecord(text: record.text))
        #expect(back.violation == "nothing lost: key 2 lost its write")
        back.violation = record.violation
        #expect(back == record)
        #expect(SimulationRecord(text: "> 17") == nil)
        #expect(SimulationRecord(text: "17\t0\tabc\t1\t2\t3\t4\tx\t\t") == nil)
    }

    @Test("totals find broken promises, runs that differ and runs that trap, each once")
    func totals() {
        var totals = SimulationTotals(verifies: true)
        var kept = record
        kept.violation = ""
        var repetition = kept
        repetition.isRepetition = true
        #expect(totals.add(kept) == nil)
        #expect(totals.seedsDone == 0)
        #expect(totals.add(repetition) == nil)
        #expect(totals.seedsDone == 1)

        var other = repetition
        other.seed = 18
        var first = kept
        first.seed = 18
        other.traceHash = "different"
        #expect(totals.add(other) == nil)
        #expect(totals.add(first)?.message.contains("two runs differ") == true)

        var broken = record
        broken.seed = 19
        #expect(totals.add(broken)?.message == record.violation)
        broken.isRepetition = true
        #expect(totals.add(broken) == nil)
        #expect(totals.addTrap(20, "signal 4") != nil)
        #expect(totals.addTrap(20, "signal 4") == nil)
        #expect(totals.failures.map(\.seed) == [18, 19, 20])
        #expect(totals.runs == 8)
        #expect(totals.operations == 6 * 300)
    }

    @Test("what is printed names the seed and how to replay it")
    func text() {
        let failure = SimulationTotals.Failure(seed: 17, message: "nothing lost: …")
        #expect(
            SimulationText.failure(failure, course: .hours(2))
                == "seed 17: nothing lost: …; replay: henge simulate --seed 17 --hours 2.0 --trace"
        )
        #expect(
            SimulationText.failure(failure, course: .drill)
                == "seed 17: nothing lost: …; replay: henge simulate --seed 17 --drills --trace"
        )
        var totals = SimulationTotals(verifies: true)
        var kept = record
        kept.violation = ""
        _ = totals.add(kept)
        kept.isRepetition = true
        _ = totals.add(kept)
        #expect(
            SimulationText.summary(totals, seeds: 17...17, verifies: true, seconds: 1.25)
                == "1 seed, each twice with equal traces: all promises kept; 600 operations and 10 "
                + "faults in 6.4 virtual seconds, 1.3 s (5.1 virtual seconds and 14,400 events a "
                + "second)"
        )
        _ = totals.addTrap(18, "signal 4")
        let json = SimulationText.json(totals, seeds: 17...18, course: .round, seconds: 1)
        #expect(
            json.text
                == #"{"first":17,"last":18,"runs":3,"operations":600,"faults":10,"events":18000,"#
                + #""virtual_ms":6420,"seconds":1.0,"failures":[{"seed":18,"message":"signal 4","#
                + #""replay":"henge simulate --seed 18 --trace"}]}"#
        )
    }
}
