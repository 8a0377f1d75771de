import HengeBase
import HengeRing

import struct NIOCore.ByteBuffer

/// The fields of a ``RingReport``: u64 epoch, the ready partitions, whether it is drained (u8), the
/// members that are not reached, the progress. Lists begin with their length (u16), and rise.
extension ByteBuffer {
    private static let partitionsMax = RingDocument.partitionCounts.upperBound
    /// Far below what sums of many overflow at, and far above what any node holds.
    private static let amountMax = 1 << 53

    mutating func writeRingReport(_ report: RingReport) {
        writeInteger(report.epoch)
        writeRising(report.ready)
        writeInteger(UInt8(report.isDrained ? 1 : 0))
        writeRising(report.unreached.map(\.rawValue))
        writeProgress(report.progress)
    }

    mutating func readRingReport() throws(WireDecodeError) -> RingReport {
        let epoch = try field(UInt64.self)
        let ready = try readRising(below: Self.partitionsMax, "ready partition")
        let drained = try field(UInt8.self)
        guard drained <= 1 else { throw .invalidField("drained") }
        let unreached = try readRising(below: Int(UInt16.max) + 1, "unreached member")
        return RingReport(
            epoch: epoch,
            ready: ready,
            isDrained: drained == 1,
            unreached: unreached.map { NodeID($0) },
            progress: try readProgress()
        )
    }

    private mutating func writeRising(_ values: [UInt16]) {
        writeInteger(UInt16(clamping: values.count))
        for value in values { writeInteger(value) }
    }

    private mutating func readRising(
        below limit: Int,
        _ name: String
    ) throws(WireDecodeError) -> [UInt16] {
        let count = Int(try field(UInt16.self))
        // So many can't be here: a hostile count must not reserve memory.
        guard count <= readableBytes / 2 else { throw .truncated }
        var values: [UInt16] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            let value = try field(UInt16.self)
            guard Int(value) < limit, values.last.map({ $0 < value }) ?? true else {
                throw .invalidField(name)
            }
            values.append(value)
        }
        return values
    }

    private mutating func writeProgress(_ progress: TransferProgress) {
        writeAmount(progress.partitionsDone)
        writeAmount(progress.partitionsLeft)
        writeAmount(progress.keysDone)
        writeAmount(progress.bytesDone)
        writeAmount(progress.bytesLeft)
        writeAmount(progress.bytesPerSecond)
        writeAmount(progress.recordsSkipped)
        switch progress.wait {
        case nil: writeInteger(UInt8(0))
        case .adoption: writeInteger(UInt8(1))
        case .source(let node):
            writeInteger(UInt8(2))
            writeInteger(node.rawValue)
        case .budget: writeInteger(UInt8(3))
        case .storage: writeInteger(UInt8(4))
        case .held: writeInteger(UInt8(5))
        }
    }

    private mutating func readProgress() throws(WireDecodeError) -> TransferProgress {
        var progress = TransferProgress()
        progress.partitionsDone = try readAmount()
        progress.partitionsLeft = try readAmount()
        progress.keysDone = try readAmount()
        progress.bytesDone = try readAmount()
        progress.bytesLeft = try readAmount()
        progress.bytesPerSecond = try readAmount()
        progress.recordsSkipped = try readAmount()
        progress.wait = try readWait()
        return progress
    }

    private mutating func writeAmount(_ amount: Int) {
        writeInteger(UInt64(min(max(0, amount), Self.amountMax)))
    }

    private mutating func readAmount() throws(WireDecodeError) -> Int {
        let amount = try field(UInt64.self)
        guard amount <= UInt64(Self.amountMax) else { throw .invalidField("transfer progress") }
        return Int(amount)
    }

    private mutating func readWait() throws(WireDecodeError) -> TransferWait? {
        switch try field(UInt8.self) {
        case 0: return nil
        case 1: return .adoption
        case 2: return .source(NodeID(try field(UInt16.self)))
        case 3: return .budget
        case 4: return .storage
        case 5: return .held
        default: throw .invalidField("transfer wait")
        }
    }
}
