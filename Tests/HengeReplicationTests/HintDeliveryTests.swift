import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import Testing

import struct NIOCore.ByteBuffer

@Suite struct HintDeliveryTests {
    private struct World {
        var machine: HintDelivery
        var now = Instant(nanoseconds: 1)
        let wall = WallTime(milliseconds: 10_000)

        init() {
            var limits = HintDelivery.Limits(ageMax: .milliseconds(5_000))
            limits.batchBytes = 500
            limits.loads = 2
            machine = HintDelivery(limits: limits)
        }

        mutating func step(_ input: HintDelivery.Input) -> [String] {
            var effects = EffectBuffer<HintDelivery.Effect>()
            machine.step(input, now: now, wall: wall, effects: &effects)
            var words: [String] = []
            effects.drain { words.append(spell($0)) }
            return words
        }

        private func spell(_ effect: HintDelivery.Effect) -> String {
            switch effect {
            case .loadHints(let limit): "hints \(limit)"
            case .load(let key): "load \(name(key))"
            case .ready: "ready"
            case .handOff(let records): "send \(records.map { name($0.key) }.joined())"
            case .moveToEnd(let hints): "move \(hints.map { name($0.key) }.joined())"
            case .remove(let key, let version): "remove \(version == nil ? "any " : "")\(name(key))"
            case .drop(let through, let tally):
                "drop \(through): \(tally.delivered) \(tally.expired) \(tally.gone)"
            case .finish(let outcome): "\(outcome)"
            }
        }

        private func name(_ key: StoredKey) -> String {
            String(buffer: key.key) + (key.standInFor == nil ? "" : "'")
        }
    }

    private let target = NodeID(2)

    private func key(_ text: String) -> StoredKey {
        let held = text.hasSuffix("'")
        let name = ByteBuffer(string: held ? String(text.dropLast()) : text)
        return StoredKey(bucket: ByteBuffer(string: "b"), key: name)
            .standingIn(for: held ? target : nil)
    }

    private func hints(_ names: String..., created: UInt64 = 9_000) -> HintDelivery.Input {
        let wall = WallTime(milliseconds: created)
        return .hintsLoaded(
            .success(
                names.enumerated().map {
                    Hint(target: target, sequence: UInt64($0 + 1), created: wall, key: key($1))
                }
            )
        )
    }

    private func record(_ name: String, bytes: Int = 10) -> HintDelivery.Input {
        var object = VersionedObject()
        object.write(
            Sibling(
                dot: Dot(actor: ActorID(rawValue: 1), counter: 1),
                timestamp: .zero,
                expiry: nil,
                payload: .value(ByteBuffer(repeating: 1, count: bytes))
            ),
            replacing: VersionVector()
        )
        return .recordLoaded(key(name), .success(object.encoded()))
    }

    @Test("story: a page is loaded, each record once, sent when allowed, removed, and dropped")
    func story() {
        var world = World()
        #expect(world.step(.begin(.deliver, isBusy: false)) == ["hints 256"])
        #expect(world.step(hints("a", "b'", "a")) == ["load a"])
        #expect(world.step(record("a")) == ["load b'"])
        #expect(world.step(record("b'")) == ["ready"])
        #expect(world.machine.isReady && world.machine.cost > 2 * 512)
        #expect(world.step(.allowed) == ["send ab"])
        #expect(world.step(.answered(.durable(refused: 0))) == ["remove b'"])
        #expect(world.step(.removed(success: true)) == ["drop 3: 3 0 0"])
        #expect(world.step(.dropped(success: true)) == ["page"])
        #expect(world.step(.begin(.deliver, isBusy: false)) == ["hints 256"])
        #expect(world.step(hints()) == ["nothing"] && world.machine.isIdle)
    }

    @Test("a batch ends where it is full, and before what can't be loaded now")
    func cuts() {
        var full = World()
        _ = full.step(.begin(.deliver, isBusy: false))
        _ = full.step(hints("a", "b", "a", "c"))
        #expect(full.step(record("a", bytes: 300)) == ["load b"])
        #expect(full.step(record("b", bytes: 300)) == ["ready"])
        #expect(full.step(.allowed) == ["send a"])
        #expect(full.step(.answered(.durable(refused: 0))) == ["drop 1: 1 0 0"])

        var failing = World()
        _ = failing.step(.begin(.deliver, isBusy: false))
        _ = failing.step(hints("a", "b"))
        _ = failing.step(record("a"))
        #expect(failing.step(.recordLoaded(key("b"), .failure(.io))) == ["ready"])
        #expect(failing.step(.allowed) == ["send a"])
        #expect(failing.step(.answered(.durable(refused: 0))) == ["drop 1: 1 0 0"])
    }

