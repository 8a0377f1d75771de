import HengeBase

package import struct NIOCore.ByteBuffer

extension VersionedObject {
    /// The stored and wire form; ``EncodedObject`` tells the layout.
    package func encoded() -> EncodedObject {
        var valueBytes = 0
        for sibling in siblings {
            if case .value(let value) = sibling.payload { valueBytes += value.readableBytes }
        }
        let headerBound = 16 + context.entries.count * 18 + siblings.count * 48
        var out = ByteBuffer()
        out.reserveCapacity(headerBound + valueBytes)
        out.writeInteger(EncodedObject.format)
        out.writeInteger(UInt32(0))
        out.writeVarint(UInt64(context.entries.count))
        for entry in context.entries {
            out.writeInteger(entry.actor.rawValue)
            out.writeVarint(entry.counter)
        }
        out.writeVarint(UInt64(siblings.count))
        for sibling in siblings { out.writeHeader(of: sibling, in: context) }
        let headerLength = out.readableBytes
        out.setInteger(UInt32(headerLength), at: out.readerIndex + 1)
        for sibling in siblings {
            if case .value(let value) = sibling.payload { out.writeImmutableBuffer(value) }
        }
        return EncodedObject(
            trusted: out,
            headerLength: headerLength,
            siblingCount: siblings.count
        )
    }
}

extension ByteBuffer {
    /// Unsigned LEB128 in its shortest form.
    package mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(rest))
    }

    fileprivate mutating func writeHeader(of sibling: Sibling, in context: VersionVector) {
        guard let index = context.entries.firstIndex(where: { $0.actor == sibling.dot.actor })
        else { preconditionFailure("the context covers each sibling") }
        writeVarint(UInt64(index))
        writeVarint(sibling.dot.counter)
        writeInteger(sibling.timestamp.rawValue)
        var flags: UInt8 = sibling.expiry == nil ? 0 : HeaderReader.expiryFlag
        if sibling.payload == .tombstone { flags |= HeaderReader.tombstoneFlag }
        writeInteger(flags)
        if let expiry = sibling.expiry { writeVarint(expiry.milliseconds) }
        if case .value(let value) = sibling.payload { writeVarint(UInt64(value.readableBytes)) }
    }
}
