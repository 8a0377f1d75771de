import HengeBase
import HengeCausality

import struct NIOCore.ByteBuffer

/// Replicas of one partition with a few keys, under random operations. Every state is kept twice,
/// as the code under test keeps it and as ``CausalModel`` does; ``run(steps:)`` returns the first
/// difference.
struct RandomHistory {
    /// The rules of the design that the merge relies on; a test breaks them to see that the model
    /// tells.
    struct Rules {
        /// A replica sends all it knows of a key, never only its newest write.
        var sendsWholeObjects = true
        /// A replica that may have lost writes goes on under a new actor.
        var renewsActors = true
    }

    /// One replica's state of one key.
    struct State {
        var object = VersionedObject()
        var model = CausalModel()
    }

    private struct Disk {
        var counter: UInt64 = 0
        var states: [State]
    }

    private struct Replica {
        var actor: ActorID
        /// Rises per partition replica, not per key: a key sees gaps.
        var disk: Disk
        /// What a crash leaves.
        var durable: Disk
    }

    /// What a client got with a read.
    private struct Reading {
        let key: Int
        let vector: VersionVector
        let dots: Set<Dot>
    }

    private static let keyCount = 2

    let rules: Rules
    /// Every state that a replica was ever in, by key.
    private(set) var reached: [[State]]
    private var random: SeededGenerator
    private var replicas: [Replica]
    private var readings: [Reading] = []
    private var minted: [Set<Dot>]
    private var serial = 0

    init(seed: UInt64, rules: Rules = Rules()) {
        self.rules = rules
        random = SeededGenerator(seed: seed)
        reached = Array(repeating: [State()], count: RandomHistory.keyCount)
        minted = Array(repeating: [], count: RandomHistory.keyCount)
        let empty = Disk(states: Array(repeating: State(), count: RandomHistory.keyCount))
        replicas = []
        for _ in 0..<2 + random.below(4) {
            let actor = ActorID(rawValue: random.next())
            replicas.append(Replica(actor: actor, disk: empty, durable: empty))
        }
    }

    /// Runs `steps` operations, then merges everything everywhere.
    mutating func run(steps: Int) -> String? {
        for step in 0..<steps {
            if let difference = self.step() { return "step \(step): \(difference)" }
        }
        return converge()
    }

    private mutating func step() -> String? {
        let replica = random.below(replicas.count)
        let key = random.below(RandomHistory.keyCount)
        switch random.below(16) {
        case 0..<3:
            let state = replicas[replica].disk.states[key]
            return write(
                replica,
                key,
                replacing: state.object.context,
                basis: state.model.known
            )
        case 3..<6:
            let known = readings.filter { $0.key == key }
            guard !known.isEmpty else { return nil }
            let reading = known[random.below(known.count)]
            return write(replica, key, replacing: reading.vector, basis: reading.dots)
        case 6..<8:
            return write(replica, key, replacing: VersionVector(), basis: [])
        case 8..<12:
            return send(from: replica, to: random.below(replicas.count), key)
        case 12..<14:
            let state = replicas[replica].disk.states[key]
            readings.append(
                Reading(key: key, vector: state.object.context, dots: state.model.known)
            )
        case 14:
            replicas[replica].durable = replicas[replica].disk
        default:
            crash(replica)
        }
        return nil
    }

    private mutating func write(
        _ replica: Int,
        _ key: Int,
        replacing: VersionVector,
        basis: Set<Dot>
    ) -> String? {
        var state = replicas[replica].disk.states[key]
        var dot: Dot
        repeat {
            replicas[replica].disk.counter += 1
            dot = Dot(
                actor: replicas[replica].actor,
                counter: replicas[replica].disk.counter
            )
            // With renewed actors the first is always new; with a reused one it need not be.
        } while !state.object.isNew(dot, replacing: replacing)
        let sibling = sibling(dot)
        let expected = state.model.siblings.count { !basis.contains($0.dot) } + 1
        guard state.object.siblingCount(afterWriteReplacing: replacing) == expected else {
            return "the announced number of siblings is not \(expected)"
        }
        state.object.write(sibling, replacing: replacing)
        state.model.write(sibling, basis: basis)
        minted[key].insert(dot)
        return store(state, replica, key)
    }

    private mutating func send(from sender: Int, to receiver: Int, _ key: Int) -> String? {
        let sent = replicas[sender].disk.states[key]
        var state = replicas[receiver].disk.states[key]
        state.object.merge(rules.sendsWholeObjects ? sent.object : newestAlone(sent.object))
        state.model.merge(sent.model)
        return store(state, receiver, key)
    }

    /// The part of an object that a careless coordinator might send: its newest write.
    private func newestAlone(_ object: VersionedObject) -> VersionedObject {
        guard let newest = object.siblings.max(by: { $0.timestamp < $1.timestamp }) else {
            return object
        }
        var part = VersionedObject()
        part.write(newest, replacing: VersionVector())
        return part
    }

    private mutating func crash(_ replica: Int) {
        replicas[replica].disk = replicas[replica].durable
        guard rules.renewsActors else { return }
        replicas[replica].actor = ActorID(rawValue: random.next())
        replicas[replica].disk.counter = 0
    }

    private mutating func store(_ state: State, _ replica: Int, _ key: Int) -> String? {
        replicas[replica].disk.states[key] = state
        reached[key].append(state)
        return difference(state, key)
    }

    private mutating func converge() -> String? {
        for key in 0..<RandomHistory.keyCount {
            let all = replicas.reduce(CausalModel()) { $0.merged(with: $1.disk.states[key].model) }
            // Two rounds in any order bring everything everywhere: all to one, one to all.
            let order = (0..<replicas.count).shuffled(using: &random)
            for other in order.dropFirst() {
                if let difference = send(from: other, to: order[0], key) { return difference }
            }
            for other in order.dropFirst() {
                if let difference = send(from: order[0], to: other, key) { return difference }
            }
            let bytes = replicas[order[0]].disk.states[key].object.encoded()
            for replica in replicas {
                let object = replica.disk.states[key].object
                guard object.siblings == all.siblings else { return "lost on the way" }
                guard object.encoded() == bytes else { return "merged replicas differ" }
            }
        }
        return nil
    }

    private func difference(_ state: State, _ key: Int) -> String? {
        let expected = state.model.siblings
        guard state.object.siblings == expected else {
            let names = state.object.siblings.map(\.dot.description)
            return "siblings \(names), not \(expected.map(\.dot.description))"
        }
        let known = state.model.known
        for dot in minted[key].sorted()
        where state.object.context.covers(dot) != known.contains(dot) {
            return "the context is wrong about \(dot)"
        }
        return nil
    }

    private mutating func sibling(_ dot: Dot) -> Sibling {
        serial += 1
        return Sibling(
            dot: dot,
            timestamp: HybridTimestamp(rawValue: UInt64(random.below(1_000))),
            expiry: random.chance(1, in: 4)
                ? WallTime(milliseconds: UInt64(random.below(1_000))) : nil,
            payload: random.chance(1, in: 4)
                ? .tombstone
                : .value(
                    ByteBuffer(string: "write \(serial)"),
                    metadata: serial % 3 == 0 ? ByteBuffer(string: "of \(serial)") : nil
                )
        )
    }
}
