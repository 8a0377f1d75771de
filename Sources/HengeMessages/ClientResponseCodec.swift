import HengeBase
import HengeCausality

import struct NIOCore.ByteBuffer

/// The bytes of the answer to a forwarded request.
extension ByteBuffer {
    mutating func writeResponse(_ response: ClientResponse) {
        switch response {
        case .object(let object):
            writeInteger(UInt8(0))
            writeObject(object)
        case .written(let context, let previous):
            writeInteger(UInt8(1))
            writeVector(context)
            writeLiveValue(previous)
        case .notApplied(let previous):
            writeInteger(UInt8(2))
            writeLiveValue(previous)
        case .inspected(let reports):
            writeInteger(UInt8(3))
            writeInteger(UInt8(reports.count))
            for report in reports { writeReport(report) }
        case .failed(let failure):
            writeInteger(UInt8(4))
            writeRequestFailure(failure)
        }
    }

    mutating func readResponse() throws(WireDecodeError) -> ClientResponse {
        switch try field(UInt8.self) {
        case 0: return .object(try readObject())
        case 1:
            let context = try readVector()
            return .written(context: context, previous: try readLiveValue())
        case 2: return .notApplied(previous: try readLiveValue())
        case 3:
            let count = Int(try field(UInt8.self))
            guard count <= ReplicaSet.capacity else { throw .invalidField("reports") }
            var reports: [ReplicaReport] = []
            for _ in 0..<count { reports.append(try readReport()) }
            return .inspected(reports)
        case 4: return .failed(try readRequestFailure())
        default: throw .invalidField("response")
        }
    }

    private mutating func writeLiveValue(_ value: LiveValue?) {
        writeFlag(value != nil)
        guard let value else { return }
        writeBytes(value.value)
        writeInteger(value.timestamp.rawValue)
        writeFlag(value.expiry != nil)
        if let expiry = value.expiry { writeInteger(expiry.milliseconds) }
    }

    private mutating func readLiveValue() throws(WireDecodeError) -> LiveValue? {
        guard try readFlag() else { return nil }
        let value = try readBytesField()
        let timestamp = HybridTimestamp(rawValue: try field(UInt64.self))
        let expiry = try readFlag() ? WallTime(milliseconds: try field(UInt64.self)) : nil
        return LiveValue(value: value, timestamp: timestamp, expiry: expiry)
    }

    private mutating func writeReport(_ report: ReplicaReport) {
        writeInteger(report.node.rawValue)
        switch report.state {
        case .present(let object):
            writeInteger(UInt8(0))
            writeBytes(object.bytes)
        case .absent: writeInteger(UInt8(1))
        case .failed(let failure):
            writeInteger(UInt8(2))
            writeFailure(failure)
        case .unreachable: writeInteger(UInt8(3))
        }
    }

    private mutating func readReport() throws(WireDecodeError) -> ReplicaReport {
        let node = NodeID(try field(UInt16.self))
        switch try field(UInt8.self) {
        case 0: return ReplicaReport(node: node, state: .present(try readPresentObject()))
        case 1: return ReplicaReport(node: node, state: .absent)
        case 2: return ReplicaReport(node: node, state: .failed(try readFailure()))
        case 3: return ReplicaReport(node: node, state: .unreachable)
        default: throw .invalidField("report")
        }
    }

    private mutating func writeRequestFailure(_ failure: RequestFailure) {
        func write(_ code: UInt8, _ first: Int, _ second: Int) {
            writeInteger(code)
            writeInteger(UInt32(clamping: first))
            writeInteger(UInt32(clamping: second))
        }
        switch failure {
        case .unavailable(let required, let alive): write(1, required, alive)
        case .timedOut(let required, let received): write(2, required, received)
        case .storage(let failure, let required, let received):
            write(3, required, received)
            writeFailure(failure)
        case .overloaded(let inFlight, let limit): write(4, inFlight, limit)
        case .conflict(let siblings, let limit): write(5, siblings, limit)
        case .tooLarge(let bytes, let limit): write(6, bytes, limit)
        case .clockDrift(let required, let received): write(7, required, received)
        }
    }

    private mutating func readRequestFailure() throws(WireDecodeError) -> RequestFailure {
        let code = try field(UInt8.self)
        let first = Int(try field(UInt32.self))
        let second = Int(try field(UInt32.self))
        switch code {
        case 1: return .unavailable(required: first, alive: second)
        case 2: return .timedOut(required: first, received: second)
        case 3: return .storage(try readFailure(), required: first, received: second)
        case 4: return .overloaded(inFlight: first, limit: second)
        case 5: return .conflict(siblings: first, limit: second)
        case 6: return .tooLarge(bytes: first, limit: second)
        case 7: return .clockDrift(required: first, received: second)
        default: throw .invalidField("failure")
        }
    }
}
