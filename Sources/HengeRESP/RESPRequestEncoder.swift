package import NIOCore

/// Writes requests as arrays of bulk strings.
package enum RESPRequestEncoder {
    package static func encode(_ arguments: [ByteBuffer], into out: inout ByteBuffer) {
        out.writeRESPNumber(UInt8(ascii: "*"), Int64(arguments.count))
        let writer = RESPWriter(.v2)
        for argument in arguments { writer.bulk(argument, into: &out) }
    }

    package static func encode(_ arguments: [String], into out: inout ByteBuffer) {
        out.writeRESPNumber(UInt8(ascii: "*"), Int64(arguments.count))
        let writer = RESPWriter(.v2)
        for argument in arguments { writer.bulk(argument, into: &out) }
    }
}
