import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

import struct NIOCore.ByteBuffer

/// Three replicas of a partition, and a fourth node that takes it over from them.
///
/// Keys lie on a majority of the replicas each, as write quorums leave them.
struct TransferWorld {
    static let ids = [1, 2, 3]
    static let object: EncodedObject = {
        var object = VersionedObject()
        let sibling = Sibling(
            dot: Dot(actor: ActorID(rawValue: 1), counter: 1),
            timestamp: HybridTimestamp(rawValue: 1),
            expiry: nil,
            payload: .value(ByteBuffer(string: "v"))
        )
        object.write(sibling, replacing: VersionVector())
        return object.encoded()
    }()

    var random: SeededGenerator
    /// Of 64.
    let partition = 5
    let tokens: ClosedRange<Token>
    /// By replica, in token order.
    private(set) var held: [Int: [StoredKey]] = [:]
    var up: [Int] = ids
    var refusing: [Int] = []
    private var isDiskFailing = false
    private var losesPages = false

    /// The receiver's disk.
    private var records: Set<StoredKey> = []
    private var saved: TransferCursor?
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var pending: [PartitionTransfer.Effect] = []

    init(seed: UInt64, records count: Int) {
        random = SeededGenerator(seed: seed)
        tokens = Token(rawValue: 5 << 58)...Token(rawValue: 5 << 58 | (1 << 58 - 1))
        var keys: [StoredKey] = []
        var number = 0
        while keys.count < count {
            let name = ByteBuffer(string: "k\(number)")
            let key = StoredKey(bucket: ByteBuffer(string: "b"), key: name)
            if tokens.contains(key.token) { keys.append(key) }
            number += 1
        }
        keys.sort { $0.token < $1.token }
        for key in keys {
            // One replica may have missed it.
            let without = 1 + random.below(4)
            for id in Self.ids where id != without { held[id, default: []].append(key) }
        }
    }

    /// A key of another partition.
    static func foreign(_ tokens: ClosedRange<Token>) -> StoredKey {
        var number = 0
        while true {
            let name = ByteBuffer(string: "f\(number)")
            let key = StoredKey(bucket: ByteBuffer(string: "b"), key: name)
            if !tokens.contains(key.token) { return key }
            number += 1
        }
    }

    func transfer(
        replaced: Int?,
        fence: UInt64 = 7,
        saved: TransferCursor? = nil
    ) -> PartitionTransfer {
        var limits = PartitionTransfer.Limits()
        limits.pageBytes = 100
        return PartitionTransfer(
            partition: partition,
            tokens: tokens,
            fence: fence,
            current: PreferenceList(Self.ids.map { NodeID(UInt16($0)) }),
            replaced: replaced.map { NodeID(UInt16($0)) },
            saved: saved,
            limits: limits
        )
    }

    mutating func restarted(replaced: Int?) -> PartitionTransfer {
        pending = []
        // As it comes from the disk.
        return transfer(
            replaced: replaced,
            saved: saved.flatMap { TransferCursor(stored: $0.stored) }
        )
    }

    // MARK: What happens

    mutating func misfortune() {
        up = Self.ids.filter { _ in random.chance(3, in: 4) }
        refusing = Self.ids.filter { _ in random.chance(1, in: 6) }
        isDiskFailing = random.chance(1, in: 6)
        losesPages = random.chance(1, in: 5)
    }

    mutating func allIsWell() {
        (up, refusing, isDiskFailing, losesPages) = (Self.ids, [], false, false)
    }

    /// Lets time pass, and does what the machine wants; the names of its effects.
    mutating func run(_ transfer: inout PartitionTransfer, steps: Int) -> [String] {
        var said: [String] = []
        for _ in 0..<steps {
            now = now + .milliseconds(50)
            var effects = EffectBuffer<PartitionTransfer.Effect>()
            if let asked = transfer.asked, !up.contains(Int(asked.rawValue)) {
                transfer.step(.lost, now: now, effects: &effects)
                pending.removeAll { if case .ask = $0 { true } else { false } }
            }
            transfer.step(.tick(up: slots), now: now, effects: &effects)
            if transfer.wanted != nil { transfer.step(.allowed, now: now, effects: &effects) }
            take(&effects, &said)
            guard !pending.isEmpty else { continue }
            let effect = pending.removeFirst()
            answer(effect, &transfer, &effects)
            take(&effects, &said)
        }
        return said
    }

    private var slots: ReplicaSet {
        var slots = ReplicaSet()
        for id in up { slots.insert(id - 1) }
        return slots
    }

    private mutating func take(
        _ effects: inout EffectBuffer<PartitionTransfer.Effect>,
        _ said: inout [String]
    ) {
        for index in 0..<effects.count {
            let effect = effects[index]
            pending.append(effect)
            switch effect {
            case .ask(let node, _): said.append("ask #\(node.rawValue)")
            case .merge(let records, _): said.append("merge \(records.count)")
            case .save: said.append("save")
            case .finish: said.append("finish")
            }
        }
        effects.removeAll()
    }

    private mutating func answer(
        _ effect: PartitionTransfer.Effect,
        _ transfer: inout PartitionTransfer,
        _ effects: inout EffectBuffer<PartitionTransfer.Effect>
    ) {
        switch effect {
        case .ask(let node, let request):
            guard transfer.asked == node, up.contains(Int(node.rawValue)),
                !(losesPages && random.chance(1, in: 3))
            else { return }
            let result = serve(Int(node.rawValue), request)
            transfer.step(.answered(result), now: now, effects: &effects)
        case .merge(let batch, _):
            let isFailing = isDiskFailing && random.chance(1, in: 2)
            let stored = isFailing ? batch.count / 2 : batch.count
            for record in batch.prefix(stored) { records.insert(record.key) }
            let input = PartitionTransfer.Input.merged(refused: 0, isFailing ? .io : nil)
            transfer.step(input, now: now, effects: &effects)
        case .save(let bytes):
            let isFailing = isDiskFailing && random.chance(1, in: 2)
            if !isFailing { saved = TransferCursor(stored: bytes) }
            transfer.step(.saved(success: !isFailing), now: now, effects: &effects)
        case .finish: break
        }
    }

    private func serve(_ id: Int, _ request: TransferRequest) -> TransferResult {
        guard !refusing.contains(id) else { return .overloaded }
        let from = request.from ?? tokens.lowerBound
        let rest = (held[id] ?? []).filter { $0.token >= from }
        let page = rest.prefix(3)
        return .page(
            TransferPage(
                records: page.map { HandedRecord(key: $0, object: Self.object) },
                next: rest.dropFirst(3).first?.token,
                bytesLeft: 10 * max(0, rest.count - 3)
            )
        )
    }

    // MARK: What is there

    /// What these hold and the receiver lacks.
    func missing(from ids: [Int]) -> [StoredKey] {
        ids.flatMap { held[$0] ?? [] }.filter { !records.contains($0) }
    }

    /// Keys of a write quorum that a read quorum with the receiver in the place of #2 may miss:
    /// those that #2 held, and one of the others lacks.
    func lostByQuorums() -> [StoredKey] {
        let second = Set(held[2] ?? [])
        let everywhere = Set(held[1] ?? []).intersection(held[3] ?? [])
        return second.filter { !everywhere.contains($0) && !records.contains($0) }
    }

    var diskSaysDone: Bool { saved?.isDone ?? false }
}
