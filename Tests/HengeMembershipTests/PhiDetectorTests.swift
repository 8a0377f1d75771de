import HengeBase
import HengeMembership
import Testing

@Suite struct PhiDetectorTests {
    private static let second = Interval.seconds(1)
    private let detector = PhiDetector(threshold: 8, interval: second)

    private func instant(_ milliseconds: UInt64) -> Instant {
        Instant(nanoseconds: 0) + .milliseconds(milliseconds)
    }

    /// A window after heartbeats at these times.
    private func window(_ milliseconds: [UInt64]) -> ArrivalWindow {
        var window = ArrivalWindow(expecting: Self.second, at: instant(0))
        for time in milliseconds { window.arrived(at: instant(time)) }
        return window
    }

    @Test(
        "exp and log(1 + x) are exact to twelve digits",
        arguments: [
            (0.0, 1.0, 0.0),
            (0.001, 0.999_000_499_833_374_9, 0.000_999_500_333_083_533_2),
            (0.25, 0.778_800_783_071_404_9, 0.223_143_551_314_209_76),
            (0.5, 0.606_530_659_712_633_4, 0.405_465_108_108_164_4),
            (0.9, 0.406_569_659_740_599_1, 0.641_853_886_172_394_8),
            (1.0, 0.367_879_441_171_442_3, 0.693_147_180_559_945_3),
        ]
    )
    func mathematics(x: Double, expOfMinus: Double, logOnePlus: Double) {
        #expect(abs(LogisticTail.exponential(-x) - expOfMinus) < 1e-12)
        #expect(abs(LogisticTail.logOnePlus(x) - logOnePlus) < 1e-12)
    }

    @Test("e to large negative powers is exact relative to its size, and ends at 0")
    func smallPowers() {
        let power10 = LogisticTail.exponential(-10)
        #expect(abs(power10 / 4.539_992_976_248_485e-5 - 1) < 1e-12)
        let power300 = LogisticTail.exponential(-300)
        #expect(abs(power300 / 5.148_200_222_412_013e-131 - 1) < 1e-11)
        #expect(LogisticTail.exponential(-800) == 0)
        #expect(LogisticTail.exponential(-.infinity) == 0)
    }

    @Test(
        "phi is the normal distribution's tail, as far as the logistic approximation goes",
        arguments: [(-2.0, 0.022_750), (0.0, 0.5), (1.0, 0.158_655), (2.0, 0.022_750)]
    )
    func tail(deviations: Double, tail: Double) {
        // 10^-phi, by the exponential under test: that one is tested above.
        let expected = deviations < 0 ? 1 - tail : tail
        let chance = LogisticTail.exponential(
            -LogisticTail.phi(deviations: deviations) * 2.302_585_092_994_046
        )
        #expect(abs(chance - expected) < 2e-4)
    }

    @Test("phi rises with lateness, to its highest value and never beyond")
    func monotonic() {
        let window = window((1...20).map { $0 * 1000 })
        var before = -1.0
        for late in stride(from: 0, through: 60_000, by: 100) {
            let phi = detector.phi(window, at: instant(20_000 + UInt64(late)))
            #expect(phi >= before && phi >= 0 && phi <= PhiDetector.phiMax)
            before = phi
        }
        #expect(before == PhiDetector.phiMax)
        #expect(detector.phi(window, at: Instant(nanoseconds: .max)) == PhiDetector.phiMax)
        #expect(detector.phi(window, at: instant(0)) < 0.01)
    }

    @Test("one that stops is suspect, then down, within the times that the model gives")
    func stop() {
        let window = window((1...200).map { $0 * 1000 })
        func liveness(_ late: UInt64) -> Liveness {
            detector.liveness(phi: detector.phi(window, at: instant(200_000 + late)))
        }
        #expect(liveness(1000) == .up && liveness(4000) == .up)
        #expect(liveness(5000) == .suspect)
        #expect(liveness(5500) == .down && liveness(9000) == .down)
    }

    @Test("however irregular the heartbeats were, a stop is noticed within nine seconds")
    func irregular() {
        var dice = SeededGenerator(seed: 1)
        for _ in 0..<50 {
            var times: [UInt64] = [1000]
            for _ in 0..<300 {
                times.append((times.last ?? 0) + UInt64(dice.below(2000)))
            }
            let phi = detector.phi(window(times), at: instant((times.last ?? 0) + 9000))
            #expect(detector.liveness(phi: phi) == .down)
        }
    }

    @Test("the window follows mean and deviation of the last intervals")
    func statistics() {
        var dice = SeededGenerator(seed: 2)
        var times: [UInt64] = []
        var time: UInt64 = 0
        for _ in 0..<100 {
            time += 400 + UInt64(dice.below(201))
            times.append(time)
        }
        for _ in 0..<1000 {
            time += 1400 + UInt64(dice.below(201))
            times.append(time)
        }
        let window = window(times)
        #expect(abs(window.mean - 1.5) < 0.02)
        // Uniform over 0.2 s: 0.2 / √12.
        #expect(abs(window.deviation - 0.0577) < 0.012)
    }

    @Test("a wait that begins anew leaves the intervals as they were")
    func restart() {
        var window = window((1...50).map { $0 * 1000 })
        let mean = window.mean
        window.restart(at: instant(500_000))
        #expect(window.mean == mean && window.last == instant(500_000))
        // Time does not run backwards, whatever the caller says.
        window.restart(at: instant(1))
        window.arrived(at: instant(1))
        #expect(window.last == instant(500_000))
    }
}
