import HengeBase
package import HengeRing

package import struct NIOCore.ByteBuffer

/// The bytes of a ``RingMessage``: u8 kind, then what the kind has.
package enum RingMessageCodec {
    package static func write(_ message: RingMessage, into out: inout ByteBuffer) {
        out.writeRing(message)
    }

    /// Reads one whole message.
    package static func read(_ payload: ByteBuffer) throws(WireDecodeError) -> RingMessage {
        var payload = payload
        let message = try payload.readRing()
        guard payload.readableBytes == 0 else { throw .trailingBytes(payload.readableBytes) }
        return message
    }
}

extension ByteBuffer {
    mutating func writeRing(_ message: RingMessage) {
        switch message {
        case .prepare(let epoch, let ballot):
            writeInteger(UInt8(1))
            writeInteger(epoch)
            writeBallot(ballot)
        case .promise(let epoch, let ballot, let accepted):
            writeInteger(UInt8(2))
            writeInteger(epoch)
            writeBallot(ballot)
            writeFlag(accepted != nil)
            if let accepted {
                writeBallot(accepted.ballot)
                writeRingDelta(accepted.delta)
            }
        case .accept(let ballot, let delta):
            writeInteger(UInt8(3))
            writeBallot(ballot)
            writeRingDelta(delta)
        case .accepted(let epoch, let ballot):
            writeInteger(UInt8(4))
            writeInteger(epoch)
            writeBallot(ballot)
        case .refused(let epoch, let ballot, let promised):
            writeInteger(UInt8(5))
            writeInteger(epoch)
            writeBallot(ballot)
            writeBallot(promised)
        case .decided(let document):
            writeInteger(UInt8(6))
            writeRingDocument(document)
        case .ask(let epoch, let token):
            writeInteger(UInt8(7))
            writeInteger(epoch)
            writeInteger(token)
        case .known(let epoch, let hasAccepted, let token):
            writeInteger(UInt8(8))
            writeInteger(epoch)
            writeFlag(hasAccepted)
            writeInteger(token)
        case .next(let delta):
            writeInteger(UInt8(9))
            writeRingDelta(delta)
        case .recover(let base, let document):
            writeInteger(UInt8(10))
            writeInteger(base)
            writeRingDocument(document)
        case .agreed(let mark):
            writeInteger(UInt8(11))
            writeMark(mark)
        case .dissent(let mark, .isUp(let node)):
            writeInteger(UInt8(12))
            writeMark(mark)
            writeInteger(node.rawValue)
        case .dissent(let mark, .agreedBefore(let other)):
            writeInteger(UInt8(13))
            writeMark(mark)
            writeMark(other)
        }
    }

    private mutating func writeMark(_ mark: RecoveryMark) {
        writeInteger(mark.epoch)
        writeInteger(mark.id)
    }

    private mutating func readMark() throws(WireDecodeError) -> RecoveryMark {
        let epoch = try field(UInt64.self)
        return RecoveryMark(epoch: epoch, id: try field(UInt64.self))
    }

    /// What has to do with unsafe recoveries.
    private mutating func readRecovery(_ kind: UInt8) throws(WireDecodeError) -> RingMessage {
        if kind == 10 {
            let base = try field(UInt64.self)
            return .recover(base: base, try readRingDocument())
        }
        let mark = try readMark()
        switch kind {
        case 11: return .agreed(mark)
        case 12: return .dissent(mark, .isUp(NodeID(try field(UInt16.self))))
        default: return .dissent(mark, .agreedBefore(try readMark()))
        }
    }

    mutating func readRing() throws(WireDecodeError) -> RingMessage {
        let kind = try field(UInt8.self)
        switch kind {
        case 3:
            let ballot = try readBallot()
            return .accept(ballot, try readRingDelta())
        case 6: return .decided(try readRingDocument())
        case 9: return .next(try readRingDelta())
        case 1, 2, 4, 5, 7, 8: break
        case 10...13: return try readRecovery(kind)
        default: throw .invalidField("ring message")
        }
        let epoch = try field(UInt64.self)
        switch kind {
        case 1: return .prepare(epoch: epoch, try readBallot())
        case 2:
            let ballot = try readBallot()
            return .promise(epoch: epoch, ballot, accepted: try readAcceptedDelta(epoch))
        case 4: return .accepted(epoch: epoch, try readBallot())
        case 5:
            let ballot = try readBallot()
            return .refused(epoch: epoch, ballot, promised: try readBallot())
        case 7: return .ask(epoch: epoch, token: try field(UInt64.self))
        default:
            let hasAccepted = try readFlag()
            return .known(
                epoch: epoch,
                hasAccepted: hasAccepted,
                token: try field(UInt64.self)
            )
        }
    }

    private mutating func readAcceptedDelta(
        _ epoch: UInt64
    ) throws(WireDecodeError) -> AcceptedDelta? {
        guard try readFlag() else { return nil }
        let ballot = try readBallot()
        let delta = try readRingDelta()
        guard delta.epoch == epoch else { throw .invalidField("ring epoch") }
        return AcceptedDelta(ballot: ballot, delta: delta)
    }

    private mutating func writeRingDelta(_ delta: RingDelta) {
        let bytes = delta.encoded()
        writeInteger(UInt32(bytes.count))
        writeBytes(bytes)
    }

    private mutating func readRingDelta() throws(WireDecodeError) -> RingDelta {
        let length = Int(try field(UInt32.self))
        guard length <= RingDelta.encodedLengthMax else { throw .invalidField("ring delta") }
        guard let bytes = readBytes(length: length) else { throw .truncated }
        do throws(RingDecodeError) {
            return try RingDelta.decode(bytes)
        } catch {
            throw .invalidField("ring delta")
        }
    }

    // MARK: What is saved, too

    package mutating func writeBallot(_ ballot: RingBallot) {
        writeInteger(ballot.round)
        writeInteger(ballot.node.rawValue)
    }

    package mutating func readBallot() throws(WireDecodeError) -> RingBallot {
        let round = try field(UInt64.self)
        guard (1...RingBallot.roundMax).contains(round) else { throw .invalidField("ballot") }
        return RingBallot(round: round, node: NodeID(try field(UInt16.self)))
    }

    package mutating func writeAccepted(_ accepted: AcceptedRing?) {
        writeFlag(accepted != nil)
        guard let accepted else { return }
        writeBallot(accepted.ballot)
        writeRingDocument(accepted.document)
    }

    /// - Parameter epoch: that of the document.
    package mutating func readAccepted(
        _ epoch: UInt64
    ) throws(WireDecodeError) -> AcceptedRing? {
        guard try readFlag() else { return nil }
        let ballot = try readBallot()
        let document = try readRingDocument()
        guard document.epoch == epoch else { throw .invalidField("ring epoch") }
        return AcceptedRing(ballot: ballot, document: document)
    }

    package mutating func writeRingDocument(_ document: RingDocument) {
        let bytes = document.encoded()
        writeInteger(UInt32(bytes.count))
        writeBytes(bytes)
    }

    package mutating func readRingDocument() throws(WireDecodeError) -> RingDocument {
        let length = Int(try field(UInt32.self))
        guard length <= RingDocument.encodedLengthMax else { throw .invalidField("ring") }
        guard let bytes = readBytes(length: length) else { throw .truncated }
        do throws(RingDecodeError) {
            return try RingDocument.decode(bytes)
        } catch {
            throw .invalidField("ring")
        }
    }
}
