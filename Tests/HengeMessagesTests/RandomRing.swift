import HengeBase
import HengeMessages
import HengeRing

/// Random values of what control planes say of the ring; documents have a test of their own.
extension SeededGenerator {
    mutating func anyRingMessage() -> RingMessage {
        let epoch = next()
        switch below(9) {
        case 0: return .prepare(epoch: epoch, anyBallot())
        case 1: return .promise(epoch: epoch, anyBallot(), accepted: nil)
        case 2: return .accepted(epoch: epoch, anyBallot())
        case 3: return .refused(epoch: epoch, anyBallot(), promised: anyBallot())
        case 4: return .ask(epoch: epoch, token: next())
        case 5: return .agreed(anyMark())
        case 6: return .dissent(anyMark(), .isUp(NodeID(UInt16(below(65_536)))))
        case 7: return .dissent(anyMark(), .agreedBefore(anyMark()))
        default: return .known(epoch: epoch, hasAccepted: chance(1, in: 2), token: next())
        }
    }

    private mutating func anyMark() -> RecoveryMark { RecoveryMark(epoch: next(), id: next()) }

    private mutating func anyBallot() -> RingBallot {
        RingBallot(round: 1 + UInt64(below(1 << 48)), node: NodeID(UInt16(below(65_536))))
    }

    mutating func anyRingReport() -> RingReport {
        var ready = Set<UInt16>()
        for _ in 0..<below(20) { ready.insert(UInt16(below(16_384))) }
        var progress = TransferProgress()
        progress.partitionsDone = below(16_385)
        progress.partitionsLeft = below(16_385)
        progress.keysDone = below(1 << 53)
        progress.bytesDone = below(1 << 53)
        progress.bytesLeft = below(1 << 53)
        progress.bytesPerSecond = below(1 << 40)
        progress.recordsSkipped = below(10)
        switch below(6) {
        case 0: progress.wait = .adoption
        case 1: progress.wait = .source(NodeID(UInt16(below(65_536))))
        case 2: progress.wait = .budget
        case 3: progress.wait = .storage
        case 4: progress.wait = .held
        default: break
        }
        var unreached = Set<UInt16>()
        for _ in 0..<below(4) { unreached.insert(UInt16(below(65_536))) }
        return RingReport(
            epoch: next(),
            ready: ready.sorted(),
            isDrained: chance(1, in: 2),
            unreached: unreached.sorted().map { NodeID($0) },
            progress: progress
        )
    }
}
