import HengeBase
import HengeCausality

import struct NIOCore.ByteBuffer

/// The bytes of a forwarded request.
extension ByteBuffer {
    mutating func writeRequest(_ request: ClientRequest) {
        writeInterval(request.timeout)
        writeConsistency(request.levels.read)
        writeConsistency(request.levels.write)
        writeFlag(request.isSloppy)
        writeKey(request.key)
        switch request.operation {
        case .read: writeInteger(UInt8(0))
        case .inspect: writeInteger(UInt8(1))
        case .write(let mutation):
            writeInteger(UInt8(2))
            writeMutation(mutation)
        }
    }

    mutating func readRequest() throws(WireDecodeError) -> ClientRequest {
        let timeout = try readInterval()
        let read = try readConsistency()
        let levels = ConsistencyLevels(read: read, write: try readConsistency())
        let isSloppy = try readFlag()
        let key = try readKey()
        let operation: ClientRequest.Operation
        switch try field(UInt8.self) {
        case 0: operation = .read
        case 1: operation = .inspect
        case 2: operation = .write(try readMutation())
        default: throw .invalidField("operation")
        }
        return ClientRequest(
            key: key,
            operation: operation,
            levels: levels,
            timeout: timeout,
            isSloppy: isSloppy
        )
    }

    private mutating func writeMutation(_ mutation: Mutation) {
        switch mutation.content {
        case .value(let value):
            writeInteger(UInt8(0))
            writeBytes(value)
        case .tombstone: writeInteger(UInt8(1))
        case .unchanged: writeInteger(UInt8(2))
        }
        switch mutation.basis {
        case .coordinator: writeInteger(UInt8(0))
        case .context(let vector):
            writeInteger(UInt8(1))
            writeVector(vector)
        case .nothing: writeInteger(UInt8(2))
        }
        switch mutation.expiry {
        case .never: writeInteger(UInt8(0))
        case .at(let wall):
            writeInteger(UInt8(1))
            writeInteger(wall.milliseconds)
        case .keep: writeInteger(UInt8(2))
        }
        writeInteger(mutation.condition.code)
        writeFlag(mutation.returnsPrevious)
    }

    private mutating func readMutation() throws(WireDecodeError) -> Mutation {
        let content = try readContent()
        let basis = try readBasis()
        let expiry = try readExpiry()
        guard let condition = Mutation.Condition(code: try field(UInt8.self)) else {
            throw .invalidField("condition")
        }
        return Mutation(
            content: content,
            basis: basis,
            expiry: expiry,
            condition: condition,
            returnsPrevious: try readFlag()
        )
    }

    private mutating func readContent() throws(WireDecodeError) -> Mutation.Content {
        switch try field(UInt8.self) {
        case 0: return .value(try readBytesField())
        case 1: return .tombstone
        case 2: return .unchanged
        default: throw .invalidField("content")
        }
    }

    private mutating func readBasis() throws(WireDecodeError) -> Mutation.Basis {
        switch try field(UInt8.self) {
        case 0: return .coordinator
        case 1: return .context(try readVector())
        case 2: return .nothing
        default: throw .invalidField("basis")
        }
    }

    private mutating func readExpiry() throws(WireDecodeError) -> Mutation.Expiry {
        switch try field(UInt8.self) {
        case 0: return .never
        case 1: return .at(WallTime(milliseconds: try field(UInt64.self)))
        case 2: return .keep
        default: throw .invalidField("expiry")
        }
    }
}

extension Mutation.Condition {
    fileprivate var code: UInt8 {
        switch self {
        case .always: 0
        case .absent: 1
        case .present: 2
        case .presentWithoutExpiry: 3
        case .presentWithExpiry: 4
        case .expiryEarlier: 5
        case .expiryLater: 6
        }
    }

    fileprivate init?(code: UInt8) {
        guard let match = Mutation.Condition.allCases.first(where: { $0.code == code }) else {
            return nil
        }
        self = match
    }
}
