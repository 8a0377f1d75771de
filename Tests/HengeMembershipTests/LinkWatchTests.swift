import HengeBase
import HengeMembership
import Testing

@Suite struct LinkWatchTests {
    private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

    @Test("silence runs from the first question without an answer, and ends with anything heard")
    func silence() {
        var link = LinkWatch()
        link.opened()
        #expect(link.silence(at: at(100)) == .zero, "nobody asked")
        link.asked(at: at(10))
        link.asked(at: at(12))
        #expect(link.silence(at: at(15)) == .seconds(5))
        link.heard()
        #expect(link.silence(at: at(30)) == .zero)
        link.asked(at: at(31))
        #expect(link.silence(at: at(32)) == .seconds(1))
    }

    @Test("a closed link is never silent, and a new one begins anew")
    func closed() {
        var link = LinkWatch()
        link.asked(at: at(1))
        #expect(!link.isOpen && link.silence(at: at(5)) == .zero)
        link.opened()
        link.asked(at: at(5))
        link.closed()
        #expect(link.silence(at: at(9)) == .zero)
        link.opened()
        #expect(link.isOpen && link.silence(at: at(9)) == .zero)
    }
}
