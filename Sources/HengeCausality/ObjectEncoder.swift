import HengeBase

import struct NIOCore.ByteBuffer

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
        for sibling in siblings {
            if case .value(let value) = sibling.payload { lengthMax += value.readableBytes }
        }
        var out = ByteBuffer()
        var headerLength = 0
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: lengthMax) { memory in
            var writer = ByteWriter(memory)
            writeHeader(into: &writer)
            headerLength = writer.offset
            for sibling in siblings {
                if case .value(let value) = sibling.payload { writer.bytes(of: value) }
            }
            return writer.offset
        }
        return EncodedObject(
            trusted: out,
            headerLength: headerLength,
            siblingCount: siblings.count
        )
    }

    private func writeHeader(into writer: inout ByteWriter) {
        writer.byte(EncodedObject.format)
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
        if case .tombstone = sibling.payload { flags |= HeaderReader.tombstoneFlag }
        byte(flags)
        if let expiry = sibling.expiry { varint(expiry.milliseconds) }
        if case .value(let value) = sibling.payload { varint(UInt64(value.readableBytes)) }
    }
}
