import HengeBase

import struct NIOCore.ByteBuffer
import struct NIOCore.ByteBufferAllocator

extension VersionedObject {
    /// The most bytes of format, header length and the two counts.
    private static let fixedLengthMax = EncodedObject.prefixLength + 2 * ByteWriter.varintLengthMax
    private static let entryLengthMax = 8 + ByteWriter.varintLengthMax
    /// Entry index, counter, timestamp, flags, expiry, value length.
    private static let siblingLengthMax = 9 + 4 * ByteWriter.varintLengthMax

    /// The stored and wire form; ``EncodedObject`` tells the layout.
    package func encoded() -> EncodedObject {
        var lengthMax = VersionedObject.fixedLengthMax
        lengthMax += context.entries.count * VersionedObject.entryLengthMax
        lengthMax += siblings.count * VersionedObject.siblingLengthMax
        var isDescribed = false
        for sibling in siblings {
            guard case .value(let value, let metadata) = sibling.payload else { continue }
            lengthMax += value.readableBytes
            guard let metadata else { continue }
            isDescribed = true
            lengthMax += metadata.readableBytes + ByteWriter.varintLengthMax
        }
        var out = ByteBufferAllocator().buffer(capacity: lengthMax)
        var headerLength = 0
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: lengthMax) { memory in
            var writer = ByteWriter(memory)
            writeHeader(isDescribed: isDescribed, into: &writer)
            headerLength = writer.offset
            for sibling in siblings {
                guard case .value(let value, let metadata) = sibling.payload else { continue }
                writer.bytes(of: value)
                if let metadata { writer.bytes(of: metadata) }
            }
            return writer.offset
        }
        let objectLength = out.readableBytes
        return EncodedObject(
            out,
            HeaderShape(of: self, headerLength: headerLength, objectLength: objectLength)
        )
    }

    private func writeHeader(isDescribed: Bool, into writer: inout ByteWriter) {
        writer.byte(isDescribed ? EncodedObject.formatDescribed : EncodedObject.format)
        let lengthOffset = writer.offset
        writer.integer(UInt32(0))
        writer.varint(UInt64(context.entries.count))
        for entry in context.entries {
            writer.integer(entry.actor.rawValue)
            writer.varint(entry.counter)
        }
        writer.varint(UInt64(siblings.count))
        // Siblings and entries are both in order of actor: one walk over both.
        var index = 0
        for sibling in siblings {
            while context.entries[index].actor < sibling.dot.actor { index += 1 }
            writer.varint(UInt64(index))
            writer.sibling(sibling)
        }
        writer.set(UInt32(writer.offset), at: lengthOffset)
    }
}

extension ByteWriter {
    fileprivate static let varintLengthMax = 10

    fileprivate mutating func sibling(_ sibling: Sibling) {
        varint(sibling.dot.counter)
        integer(sibling.timestamp.rawValue)
        var flags: UInt8 = sibling.expiry == nil ? 0 : HeaderReader.expiryFlag
        switch sibling.payload {
        case .tombstone: flags |= HeaderReader.tombstoneFlag
        case .value(_, .some): flags |= HeaderReader.metadataFlag
        case .value(_, nil): break
        }
        byte(flags)
        if let expiry = sibling.expiry { varint(expiry.milliseconds) }
        guard case .value(let value, let metadata) = sibling.payload else { return }
        varint(UInt64(value.readableBytes))
        if let metadata { varint(UInt64(metadata.readableBytes)) }
    }
}
