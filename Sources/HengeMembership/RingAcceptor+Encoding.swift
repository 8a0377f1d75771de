package import HengeMessages
import HengeRing

package import struct NIOCore.ByteBuffer

/// The saved form: u8 format, u64 votesFrom, the document, a flag and the promised ballot, the
/// accepted document; in format 2 a u64 and the document of the unsafe recovery that was agreed to.
extension RingAcceptor {
    private static let format: UInt8 = 1
    private static let agreedFormat: UInt8 = 2

    package func encoded() -> ByteBuffer {
        var out = ByteBuffer()
        out.writeInteger(agreed == nil ? Self.format : Self.agreedFormat)
        out.writeInteger(votesFrom)
        out.writeRingDocument(document)
        out.writeInteger(UInt8(promised == nil ? 0 : 1))
        if let promised { out.writeBallot(promised) }
        out.writeAccepted(accepted)
        if let agreed {
            out.writeInteger(agreed.base)
            out.writeRingDocument(agreed.document)
        }
        return out
    }

    /// Reads what ``encoded()`` gave. A node whose saved form can't be read has lost its votes.
    package init(saved: ByteBuffer) throws(WireDecodeError) {
        var saved = saved
        let format = saved.readInteger(as: UInt8.self)
        guard format == Self.format || format == Self.agreedFormat else {
            throw .invalidField("format")
        }
        guard let votesFrom = saved.readInteger(as: UInt64.self) else { throw .truncated }
        let document = try saved.readRingDocument()
        var promised: RingBallot?
        switch saved.readInteger(as: UInt8.self) {
        case 0: break
        case 1: promised = try saved.readBallot()
        case nil: throw .truncated
        default: throw .invalidField("flag")
        }
        let next = document.epoch < .max ? document.epoch + 1 : .max
        let accepted = try saved.readAccepted(next)
        var agreed: AgreedRecovery?
        if format == Self.agreedFormat {
            guard let base = saved.readInteger(as: UInt64.self) else { throw .truncated }
            agreed = AgreedRecovery(base: base, document: try saved.readRingDocument())
        }
        if let accepted, accepted.document.successorFault(of: document) != nil {
            throw .invalidField("accepted ring")
        }
        guard saved.readableBytes == 0 else { throw .trailingBytes(saved.readableBytes) }
        if let accepted, accepted.ballot > promised ?? accepted.ballot || promised == nil {
            throw .invalidField("ballot")
        }
        self.init(
            document: document,
            promised: promised,
            accepted: accepted,
            votesFrom: votesFrom,
            agreed: agreed
        )
    }
}
