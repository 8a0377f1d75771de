import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// What a store must hold, kept the naive way.
struct StoreOracle: Equatable {
    var records: [StoredKey: ByteBuffer] = [:]
    var hints: [NodeID: [UInt64: Hint]] = [:]
    /// Known of a store only as of its last opening.
    var watermarks: [Int: ByteBuffer] = [:]
    /// The same.
    var transfers: [Int: ByteBuffer] = [:]

    mutating func apply(_ request: StorageRequest) {
        switch request {
        case .persist(let key, let object, let kept, _):
            records[key] = object
            keep(kept)
        case .remove(let key, _): records[key] = nil
        case .keepHints(let kept, _): keep(kept)
        case .dropHints(let target, let through, _):
            hints[target] = hints[target]?.filter { $0.key > through }
        case .saveWatermark(let partition, let bytes, _):
            watermarks[partition] = bytes.readableBytes > 0 ? bytes : nil
        case .saveTransfer(let partition, let bytes, _):
            transfers[partition] = bytes.readableBytes > 0 ? bytes : nil
        case .dropPartition(let partition, let tokens, _):
            records = records.filter {
                $0.key.standInFor != nil || !tokens.contains($0.key.token)
            }
            watermarks[partition] = nil
            transfers[partition] = nil
        case .load, .loadVersion, .scan, .loadHints, .list: break
        }
    }

    private mutating func keep(_ kept: [Hint]) {
        for hint in kept { hints[hint.target, default: [:]][hint.sequence] = hint }
    }

    /// The node's own records.
    var own: [StoredKey: ByteBuffer] { records.filter { $0.key.standInFor == nil } }

    func hints(for target: NodeID) -> [Hint] {
        (hints[target] ?? [:]).values.sorted { $0.sequence < $1.sequence }
    }

    /// The sizes as docs/decisions/0008 describes the records.
    var backlogs: [HintBacklog] {
        let homes = records.keys.compactMap(\.standInFor)
        let targets = Set(hints.filter { !$0.value.isEmpty }.keys).union(homes)
        return targets.sorted().map { target in
            let kept = hints(for: target)
            let held = records.filter { $0.key.standInFor == target }
            return HintBacklog(
                target: target,
                lastSequence: kept.last?.sequence ?? 0,
                count: kept.count,
                bytes: kept.map { 1 + 2 + 8 + 8 + 1 + $0.key.bytes.readableBytes }.reduce(0, +)
                    + held.map { $0.key.bytes.readableBytes + $0.value.readableBytes }
                    .reduce(0, +),
                oldest: kept.first?.created
            )
        }
    }

    /// What of these keys and targets a store holds.
    static func found(
        in store: any StoreUnderTest,
        keys: [StoredKey],
        targets: [NodeID]
    ) throws -> StoreOracle {
        var found = StoreOracle()
        for key in keys {
            if let object = try store.load(key).get() { found.records[key] = object }
        }
        for target in targets {
            for hint in try store.allHints(target) {
                found.hints[target, default: [:]][hint.sequence] = hint
            }
        }
        return found
    }

    /// Equal but for targets without hints.
    static func == (a: StoreOracle, b: StoreOracle) -> Bool {
        a.records == b.records
            && a.hints.filter { !$0.value.isEmpty } == b.hints.filter { !$0.value.isEmpty }
    }
}

/// Writes of all kinds, by a seed.
struct RandomWrites {
    var random: SeededGenerator
    private(set) var counter: UInt64 = 0
    let ownKeys = (0..<40).map { TestObjects.key("k\($0)", bucket: "b\($0 % 3)") }
    let targets = [NodeID(1), NodeID(2), NodeID(700)]
    var sizeMax = 300

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    /// All records that there may be: at home and, of some keys, in the place of each target.
    var keys: [StoredKey] {
        ownKeys
            + targets.flatMap { target in ownKeys.prefix(12).map { $0.standingIn(for: target) } }
    }

    mutating func next() -> StorageRequest {
        counter += 1
        let token = StorageToken(rawValue: counter)
        switch random.below(19) {
        case 0..<8: return .persist(randomOwnKey(), randomObject(), token)
        case 8..<11:
            let hint = randomHint()
            return .persist(hint.key, randomObject(), hints: [hint], token)
        case 11..<13: return .remove(keys[random.below(keys.count)], token)
        case 13..<15:
            return .keepHints((0..<random.below(4)).map { _ in randomHint() }, token)
        case 15:
            let bytes = random.chance(1, in: 4) ? ByteBuffer() : ByteBuffer(integer: counter)
            return .saveWatermark(partition: 300 * random.below(4), bytes, token)
        case 16:
            let bytes = random.chance(1, in: 4) ? ByteBuffer() : ByteBuffer(integer: counter)
            return .saveTransfer(partition: 300 * random.below(4), bytes, token)
        case 17:
            // A 32nd of all tokens.
            let first = randomOwnKey().token.rawValue & ~(1 << 59 - 1)
            let tokens = Token(rawValue: first)...Token(rawValue: first + (1 << 59 - 1))
            return .dropPartition(300 * random.below(4), tokens: tokens, token)
        default:
            // Now and then above all there is.
            let through = UInt64(random.below(Int(counter) + 5))
            return .dropHints(randomTarget(), through: through, token)
        }
    }

    mutating func randomTarget() -> NodeID { targets[random.below(targets.count)] }

    private mutating func randomOwnKey() -> StoredKey { ownKeys[random.below(ownKeys.count)] }

    private mutating func randomHint() -> Hint {
        counter += 1
        let target = randomTarget()
        let key = ownKeys[random.below(12)]
        return Hint(
            target: target,
            sequence: counter,
            created: WallTime(milliseconds: 1_000 + counter),
            key: key.standingIn(for: random.chance(1, in: 2) ? target : nil)
        )
    }

    private mutating func randomObject() -> ByteBuffer {
        let size = random.chance(1, in: 20) ? 100 * sizeMax : random.below(sizeMax)
        let value = random.chance(1, in: 5) ? nil : TestObjects.noise(size, &random)
        return TestObjects.object(value, counter: counter)
    }
}
