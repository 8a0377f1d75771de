import HengeBase
import HengeNode
import Testing

/// The bound on requests in flight, in virtual time.
@Suite struct AdmissionControlTests {
    /// A server that answers in order, each request after `service`, and `distance` later reaches
    /// the client. `offered` requests come each millisecond.
    private struct Queue {
        var control: AdmissionControl
        var service: Interval
        var distance = Interval.milliseconds(1)
        var waiting: [Instant] = []
        var now = Instant(nanoseconds: 1_000_000_000)
        var budget: UInt64 = 0
        var refused = 0
        var delays: [Interval] = []

        init(requestsMax: Int = 4096, requestsMin: Int = 512, service: Interval) {
            self.service = service
            let limits = AdmissionControl.Limits(
                requestsMax: requestsMax,
                requestsMin: requestsMin
            )
            control = AdmissionControl(limits: limits, now: now)
        }

        mutating func run(milliseconds: Int, offered: Int) {
            delays = []
            refused = 0
            for _ in 0..<milliseconds {
                now = now + .milliseconds(1)
                for _ in 0..<offered {
                    if control.admits(inFlight: waiting.count) {
                        waiting.append(now)
                    } else {
                        refused += 1
                    }
                }
                budget += 1_000_000
                var done = 0
                while done < waiting.count, budget >= service.nanoseconds {
                    budget -= service.nanoseconds
                    let wait = now.since(waiting[done]).nanoseconds
                    let delay = Interval(nanoseconds: wait + distance.nanoseconds)
                    delays.append(delay)
                    control.answered(after: delay, now: now)
                    done += 1
                }
                waiting.removeFirst(done)
                if waiting.isEmpty { budget = 0 }
            }
        }

        var worst: Interval { delays.max() ?? Interval(nanoseconds: 0) }
    }

    @Test("three times what it can do: admitted requests stay near the target, and none is idle")
    func overload() {
        // 10 requests a millisecond at best.
        var queue = Queue(service: Interval(nanoseconds: 100_000))
        queue.run(milliseconds: 1000, offered: 5)
        #expect(queue.refused == 0 && queue.control.requestsMax == 4096)
        queue.run(milliseconds: 2000, offered: 30)
        queue.run(milliseconds: 5000, offered: 30)
        #expect(queue.delays.count > 49_000)
        #expect(queue.worst < .milliseconds(250), "\(queue.worst)")
        #expect(queue.refused > 90_000)
    }

    @Test("after the overload the bound grows back and nothing is refused")
    func recovery() {
        var queue = Queue(service: Interval(nanoseconds: 100_000))
        queue.run(milliseconds: 3000, offered: 30)
        queue.run(milliseconds: 1000, offered: 5)
        queue.run(milliseconds: 1000, offered: 9)
        #expect(queue.refused == 0)
    }

    @Test("a burst within the bound is taken whole")
    func burst() {
        var queue = Queue(service: Interval(nanoseconds: 100_000))
        queue.run(milliseconds: 500, offered: 5)
        queue.run(milliseconds: 1, offered: 3000)
        #expect(queue.refused == 0)
        queue.run(milliseconds: 50, offered: 5)
        #expect(queue.refused == 0)
    }

    @Test("a distant replica is no queue")
    func distance() {
        var queue = Queue(service: Interval(nanoseconds: 100_000))
        queue.distance = .milliseconds(300)
        queue.run(milliseconds: 70_000, offered: 9)
        #expect(queue.refused == 0 && queue.control.requestsMax == 4096)
    }

    @Test("a pause of the machine is no queue, wherever in a window it falls")
    func pause() {
        for answered in 1...220 {
            var now = Instant(nanoseconds: 1_000_000_000)
            var control = AdmissionControl(limits: .init(requestsMax: 4096), now: now)
            for _ in 0..<answered {
                now = now + .milliseconds(1)
                let isAdmitted = control.admits(inFlight: 800)
                #expect(isAdmitted)
                control.answered(after: .milliseconds(10), now: now)
            }
            now = now + .milliseconds(400)
            for _ in 0..<800 { control.answered(after: .milliseconds(410), now: now) }
            for _ in 0..<220 {
                now = now + .milliseconds(1)
                control.answered(after: .milliseconds(10), now: now)
            }
            #expect(control.requestsMax == 4096, "after \(answered) answers")
        }
    }

    @Test("the bound never falls under its minimum nor rises over its maximum")
    func bounds() {
        var queue = Queue(requestsMax: 100, requestsMin: 64, service: .milliseconds(50))
        queue.run(milliseconds: 20_000, offered: 10)
        #expect(queue.control.requestsMax == 64)
        queue.service = Interval(nanoseconds: 10_000)
        queue.run(milliseconds: 5000, offered: 99)
        #expect(queue.control.requestsMax == 100)
        let small = AdmissionControl(limits: .init(requestsMax: 1), now: .init(nanoseconds: 0))
        #expect(small.requestsMax == 1)
    }
}