    @Test("old hints are dropped unsent; what is gone or rotten is passed over")
    func leftOut() {
        var old = World()
        _ = old.step(.begin(.deliver, isBusy: false))
        #expect(old.step(hints("a", "b", created: 4_999)) == ["drop 2: 0 2 0"])
        var gone = World()
        _ = gone.step(.begin(.deliver, isBusy: false))
        _ = gone.step(hints("a", "b"))
        _ = gone.step(.recordLoaded(key("a"), .success(nil)))
        #expect(gone.step(.recordLoaded(key("b"), .failure(.corrupt))) == ["drop 2: 0 0 2"])
        var held = World()
        _ = held.step(.begin(.deliver, isBusy: false))
        #expect(held.step(hints("a'", created: 0)) == ["load a'"])
    }

    @Test("a hint counts as delivered for its own record, not for another of the same key")
    func heldForAnother() {
        let elsewhere = key("a").standingIn(for: NodeID(9))
        let created = WallTime(milliseconds: 9_000)
        let page = [elsewhere, key("a'")].enumerated().map {
            Hint(target: target, sequence: UInt64($0 + 1), created: created, key: $1)
        }
        var world = World()
        _ = world.step(.begin(.deliver, isBusy: false))
        _ = world.step(.hintsLoaded(.success(page)))
        _ = world.step(.recordLoaded(elsewhere, .success(nil)))
        #expect(world.step(record("a'")) == ["ready"])
        #expect(world.step(.allowed) == ["send a"])
        #expect(world.step(.answered(.durable(refused: 0))) == ["remove a'"])
        #expect(world.step(.removed(success: true)) == ["drop 2: 1 0 1"])
    }

    @Test("to expire: old ones at the front, stand-ins moved behind; to discard: all, with those")
    func otherPurposes() {
        var expiring = World()
        _ = expiring.step(.begin(.expire, isBusy: false))
        #expect(expiring.step(hints("a", "b'", created: 0)) == ["move b'"])
        #expect(expiring.step(.stop) == [])
        #expect(expiring.step(.moved(success: true)) == ["drop 2: 0 1 0"])
        _ = expiring.step(.dropped(success: true))
        _ = expiring.step(.begin(.expire, isBusy: false))
        #expect(expiring.step(hints("b'", created: 0)) == ["nothing"])
        var discarding = World()
        _ = discarding.step(.begin(.discard(through: 2), isBusy: false))
        #expect(discarding.step(hints("a", "b'", "c")) == ["remove any b'"])
        #expect(discarding.step(.removed(success: true)) == ["drop 2: 0 0 0"])
    }

    @Test("a held record is not given up while its home refuses timestamps")
    func refused() {
        var world = World()
        _ = world.step(.begin(.deliver, isBusy: false))
        _ = world.step(hints("a'"))
        _ = world.step(record("a'"))
        _ = world.step(.allowed)
        #expect(world.step(.answered(.durable(refused: 1))) == ["move a'"])
        #expect(world.step(.moved(success: true)) == ["drop 1: 0 0 0"])
        #expect(world.step(.dropped(success: true)) == [] && !world.machine.isIdle)
    }

    @Test("failure in any phase: back off, longer each time up to 5 s, and begin anew")
    func backoff() {
        var world = World()
        for expected in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] as [UInt64] {
            _ = world.step(.begin(.deliver, isBusy: false))
            #expect(world.step(.hintsLoaded(.failure(.io))) == [])
            world.now = world.now + .milliseconds(expected - 1)
            #expect(world.step(.tick) == [], "\(expected)")
            world.now = world.now + .milliseconds(1)
            #expect(world.step(.tick) == ["retry"], "\(expected)")
        }
        for failure in 0..<4 {
            var world = World()
            _ = world.step(.begin(.deliver, isBusy: false))
            _ = world.step(hints("a'"))
            _ = world.step(record("a'"))
            _ = world.step(.allowed)
            if failure == 0 {
                world.now = world.now + .seconds(10)
                #expect(world.step(.tick) == [])
            } else if failure == 1 {
                #expect(world.step(.answered(.overloaded)) == [])
            } else {
                _ = world.step(.answered(.durable(refused: 0)))
                if failure == 3 { _ = world.step(.removed(success: true)) }
                let end: HintDelivery.Input =
                    failure == 3 ? .dropped(success: false) : .removed(success: false)
                #expect(world.step(end) == [])
            }
            world.now = world.now + .milliseconds(100)
            #expect(world.step(.tick) == ["retry"], "\(failure)")
        }
    }

    @Test("stopped in each phase: what needs the target ends, what was acknowledged goes on")
    func stops() {
        var world = World()
        #expect(world.step(.stop) == [])
        let inputs = [hints("a'"), record("a'"), .allowed]
        for count in 0...3 {
            _ = world.step(.begin(.deliver, isBusy: false))
            for input in inputs.prefix(count) { _ = world.step(input) }
            #expect(world.step(.stop) == ["stopped"] && world.machine.isIdle, "\(count)")
        }
        _ = world.step(.begin(.deliver, isBusy: false))
        for input in inputs { _ = world.step(input) }
        _ = world.step(.answered(.durable(refused: 0)))
        #expect(world.step(.stop) == [])
        #expect(world.step(.removed(success: true)) == ["drop 1: 1 0 0"])
        #expect(world.step(.stop) == [])
        #expect(world.step(.dropped(success: true)) == ["page"])
    }
}
