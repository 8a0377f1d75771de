import HengeBase

import struct NIOCore.ByteBuffer

/// The bytes of an ``Explanation``: u8 count, then each leg: node u16, epoch u64, flag, u16 count,
/// then each step: u64 nanoseconds, u8 event and its fields.
extension ByteBuffer {
    private enum EventCode: UInt8 {
        case coordinates = 1
        case skips
        case standsIn
        case forwards
        case forwardAnswered
        case asks
        case answers
        case hedges
        case merges
        case repairs
        case repaired
        case makes
        case sends
        case stores
        case hints
        case refusesRing
        case waitsForRing
        case resumes
        case loses
        case deadline
        case replies
    }

    /// Time and code of a step, the least that it takes.
    private static let stepBytesMin = 9

    mutating func writeExplanation(_ explanation: Explanation) {
        writeInteger(UInt8(explanation.legs.count))
        for leg in explanation.legs {
            writeInteger(leg.node.rawValue)
            writeInteger(leg.epoch)
            writeFlag(leg.isCut)
            writeInteger(UInt16(leg.steps.count))
            for step in leg.steps {
                writeInteger(step.after.nanoseconds)
                writeEvent(step.event)
            }
        }
    }

    mutating func readExplanation() throws(WireDecodeError) -> Explanation {
        let count = Int(try field(UInt8.self))
        guard count <= Explanation.legsMax else { throw .invalidField("legs") }
        var legs: [Explanation.Leg] = []
        for _ in 0..<count { legs.append(try readLeg()) }
        return Explanation(legs: legs)
    }

    private mutating func readLeg() throws(WireDecodeError) -> Explanation.Leg {
        let node = NodeID(try field(UInt16.self))
        let epoch = try field(UInt64.self)
        let isCut = try readFlag()
        let count = Int(try field(UInt16.self))
        guard count <= Explanation.Leg.stepsMax else { throw .invalidField("steps") }
        guard count <= readableBytes / Self.stepBytesMin else { throw .truncated }
        var steps: [Explanation.Step] = []
        steps.reserveCapacity(count)
        for _ in 0..<count {
            let after = Interval(nanoseconds: try field(UInt64.self))
            steps.append(Explanation.Step(after: after, event: try readEvent()))
        }
        return Explanation.Leg(node: node, epoch: epoch, steps: steps, isCut: isCut)
    }

    private mutating func writeEvent(_ event: Explanation.Event) {
        switch event {
        case .coordinates(let reads, let writes):
            writeInteger(EventCode.coordinates.rawValue)
            writeInteger(reads)
            writeInteger(writes)
        case .skips(let node): write(.skips, node)
        case .standsIn(let node, let home):
            write(.standsIn, node)
            writeInteger(home.rawValue)
        case .forwards(let node, let isHedge):
            write(.forwards, node)
            writeFlag(isHedge)
        case .forwardAnswered(let node): write(.forwardAnswered, node)
        case .asks(let node, let kind):
            write(.asks, node)
            writeInteger(kind.rawValue)
        case .answers(let node, let finding):
            write(.answers, node)
            writeFinding(finding)
        case .hedges: writeInteger(EventCode.hedges.rawValue)
        case .merges(let version): write(.merges, version)
        case .repairs(let node): write(.repairs, node)
        case .repaired(let node, let result):
            write(.repaired, node)
            writeStoreResult(result)
        case .makes(let version): write(.makes, version)
        case .sends(let node): write(.sends, node)
        case .stores(let node, let result):
            write(.stores, node)
            writeStoreResult(result)
        case .hints(let node, let fate):
            write(.hints, node)
            writeInteger(fate.rawValue)
        case .refusesRing(let node): write(.refusesRing, node)
        case .waitsForRing(let epoch): write(.waitsForRing, epoch)
        case .resumes(let epoch): write(.resumes, epoch)
        case .loses(let node): write(.loses, node)
        case .deadline: writeInteger(EventCode.deadline.rawValue)
        case .replies(let isSuccess):
            writeInteger(EventCode.replies.rawValue)
            writeFlag(isSuccess)
        }
    }

