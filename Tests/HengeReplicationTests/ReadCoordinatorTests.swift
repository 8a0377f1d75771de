import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import Testing

@Suite struct ReadCoordinatorTests {
    private static let old = Version.catalogue[1]
    private static let new = Version.catalogue[2]
    private static let other = Version.catalogue[3]

    @Test("R=2 of N=3: a stale replica is found by digest, asked and repaired before the answer")
    func staleReplicaIsRepairedFirst() {
        let read = Reading(slots: 3, required: 2, repair: .blocking)
        #expect(read.step(.begin) == ["fetch 0 object", "fetch 1 digest"])
        #expect(read.step(.replied(slot: 0, .object(Self.new.object))) == [])
        #expect(read.step(.replied(slot: 1, .digest(Self.old.digest))) == ["fetch 1 object"])
        #expect(read.step(.replied(slot: 1, .object(Self.old.object))) == ["repair {1}"])
        #expect(read.step(.repaired(slot: 1, .durable)) == ["reply object", "finish"])
        #expect(read.answer == Self.new.object)
        #expect(read.disagreed)
    }

    @Test("equal digests answer at once and leave the third replica alone")
    func agreement() {
        let read = Reading(slots: 3, required: 2, repair: .blocking)
        read.step(.begin)
        read.step(.replied(slot: 1, .digest(Self.new.digest)))
        let effects = read.step(.replied(slot: 0, .object(Self.new.object)))
        #expect(effects == ["reply object", "finish"])
        #expect(!read.disagreed)
    }

    @Test("a replica that holds nothing is repaired without being asked for an object")
    func absentIsNotFetched() {
        let read = Reading(slots: 2, required: 2, repair: .blocking)
        read.step(.begin)
        read.step(.replied(slot: 0, .object(Self.new.object)))
        #expect(read.step(.replied(slot: 1, .digest(.absent))) == ["repair {1}"])
    }

