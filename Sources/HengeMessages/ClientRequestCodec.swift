import HengeBase
import HengeCausality

import struct NIOCore.ByteBuffer

/// The bytes of a forwarded request.
extension ByteBuffer {
    mutating func writeRequest(_ request: ClientRequest) {
        writeInterval(request.timeout)
        writeConsistency(request.levels.read)
        writeConsistency(request.levels.write)
        writeInteger(UInt8(request.isSloppy ? 1 : 0) | UInt8(request.isExplained ? 2 : 0))
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
        let flags = try field(UInt8.self)
        guard flags < 4 else { throw .invalidField("request flags") }
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
            isSloppy: flags & 1 != 0,
            isExplained: flags & 2 != 0
        )
    }

    private mutating func writeMutation(_ mutation: Mutation) {
        switch mutation.content {
        case .value(let value, nil):
            writeInteger(UInt8(0))
            writeBytes(value)
        case .value(let value, let metadata?):
            writeInteger(UInt8(3))
            writeBytes(value)
            writeBytes(metadata)
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
        writeInteger(
            UInt8(mutation.returnsPrevious ? 1 : 0) | UInt8(mutation.returnsObject ? 2 : 0)
        )
    }

    private mutating func readMutation() throws(WireDecodeError) -> Mutation {
        let content = try readContent()
        let basis = try readBasis()
        let expiry = try readExpiry()
        guard let condition = Mutation.Condition(code: try field(UInt8.self)) else {
            throw .invalidField("condition")
        }
        let returns = try field(UInt8.self)
        guard returns < 4 else { throw .invalidField("returns") }
        return Mutation(
            content: content,
            basis: basis,
            expiry: expiry,
            condition: condition,
            returnsPrevious: returns & 1 != 0,
            returnsObject: returns & 2 != 0
        )
    }

    private mutating func readContent() throws(WireDecodeError) -> Mutation.Content {
        switch try field(UInt8.self) {
        case 0: return .value(try readBytesField())
        case 1: return .tombstone
        case 2: return .unchanged
        case 3:
            let value = try readBytesField()
            let metadata = try readBytesField()
            guard metadata.readableBytes > 0 else { throw .invalidField("metadata") }
            return .value(value, metadata: metadata)
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