    private mutating func write(_ code: EventCode, _ node: NodeID) {
        writeInteger(code.rawValue)
        writeInteger(node.rawValue)
    }

    private mutating func write(_ code: EventCode, _ epoch: UInt64) {
        writeInteger(code.rawValue)
        writeInteger(epoch)
    }

    private mutating func write(_ code: EventCode, _ version: Explanation.Version) {
        writeInteger(code.rawValue)
        writeVersion(version)
    }

    private mutating func readEvent() throws(WireDecodeError) -> Explanation.Event {
        guard let code = EventCode(rawValue: try field(UInt8.self)) else {
            throw .invalidField("event")
        }
        switch code {
        case .coordinates:
            let reads = try field(UInt8.self)
            return .coordinates(reads: reads, writes: try field(UInt8.self))
        case .skips: return .skips(try readNode())
        case .standsIn:
            let node = try readNode()
            return .standsIn(node, for: try readNode())
        case .forwards:
            let node = try readNode()
            return .forwards(node, isHedge: try readFlag())
        case .forwardAnswered: return .forwardAnswered(try readNode())
        case .asks:
            let node = try readNode()
            guard let kind = FetchKind(rawValue: try field(UInt8.self)) else {
                throw .invalidField("fetch kind")
            }
            return .asks(node, kind)
        case .answers:
            let node = try readNode()
            return .answers(node, try readFinding())
        case .hedges: return .hedges
        case .merges: return .merges(try readVersion())
        case .repairs: return .repairs(try readNode())
        case .repaired:
            let node = try readNode()
            return .repaired(node, try readStoreResult())
        case .makes: return .makes(try readVersion())
        case .sends: return .sends(try readNode())
        case .stores:
            let node = try readNode()
            return .stores(node, try readStoreResult())
        case .hints:
            let node = try readNode()
            guard let fate = Explanation.HintFate(rawValue: try field(UInt8.self)) else {
                throw .invalidField("hint")
            }
            return .hints(node, fate)
        case .refusesRing: return .refusesRing(try readNode())
        case .waitsForRing: return .waitsForRing(try field(UInt64.self))
        case .resumes: return .resumes(try field(UInt64.self))
        case .loses: return .loses(try readNode())
        case .deadline: return .deadline
        case .replies: return .replies(isSuccess: try readFlag())
        }
    }

    private mutating func readNode() throws(WireDecodeError) -> NodeID {
        NodeID(try field(UInt16.self))
    }

    private mutating func writeFinding(_ finding: Explanation.Finding) {
        switch finding {
        case .absent: writeInteger(UInt8(0))
        case .object(let version):
            writeInteger(UInt8(1))
            writeVersion(version)
        case .digest(let digest):
            writeInteger(UInt8(2))
            writeInteger(digest.rawValue)
        case .failed(let failure):
            writeInteger(UInt8(3))
            writeFailure(failure)
        case .overloaded: writeInteger(UInt8(4))
        }
    }

    private mutating func readFinding() throws(WireDecodeError) -> Explanation.Finding {
        switch try field(UInt8.self) {
        case 0: return .absent
        case 1: return .object(try readVersion())
        case 2: return .digest(VersionDigest(rawValue: try field(UInt64.self)))
        case 3: return .failed(try readFailure())
        case 4: return .overloaded
        default: throw .invalidField("finding")
        }
    }

    private mutating func writeVersion(_ version: Explanation.Version) {
        writeInteger(version.digest.rawValue)
        writeInteger(version.siblings)
        writeInteger(version.bytes)
    }

    private mutating func readVersion() throws(WireDecodeError) -> Explanation.Version {
        let digest = VersionDigest(rawValue: try field(UInt64.self))
        let siblings = try field(UInt32.self)
        return Explanation.Version(
            digest: digest,
            siblings: siblings,
            bytes: try field(UInt32.self)
        )
    }
}
