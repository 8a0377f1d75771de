import HengeBase
import HengeMessages

/// Random explanations, as long as they may be now and then.
extension SeededGenerator {
    mutating func anyExplanation() -> Explanation {
        let legs = chance(1, in: 10) ? Explanation.legsMax : below(3)
        return Explanation(legs: (0..<legs).map { _ in anyLeg() })
    }

    private mutating func anyLeg() -> Explanation.Leg {
        let count = chance(1, in: 20) ? Explanation.Leg.stepsMax : below(6)
        let steps = (0..<count).map { _ in
            Explanation.Step(after: Interval(nanoseconds: next()), event: anyEvent())
        }
        return Explanation.Leg(
            node: anyNode(),
            epoch: next(),
            steps: steps,
            isCut: chance(1, in: 2)
        )
    }

    private mutating func anyNode() -> NodeID { NodeID(UInt16(below(65_536))) }

    private mutating func anyEvent() -> Explanation.Event {
        switch below(21) {
        case 0: .coordinates(reads: UInt8(below(256)), writes: UInt8(below(256)))
        case 1: .skips(anyNode())
        case 2: .standsIn(anyNode(), for: anyNode())
        case 3: .forwards(anyNode(), isHedge: chance(1, in: 2))
        case 4: .forwardAnswered(anyNode())
        case 5: .asks(anyNode(), FetchKind(rawValue: UInt8(below(3))) ?? .object)
        case 6: .answers(anyNode(), anyFinding())
        case 7: .hedges
        case 8: .merges(anyVersion())
        case 9: .repairs(anyNode())
        case 10: .repaired(anyNode(), anyStoreResult())
        case 11: .makes(anyVersion())
        case 12: .sends(anyNode())
        case 13: .stores(anyNode(), anyStoreResult())
        case 14: .hints(anyNode(), Explanation.HintFate.allCases[below(3)])
        case 15: .refusesRing(anyNode())
        case 16: .waitsForRing(next())
        case 17: .resumes(next())
        case 18: .loses(anyNode())
        case 19: .deadline
        default: .replies(isSuccess: chance(1, in: 2))
        }
    }

    private mutating func anyFinding() -> Explanation.Finding {
        switch below(5) {
        case 0: .absent
        case 1: .object(anyVersion())
        case 2: .digest(VersionDigest(rawValue: next()))
        case 3: .failed(anyFailure())
        default: .overloaded
        }
    }

    private mutating func anyVersion() -> Explanation.Version {
        Explanation.Version(
            digest: VersionDigest(rawValue: next()),
            siblings: UInt32(below(1_000)),
            bytes: UInt32(truncatingIfNeeded: next())
        )
    }
}
