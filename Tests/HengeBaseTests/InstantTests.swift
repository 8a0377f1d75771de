import HengeBase
import Testing

@Suite struct InstantTests {
    @Test("adding saturates at the far future")
    func addition() {
        let near = Instant(nanoseconds: 10)
        #expect(near + .microseconds(2) == Instant(nanoseconds: 2_010))
        #expect(near + Interval(nanoseconds: .max) == Instant(nanoseconds: .max))
        #expect(Instant(nanoseconds: .max) + Interval(nanoseconds: 1) == Instant(nanoseconds: .max))
        #expect(near + .zero == near)
    }

    @Test("the time since something later is zero")
    func since() {
        let (early, late) = (Instant(nanoseconds: 100), Instant(nanoseconds: 350))
        #expect(late.since(early) == Interval(nanoseconds: 250))
        #expect(early.since(late) == .zero && early.since(early) == .zero)
        #expect(early < late && !(late < early))
    }

    @Test("units convert, round down and saturate")
    func units() {
        #expect(Interval.seconds(2) == .milliseconds(2_000))
        #expect(Interval.milliseconds(3) == .microseconds(3_000))
        #expect(Interval(nanoseconds: 1_999_999).milliseconds == 1)
        #expect(Interval(nanoseconds: 1_999).microseconds == 1)
        for most in [Interval.seconds(.max), .milliseconds(.max), .microseconds(.max)] {
            #expect(most == Interval(nanoseconds: .max))
        }
        #expect(Interval.zero < .microseconds(1))
    }
}
