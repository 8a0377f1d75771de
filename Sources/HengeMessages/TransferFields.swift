import HengeBase
import HengeRing

import struct NIOCore.ByteBuffer

/// The fields of partition transfers.
extension ByteBuffer {
    mutating func writeTransferRequest(_ request: TransferRequest) {
        writeInteger(UInt16(clamping: request.partition))
        writeInteger(request.epoch)
        writeInteger(UInt32(clamping: request.bytesMax))
        writeToken(request.from)
    }

    mutating func readTransferRequest() throws(WireDecodeError) -> TransferRequest {
        let partition = Int(try field(UInt16.self))
        let epoch = try field(UInt64.self)
        let bytesMax = Int(try field(UInt32.self))
        guard bytesMax >= 1 else { throw .invalidField("transfer request") }
        let from = try readToken()
        return TransferRequest(
            partition: partition,
            from: from,
            bytesMax: bytesMax,
            epoch: epoch
        )
    }

    mutating func writeTransferResult(_ result: TransferResult) {
        switch result {
        case .page(let page):
            writeInteger(UInt8(0))
            writeTransferPage(page)
        case .staleRing(let epoch):
            writeInteger(UInt8(1))
            writeInteger(epoch)
        case .overloaded: writeInteger(UInt8(2))
        case .failed(let failure):
            writeInteger(UInt8(3))
            writeFailure(failure)
        }
    }

    mutating func readTransferResult() throws(WireDecodeError) -> TransferResult {
        switch try field(UInt8.self) {
        case 0: return .page(try readTransferPage())
        case 1: return .staleRing(epoch: try field(UInt64.self))
        case 2: return .overloaded
        case 3: return .failed(try readFailure())
        default: throw .invalidField("transfer result")
        }
    }

    private mutating func writeTransferPage(_ page: TransferPage) {
        writeToken(page.next)
        writeInteger(UInt64(clamping: page.keysLeft))
        writeInteger(UInt64(clamping: page.bytesLeft))
        writeInteger(UInt32(page.skipped.count))
        for tokens in page.skipped {
            writeInteger(tokens.lowerBound.rawValue)
            writeInteger(tokens.upperBound.rawValue)
        }
        writeHandedRecords(page.records)
    }

    private mutating func readTransferPage() throws(WireDecodeError) -> TransferPage {
        let next = try readToken()
        let keysLeft = Int(clamping: try field(UInt64.self))
        let bytesLeft = Int(clamping: try field(UInt64.self))
        let count = Int(try field(UInt32.self))
        // So many can't be here: a hostile count must not reserve memory.
        guard count <= readableBytes / 16 else { throw .truncated }
        var skipped: [ClosedRange<Token>] = []
        skipped.reserveCapacity(count)
        for _ in 0..<count {
            let first = Token(rawValue: try field(UInt64.self))
            let last = Token(rawValue: try field(UInt64.self))
            guard first <= last else { throw .invalidField("skipped range") }
            skipped.append(first...last)
        }
        return TransferPage(
            records: try readHandedRecords(),
            next: next,
            skipped: skipped,
            keysLeft: keysLeft,
            bytesLeft: bytesLeft
        )
    }

    private mutating func writeToken(_ token: Token?) {
        writeFlag(token != nil)
        if let token { writeInteger(token.rawValue) }
    }

    private mutating func readToken() throws(WireDecodeError) -> Token? {
        try readFlag() ? Token(rawValue: try field(UInt64.self)) : nil
    }
}
