import HengeBase
import Testing

@Suite struct EffectBufferTests {
    @Test("hands effects over in order, once")
    func order() {
        var buffer = EffectBuffer<Int>(capacity: 2)
        let before = (buffer.count, buffer.isEmpty)
        for effect in [3, 1, 2] { buffer.emit(effect) }
        let between = (buffer.count, buffer.isEmpty)
        #expect(before == (0, true) && between == (3, false))
        #expect(drained(&buffer) == [3, 1, 2])
        #expect(drained(&buffer) == [])
    }

    @Test("can be used again after a drain")
    func reuse() {
        var buffer = EffectBuffer<String>()
        for round in 0..<100 {
            buffer.emit("a\(round)")
            buffer.emit("b\(round)")
            #expect(drained(&buffer) == ["a\(round)", "b\(round)"])
        }
    }

    @Test("forgets its effects when the receiver throws")
    func throwing() {
        struct Refused: Error {}
        var buffer = EffectBuffer<Int>()
        buffer.emit(1)
        buffer.emit(2)
        var seen: [Int] = []
        var refused = false
        do {
            try buffer.drain {
                seen.append($0)
                throw Refused()
            }
        } catch { refused = true }
        #expect(refused && seen == [1])
        #expect(drained(&buffer) == [])
    }

    @Test("releases what an effect holds")
    func release() {
        final class Payload {}
        var buffer = EffectBuffer<Payload>()
        weak var payload: Payload?
        do {
            let held = Payload()
            payload = held
            buffer.emit(held)
        }
        #expect(payload != nil)
        buffer.drain { _ in }
        #expect(payload == nil)
    }

    private func drained<Effect>(_ buffer: inout EffectBuffer<Effect>) -> [Effect] {
        var effects: [Effect] = []
        buffer.drain { effects.append($0) }
        return effects
    }
}