    @Test("of replicas with equal digests one is asked for the object")
    func equalDigestsAreFetchedOnce() {
        let read = Reading(slots: 4, required: 4, repair: .async)
        read.step(.begin)
        read.step(.replied(slot: 0, .object(Self.old.object)))
        read.step(.replied(slot: 1, .digest(Self.old.digest)))
        read.step(.replied(slot: 2, .digest(Self.new.digest)))
        #expect(read.step(.replied(slot: 3, .digest(Self.new.digest))) == ["fetch 2 object"])
        #expect(
            read.step(.replied(slot: 2, .object(Self.new.object)))
                == ["reply object", "repair {0,1}", "finish"]
        )
    }

    @Test("when the one that was to give the object fails, a spare gives it")
    func spareForTheObject() {
        let read = Reading(slots: 3, required: 2, repair: .off)
        read.step(.begin)
        #expect(read.step(.replied(slot: 0, .failed(.io))) == ["fetch 2 object"])
        read.step(.replied(slot: 1, .digest(Self.new.digest)))
        let effects = read.step(.replied(slot: 2, .object(Self.new.object)))
        #expect(effects == ["reply object", "finish"])
    }

    @Test("replicas of both quorums that agree do for both, and the others are left alone")
    func sharedQuorum() {
        let read = Reading(slots: 2, required: 2, holders: [0, 1, 2], reserve: [2])
        read.step(.begin)
        read.step(.replied(slot: 1, .digest(Self.new.digest)))
        let effects = read.step(.replied(slot: 0, .object(Self.new.object)))
        #expect(effects == ["reply object", "finish"])
    }

    @Test("what those who agree show comes to a quorum of the next replicas before the answer")
    func secondQuorum() {
        let read = Reading(slots: 3, required: 2, holders: [1, 3, 4], reserve: [3, 4])
        read.step(.begin)
        read.step(.replied(slot: 1, .digest(Self.new.digest)))
        #expect(read.step(.replied(slot: 0, .object(Self.new.object))) == ["repair {3}"])
        #expect(read.step(.repaired(slot: 3, .failed(.noSpace))) == ["repair {4}"])
        #expect(read.step(.repaired(slot: 4, .durable)) == ["reply object", "finish"])
        #expect(read.answer == Self.new.object && !read.disagreed)
    }

    @Test("no answer while the next quorum is out of reach; nothing needs no quorum")
    func secondQuorumFails() {
        let read = Reading(slots: 2, required: 1, holders: [2, 3], reserve: [2])
        read.step(.begin)
        #expect(read.step(.replied(slot: 0, .object(Self.new.object))) == ["repair {2}"])
        #expect(read.step(.lost(slot: 2)) == ["reply timedOut 0 of 1", "finish"])
        let nothing = Reading(slots: 2, required: 1, holders: [2, 3], reserve: [2])
        nothing.step(.begin)
        #expect(nothing.step(.replied(slot: 0, .object(nil))) == ["reply object", "finish"])
    }

    @Test("a rotten record is repaired, and after the answer when R others agree")
    func rottenIsRepairedLater() {
        let read = Reading(slots: 3, required: 2, repair: .blocking)
        read.step(.begin)
        read.step(.replied(slot: 0, .failed(.corrupt)))
        read.step(.replied(slot: 1, .digest(Self.new.digest)))
        #expect(
            read.step(.replied(slot: 2, .object(Self.new.object)))
                == ["reply object", "repair {0}", "finish"]
        )
    }

    @Test("a blocking repair that fails goes to a spare replica")
    func spareForTheRepair() {
        let read = Reading(slots: 3, required: 2, repair: .blocking)
        read.step(.begin)
        read.step(.replied(slot: 0, .object(Self.new.object)))
        read.step(.replied(slot: 1, .digest(.absent)))
        #expect(read.step(.repaired(slot: 1, .failed(.noSpace))) == ["repair {2}"])
        #expect(read.outstanding == .only(2))
        #expect(read.step(.repaired(slot: 2, .durable)) == ["reply object", "finish"])
    }

    @Test("a hedge asks a spare for the object that lags, and the first R make the answer")
    func hedgeForTheObject() {
        let read = Reading(slots: 3, required: 2, repair: .blocking)
        read.step(.begin)
        read.step(.replied(slot: 1, .digest(Self.new.digest)))
        #expect(read.step(.hedge) == ["fetch 2 object"])
        let effects = read.step(.replied(slot: 2, .object(Self.new.object)))
        #expect(effects == ["reply object", "finish"])
        #expect(read.wonByHedge)
        #expect(read.step(.replied(slot: 0, .object(Self.new.object))) == [])
    }

    @Test("a hedge for a digest asks for a digest; it has not won when the first is faster")
    func hedgeForADigest() {
        let read = Reading(slots: 3, required: 2, repair: .blocking)
        read.step(.begin)
        read.step(.replied(slot: 0, .object(Self.new.object)))
        #expect(read.step(.hedge) == ["fetch 2 digest"])
        #expect(read.step(.hedge) == [])
        let effects = read.step(.replied(slot: 1, .digest(Self.new.digest)))
        #expect(effects == ["reply object", "finish"])
        #expect(!read.wonByHedge)
    }

    @Test("when digests agree and the object lags, another one of them is asked for it")
    func hedgeToAnotherHolder() {
        let read = Reading(slots: 5, required: 3, repair: .async)
        read.step(.begin)
        read.step(.replied(slot: 1, .digest(Self.new.digest)))
        read.step(.replied(slot: 2, .digest(Self.new.digest)))
        #expect(read.step(.hedge) == ["fetch 3 object"])
        #expect(read.step(.replied(slot: 3, .object(nil))) == ["fetch 1 object"])
        #expect(read.step(.hedge) == ["fetch 2 object"])
        let effects = read.step(.replied(slot: 2, .object(Self.new.object)))
        #expect(effects == ["reply object", "repair {3}", "finish"])
        #expect(read.wonByHedge)
    }

    @Test("a hedge during a blocking repair has a spare hold the object")
    func hedgeOfARepair() {
        let read = Reading(slots: 3, required: 2, repair: .blocking)
        read.step(.begin)
        read.step(.replied(slot: 0, .object(Self.new.object)))
        read.step(.replied(slot: 1, .digest(.absent)))
        #expect(read.step(.hedge) == ["repair {2}"])
        #expect(read.step(.repaired(slot: 2, .durable)) == ["reply object", "finish"])
    }

    @Test("a repair that fails goes to the replica that the hedge has left behind")
    func lateReplicaTakesTheRepair() {
        let read = Reading(slots: 3, required: 2, repair: .blocking)
        read.step(.begin)
        read.step(.replied(slot: 0, .object(Self.new.object)))
        read.step(.hedge)
        #expect(read.step(.replied(slot: 2, .digest(.absent))) == ["repair {2}"])
        #expect(read.step(.repaired(slot: 2, .failed(.noSpace))) == ["repair {1}"])
        #expect(read.step(.repaired(slot: 1, .durable)) == ["reply object", "finish"])
    }

    @Test("state × input: what each phase does with each input")
    func table() {
        let begun: [ReadCoordinator.Input] = [.begin]
        let repairing: [ReadCoordinator.Input] = [
            .begin, .replied(slot: 0, .object(Self.new.object)),
            .replied(slot: 1, .digest(.absent)),
        ]
        let done = repairing + [.repaired(slot: 1, .durable)]
        let timedOut = ["reply timedOut 1 of 2", "finish"]
        let rows: [([ReadCoordinator.Input], ReadCoordinator.Input, [String])] = [
            ([], .begin, ["fetch 0 object", "fetch 1 digest"]),
            (begun, .replied(slot: 0, .object(nil)), []),
            (begun, .replied(slot: 0, .digest(.absent)), []),
            (begun, .replied(slot: 1, .object(nil)), []),
            (begun, .replied(slot: 1, .failed(.io)), ["reply storage io 0 of 2", "finish"]),
            (begun, .replied(slot: 1, .overloaded), ["reply overloaded 0 of 2", "finish"]),
            (begun, .repaired(slot: 1, .durable), []),
            (begun, .lost(slot: 1), ["reply timedOut 0 of 2", "finish"]),
            (begun, .deadlineReached, ["reply timedOut 0 of 2", "finish"]),
            (repairing, .replied(slot: 0, .object(nil)), []),
            (repairing, .repaired(slot: 0, .durable), []),
            (repairing, .repaired(slot: 1, .durable), ["reply object", "finish"]),
            (repairing, .repaired(slot: 1, .clockDrift), timedOut),
            (repairing, .repaired(slot: 1, .overloaded), timedOut),
            (repairing, .lost(slot: 0), []),
            ([.begin], .hedge, []),
            (repairing, .hedge, []),
            (done, .hedge, []),
            (repairing, .lost(slot: 1), timedOut),
            (repairing, .deadlineReached, timedOut),
            (done, .replied(slot: 0, .object(nil)), []),
            (done, .repaired(slot: 1, .durable), []),
            (done, .lost(slot: 1), []),
            (done, .deadlineReached, []),
        ]
        for (state, input, expected) in rows {
            let read = Reading(slots: 2, required: 2, repair: .blocking)
            for input in state { read.step(input) }
            #expect(read.step(input) == expected, "\(input) after \(state.count) inputs")
        }
    }

    @Test("Dynamo 4.5: with R + W > N a read meets the last write on at least one replica")
    func paperOverlap() {
        for required in 1...3 {
            for holders in sequences(of: [Self.old, Self.new], count: 3) {
                let written = holders.count { $0 == Self.new }
                guard required + written > 3 else { continue }
                let read = Reading(slots: 3, required: required, repair: .off)
                #expect(read.run(holders) == Self.new.object, "R=\(required) of \(holders)")
            }
        }
    }

    @Test("Dynamo 4.4: versions that no write has reconciled are all returned")
    func paperSiblings() {
        let read = Reading(slots: 2, required: 2, repair: .off)
        let answer = read.run([Self.new, Self.other])
        #expect(answer?.siblingCount == 2)
        #expect(answer == Self.new.merged(with: Self.other).object)
    }

    @Test("Dynamo 5: read repair also reaches an answer when nothing is to be returned")
    func paperNothing() {
        for repair in ReadRepair.allCases {
            let read = Reading(slots: 3, required: 3, repair: repair)
            #expect(read.run([.absent, .absent, .absent]) == nil)
            #expect(read.hasFinished)
        }
    }
}

