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

    @Test("taken one by one, also while more are emitted")
    func taking() {
        var buffer = EffectBuffer<[Int]>(capacity: 1)
        var taken: [Int] = []
        for number in 0..<5 { buffer.emit([number]) }
        while let effect = buffer.takeFirst() {
            taken += effect
            // Each of the first five brings three more, so that the buffer grows amid it.
            if effect[0] < 5 { for more in 1...3 { buffer.emit([10 * effect[0] + more + 4]) } }
        }
        let (count, none) = (buffer.count, buffer.takeFirst())
        #expect(count == 0 && none == nil)
        #expect(taken.count == 20)
        #expect(Array(taken.prefix(8)) == [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(taken.last == 47)
        buffer.emit([1])
        buffer.emit([2])
        let second = buffer.takeFirst().map { _ in buffer[0] }
        #expect(second == [2])
    }

    @Test("what is taken, forgotten or left is let go once")
    func ownership() {
        final class Payload {}
        weak var taken: Payload?
        weak var forgotten: Payload?
        weak var left: Payload?
        do {
            var buffer = EffectBuffer<Payload>(capacity: 2)
            do {
                let payloads = [Payload(), Payload()]
                (taken, forgotten) = (payloads[0], payloads[1])
                for payload in payloads { buffer.emit(payload) }
            }
            _ = buffer.takeFirst()
            #expect(taken == nil && forgotten != nil)
            buffer.removeAll()
            #expect(forgotten == nil)
            do {
                let payload = Payload()
                left = payload
                buffer.emit(payload)
            }
            #expect(left != nil)
        }
        #expect(left == nil)
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
