import HengeBase
import Testing

@Suite struct NodeIDTests {
    @Test("a request id gives back its slot and generation")
    func requestIDRoundTrip() {
        var generator = SeededGenerator(seed: 5)
        let edges: [UInt32] = [0, 1, .max - 1, .max]
        let randoms = (0..<100).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
        for slot in edges + randoms {
            for generation in edges + randoms.prefix(10) {
                let id = RequestID(slot: slot, generation: generation)
                #expect(id.slot == Int(slot) && id.generation == generation)
                #expect(RequestID(rawValue: id.rawValue) == id)
            }
        }
    }

    @Test("the next generation of a slot is another request")
    func generations() {
        #expect(RequestID(slot: 4, generation: 1) != RequestID(slot: 4, generation: 2))
        #expect(RequestID(slot: 1, generation: 4) != RequestID(slot: 4, generation: 1))
    }

    @Test("node ids are ordered by number")
    func order() {
        #expect(NodeID(2) < NodeID(10) && NodeID(7).description == "#7")
    }
}