/// A coordinator with its effects spelled out.
final class Reading {
    private var machine: ReadCoordinator
    private var effects = EffectBuffer<ReadCoordinator.Effect>()
    private(set) var answer: EncodedObject?
    private(set) var hasFinished = false

    /// - Parameters:
    ///   - holders: two of these have to hold the answer as well, or one if one is required.
    ///   - reserve: those of them that are alive and not read from.
    convenience init(slots: Int, required: Int, holders: [Int], reserve: [Int]) {
        self.init(
            ReadCoordinator(
                order: SlotOrder(Array(0..<slots)),
                required: required,
                holders: WriteQuorum(slots: Set(holders).replicas, required: required),
                reserve: Set(reserve).replicas,
                repair: .blocking
            )
        )
    }

    private init(_ machine: ReadCoordinator) {
        self.machine = machine
    }

    init(slots: Int, required: Int, repair: ReadRepair) {
        machine = ReadCoordinator(
            order: SlotOrder(Array(0..<slots)),
            required: required,
            repair: repair
        )
    }

    var outstanding: ReplicaSet { machine.outstanding }
    var disagreed: Bool { machine.disagreed }
    var wonByHedge: Bool { machine.wonByHedge }

    @discardableResult
    func step(_ input: ReadCoordinator.Input) -> [String] {
        var seen: [String] = []
        machine.step(input, effects: &effects)
        for index in 0..<effects.count { seen.append(spell(effects[index])) }
        effects.removeAll()
        return seen
    }

    /// Answers each question at once, from these versions.
    func run(_ versions: [Version]) -> EncodedObject? {
        var asked = step(.begin)
        while !asked.isEmpty {
            let words = asked.removeFirst().split(separator: " ")
            guard words[0] == "fetch", let slot = Int(words[1]) else { continue }
            let version = versions[slot]
            let result: FetchResult =
                words[2] == "object" ? .object(version.object) : .digest(version.digest)
            asked += step(.replied(slot: slot, result))
        }
        return answer
    }

    private func spell(_ effect: ReadCoordinator.Effect) -> String {
        switch effect {
        case .fetch(let slot, let kind): return "fetch \(slot) \(kind)"
        case .repair(let slots, _): return "repair \(slots)"
        case .finish:
            hasFinished = true
            return "finish"
        case .reply(.object(let object)):
            answer = object
            return "reply object"
        case .reply(.timedOut(let received, let required)):
            return "reply timedOut \(received) of \(required)"
        case .reply(.storage(let failure, let received, let required)):
            return "reply storage \(failure) \(received) of \(required)"
        case .reply(.overloaded(let received, let required)):
            return "reply overloaded \(received) of \(required)"
        }
    }
}
