import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import Testing

/// Reads in small worlds of replicas that answer in any order, fail, vanish or keep silent.
@Suite struct ReadCoordinatorGeneratedTests {
    @Test("three replicas, every state, level, repair mode and deadline, in a random order each")
    func everyState() {
        var seed: UInt64 = 0
        for versions in sequences(of: Version.catalogue, count: 3) {
            for required in 1...3 {
                for repair in ReadRepair.allCases {
                    for deadline in [1, 3, 4, 100] {
                        seed += 1
                        var world = ReadWorld(
                            versions: versions,
                            required: required,
                            repair: repair,
                            deadline: deadline,
                            faultsInTen: 0,
                            seed: seed
                        )
                        world.hedges = Int(seed % 3)
                        check(world.run(), seed)
                    }
                }
            }
        }
    }

    @Test("three replicas, every order of their answers with a hedge at any time in between")
    func everyOrder() {
        let versions = [Version.absent] + Version.catalogue[2...3]
        for versions in sequences(of: versions, count: 3) {
            for required in 1...3 {
                for repair in ReadRepair.allCases {
                    var odometer = Odometer()
                    repeat {
                        var world = ReadWorld(
                            versions: versions,
                            required: required,
                            repair: repair,
                            deadline: 1_000,
                            faultsInTen: 0,
                            seed: 1
                        )
                        world.hedges = 1
                        world.odometer = odometer
                        let complaints = world.run()
                        odometer = world.odometer ?? odometer
                        if !complaints.isEmpty {
                            Issue.record("\(versions) R=\(required) \(repair): \(complaints)")
                            return
                        }
                    } while odometer.advance()
                }
            }
        }
    }

    @Test("one to five replicas with faults of every kind")
    func faults() {
        for seed in 1...5_000 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let count = 1 + generator.below(5)
            let catalogue = Version.catalogue
            var world = ReadWorld(
                versions: (0..<count).map { _ in catalogue[generator.below(catalogue.count)] },
                required: 1 + generator.below(count),
                repair: ReadRepair.allCases[generator.below(3)],
                deadline: generator.chance(1, in: 4) ? generator.below(10) : 1_000,
                faultsInTen: generator.below(6),
                seed: generator.next()
            )
            world.hedges = generator.below(4)
            check(world.run(), seed)
        }
    }

    @Test("blocking repair into a second quorum that shares some replicas, all or none; faults")
    func twoQuorums() {
        var repairs = 0
        for seed in 1...8_000 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let count = 1 + generator.below(4)
            let catalogue = Version.catalogue
            var world = ReadWorld(
                versions: (0..<count).map { _ in catalogue[generator.below(catalogue.count)] },
                required: 1 + generator.below(count),
                repair: .blocking,
                deadline: generator.chance(1, in: 6) ? generator.below(10) : 1_000,
                faultsInTen: generator.chance(1, in: 2) ? 0 : generator.below(6),
                seed: generator.next()
            )
            world.hedges = generator.below(3)
            let shared = (0..<count).filter { _ in generator.chance(1, in: 2) }
            let strangers = (count..<(count + generator.below(4))).map { $0 }
            let slots = Set(shared + strangers)
            guard !slots.isEmpty else { continue }
            world.others = Quorum(slots: slots, required: 1 + generator.below(slots.count))
            check(world.run(), seed)
            repairs += world.repairs.count
        }
        #expect(repairs > 1_000)
    }

    private func check(_ complaints: [String], _ seed: UInt64) {
        if !complaints.isEmpty { Issue.record("seed \(seed): \(complaints)") }
    }
}

/// Walks through all sequences of choices, the last choice fastest. As TigerBeetle's
/// `exhaustigen.zig`.
private struct Odometer {
    private var digits: [(value: Int, bound: Int)] = []
    private var position = 0

    mutating func below(_ bound: Int) -> Int {
        if position == digits.count { digits.append((0, bound)) }
        precondition(digits[position].bound == bound, "the same choices led elsewhere")
        position += 1
        return digits[position - 1].value
    }

    /// Goes to the next sequence; false when there is none.
    mutating func advance() -> Bool {
        position = 0
        while let last = digits.popLast() {
            if last.value + 1 < last.bound {
                digits.append((last.value + 1, last.bound))
                return true
            }
        }
        return false
    }
}

/// One read, its replicas and a naive view of what it may answer.
private struct ReadWorld {
    let versions: [Version]
    let required: Int
    let repair: ReadRepair
    let deadline: Int
    let faultsInTen: Int
    var generator: SeededGenerator
    /// How many hedges come at some time.
    var hedges = 0
    /// What has to hold the answer besides; slots from `versions.count` on are not read from.
    var others: Quorum?
    /// Chooses in place of the generator.
    var odometer: Odometer?

    /// What is under way and comes back in any order; nil for a deadline.
    var pending: [ReadCoordinator.Input] = []
    var objectsAsked: [Int] = []
    var digestsAsked: [Int] = []
    /// Answers that were delivered in time, and by whom: the last one counts.
    var delivered: [Int: Version] = [:]
    var objectsDelivered: [Version] = []
    var holders: Set<Int> = []
    var hadFaults = false
    var deadlinePassed = false
    var replies: [ReadCoordinator.Outcome] = []
    var repairs: [ReplicaSet] = []
    var rotten: Set<Int> = []
    var finishes = 0
    var complaints: [String] = []

    init(
        versions: [Version],
        required: Int,
        repair: ReadRepair,
        deadline: Int,
        faultsInTen: Int,
        seed: UInt64
    ) {
        self.versions = versions
        self.required = required
        self.repair = repair
        self.deadline = deadline
        self.faultsInTen = faultsInTen
        generator = SeededGenerator(seed: seed)
    }

    mutating func run() -> [String] {
        var order = Array(versions.indices)
        if odometer == nil {
            for index in order.indices { order.swapAt(index, generator.below(order.count)) }
        }
        var machine = ReadCoordinator(
            order: SlotOrder(order),
            required: required,
            holders: others?.whole,
            reserve: (others?.slots ?? []).subtracting(versions.indices).replicas,
            repair: repair
        )
        var effects = EffectBuffer<ReadCoordinator.Effect>()
        feed(.begin, &machine, &effects)
        for _ in 0..<hedges { pending.append(.hedge) }
        var steps = 0
        while finishes == 0 || !pending.isEmpty {
            if steps == deadline || pending.isEmpty {
                deadlinePassed = deadlinePassed || finishes == 0
                feed(.deadlineReached, &machine, &effects)
            }
            steps += 1
            guard !pending.isEmpty else { continue }
            let next = odometer?.below(pending.count) ?? generator.below(pending.count)
            let input = pending.remove(at: next)
            note(input)
            let mayHedge = machine.canHedge
            let asked = objectsAsked.count + digestsAsked.count + repairs.count
            feed(input, &machine, &effects)
            if case .hedge = input {
                let more = objectsAsked.count + digestsAsked.count + repairs.count - asked
                if more != (mayHedge ? 1 : 0) { complaints.append("a hedge asked \(more)") }
                continue
            }
            if finishes == 0, repairs.isEmpty, settled.count >= required {
                complaints.append("waits although \(settled) are merged")
            }
            // Networks repeat themselves.
            if odometer == nil, generator.chance(1, in: 8) { feed(input, &machine, &effects) }
        }
        judge()
        return complaints
    }

    /// Keeps the naive view of what the coordinator has been told.
    private mutating func note(_ input: ReadCoordinator.Input) {
        guard finishes == 0 else { return }
        // Once it repairs, the coordinator has taken what it needed.
        if !repairs.isEmpty, case .replied = input { return }
        switch input {
        case .replied(let slot, .object):
            delivered[slot] = versions[slot]
            objectsDelivered.append(versions[slot])
        case .replied(let slot, .digest): delivered[slot] = versions[slot]
        case .replied(let slot, _):
            delivered[slot] = nil
        case .lost(let slot): if repairs.isEmpty { delivered[slot] = nil }
        case .repaired(let slot, .durable): holders.insert(slot)
        case .repaired, .begin, .hedge, .deadlineReached: break
        }
    }

    private mutating func feed(
        _ input: ReadCoordinator.Input,
        _ machine: inout ReadCoordinator,
        _ effects: inout EffectBuffer<ReadCoordinator.Effect>
    ) {
        let wasFinished = finishes > 0
        machine.step(input, effects: &effects)
        for index in 0..<effects.count {
            if finishes > 0 { complaints.append("an effect after finish") }
            carryOut(effects[index])
        }
        if wasFinished, !effects.isEmpty { complaints.append("an effect of a late input") }
        effects.removeAll()
    }

    private mutating func carryOut(_ effect: ReadCoordinator.Effect) {
        switch effect {
        case .fetch(let slot, .object):
            if objectsAsked.contains(slot) { complaints.append("object of \(slot) asked twice") }
            if let known = delivered[slot] {
                if known == .absent { complaints.append("object of an absent record asked") }
                if objectsDelivered.contains(known) { complaints.append("a known object asked") }
            }
            objectsAsked.append(slot)
            answerFetch(slot, .object(versions[slot].object))
        case .fetch(let slot, .digest):
            if digestsAsked.contains(slot) { complaints.append("digest of \(slot) asked twice") }
            digestsAsked.append(slot)
            answerFetch(slot, .digest(versions[slot].digest))
        case .fetch(_, .inspection): complaints.append("a read asked for an inspection")
        case .repair(let slots, let object):
            if object != merged.object { complaints.append("repairs with another object") }
            repairs.append(slots)
            slots.forEach { answerRepair($0) }
        case .reply(let outcome): replies.append(outcome)
        case .finish: finishes += 1
        }
    }

    private mutating func answerFetch(_ slot: Int, _ answer: FetchResult) {
        guard generator.chance(faultsInTen, in: 10) else {
            return pending.append(.replied(slot: slot, answer))
        }
        hadFaults = true
        switch generator.below(5) {
        case 0: pending.append(.replied(slot: slot, .failed(.io)))
        case 1:
            rotten.insert(slot)
            pending.append(.replied(slot: slot, .failed(.corrupt)))
        case 2: pending.append(.replied(slot: slot, .overloaded))
        case 3: pending.append(.lost(slot: slot))
        default: break  // Silence.
        }
    }

    private mutating func answerRepair(_ slot: Int) {
        guard generator.chance(faultsInTen, in: 10) else {
            return pending.append(.repaired(slot: slot, .durable))
        }
        hadFaults = true
        switch generator.below(4) {
        case 0: pending.append(.repaired(slot: slot, .failed(.noSpace)))
        case 1: pending.append(.repaired(slot: slot, .clockDrift))
        case 2: pending.append(.lost(slot: slot))
        default: break
        }
    }

    /// Replicas that told of nothing, or of a version that was delivered.
    private var settled: [Int] {
        delivered.keys.sorted().filter { slot in
            delivered[slot] == .absent || objectsDelivered.contains(versions[slot])
        }
    }

    private var merged: Version {
        settled.reduce(.absent) { merged, slot in
            merged.merged(with: delivered[slot] ?? .absent)
        }
    }

    /// All that were sent a repair.
    private var repaired: Set<Int> {
        Set(repairs.flatMap { slots in (0..<ReplicaSet.capacity).filter(slots.contains) })
    }

    private mutating func judge() {
        if replies.count != 1 { complaints.append("\(replies.count) replies") }
        if finishes != 1 { complaints.append("\(finishes) finishes") }
        guard let reply = replies.first else { return }
        switch reply {
        case .object(let object): judge(object)
        case .timedOut(let received, let required), .overloaded(let received, let required),
            .storage(_, let received, let required):
            if required != self.required { complaints.append("wrong number required") }
            if received >= required { complaints.append("failed with \(received) of \(required)") }
            if !hadFaults, !deadlinePassed { complaints.append("failed for no reason: \(reply)") }
            let asked = Set(objectsAsked + digestsAsked)
                .union(repairs.flatMap { slots in versions.indices.filter(slots.contains) })
            let hasSpares = asked.count < versions.count
            // One quorum alone may be out of reach.
            let others = others.map { !$0.slots.isSubset(of: asked.union(repaired)) }
            if !deadlinePassed, hasSpares, others ?? true {
                complaints.append("gave up with spares left")
            }
        }
    }

    private mutating func judge(_ object: EncodedObject?) {
        if settled.count < required { complaints.append("answered from \(settled.count)") }
        if hedges == 0, settled.count < delivered.count { complaints.append("leaves some out") }
        if object != merged.object { complaints.append("not the merge of \(delivered)") }
        let wanted = Set(delivered.keys.filter { delivered[$0] != merged })
        let stale = object == nil || repair == .off ? [] : wanted
        if repair == .off, !repairs.isEmpty { complaints.append("repairs although off") }
        if !stale.isSubset(of: repaired) { complaints.append("stale \(stale), only \(repaired)") }
        let fresh = Set(delivered.keys.filter { delivered[$0] == merged })
        if !repaired.isDisjoint(with: fresh) { complaints.append("repairs what is whole") }
        let all = fresh.union(holders)
        let isShort = all.intersection(versions.indices).count < required
        if repair == .blocking, !stale.isEmpty, isShort {
            complaints.append("\(all) hold it at the time of the reply")
        }
        if let others, object != nil, all.intersection(others.slots).count < others.required {
            complaints.append("\(all) hold it, of \(others)")
        }
    }
}
