import HengeBase
import HengeCausality
import HengeRing

package import struct NIOCore.ByteBuffer

/// The bytes of a ``PeerMessage``, protocol version 4: u8 type, u64 request id, then its fields.
package enum PeerMessageCodec {
    fileprivate enum Kind: UInt8 {
        case store = 1
        case stored
        case fetch
        case fetched
        case forward
        case forwarded
        case scan
        case scanned
        case count
        case counted
        case handOff
        case handedOff
        case gossip
        case entropy
        case ring
        case ringReport
        case transfer
        case transferred
        case staleRing
        case facts
        case clock
        case explained
    }

    private static let headLength = 9
    private static let termsLength = headLength + 12

    package static func write(_ message: PeerMessage, into out: inout ByteBuffer) {
        switch message {
        case .store, .stored, .fetch, .fetched:
            writeReplicated(message, into: &out)
        case .forward(let id, let request, let epoch):
            head(.forward, id, &out)
            out.writeInteger(epoch)
            out.writeRequest(request)
        case .forwarded(let id, let response):
            head(.forwarded, id, &out)
            out.writeResponse(response)
        case .explained(let id, let explanation):
            head(.explained, id, &out)
            out.writeExplanation(explanation)
        case .scan, .scanned, .count, .counted:
            writeCoverage(message, into: &out)
        case .handOff(let id, let records):
            head(.handOff, id, &out)
            out.writeHandedRecords(records)
        case .handedOff(let id, let result):
            head(.handedOff, id, &out)
            out.writeHandOffResult(result)
        case .gossip(let gossip):
            head(.gossip, RequestID(rawValue: 0), &out)
            out.writeGossip(gossip)
        case .entropy(let id, let entropy):
            head(.entropy, id, &out)
            out.writeEntropy(entropy)
        case .staleRing(let id, let epoch):
            head(.staleRing, id, &out)
            out.writeInteger(epoch)
        case .transfer(let id, let request):
            head(.transfer, id, &out)
            out.writeTransferRequest(request)
        case .transferred(let id, let result):
            head(.transferred, id, &out)
            out.writeTransferResult(result)
        case .ring(let ring):
            head(.ring, RequestID(rawValue: 0), &out)
            out.writeRing(ring)
        case .ringReport(let report):
            head(.ringReport, RequestID(rawValue: 0), &out)
            out.writeRingReport(report)
        case .facts(let id, let facts):
            head(.facts, id, &out)
            out.writeFacts(facts)
        case .clock(let clock):
            head(.clock, RequestID(rawValue: 0), &out)
            out.writeClock(clock)
        }
    }

    /// Reads one whole message.
    package static func read(_ payload: ByteBuffer) throws(WireDecodeError) -> PeerMessage {
        var payload = payload
        let (type, id) = try payload.fields(UInt8.self, UInt64.self)
        guard let kind = Kind(rawValue: type) else { throw .unknownType(type) }
        let message = try body(kind, RequestID(rawValue: id), &payload)
        guard payload.readableBytes == 0 else { throw .trailingBytes(payload.readableBytes) }
        return message
    }

    private static func head(_ kind: Kind, _ id: RequestID, _ out: inout ByteBuffer) {
        out.writePiece(headLength) { $0.head(kind, id) }
    }

    /// Of what runs against a deadline by the ring of an epoch.
    private static func head(
        _ kind: Kind,
        _ id: RequestID,
        _ epoch: UInt64,
        _ timeout: Interval,
        _ out: inout ByteBuffer
    ) {
        out.writePiece(termsLength) { $0.head(kind, id, epoch, timeout) }
    }

    /// What each request sends: in as few pieces as there can be.
    private static func writeReplicated(_ message: PeerMessage, into out: inout ByteBuffer) {
        switch message {
        case .store(let id, let key, let object, let timeout, let epoch):
            let length = ByteWriter.length(ofHeld: key) + ByteWriter.length(of: object.bytes)
            out.writePiece(termsLength + length) { piece in
                piece.head(.store, id, epoch, timeout)
                piece.held(key)
                piece.field(object.bytes)
            }
        case .stored(let id, .durable):
            out.writePiece(headLength + 1) { piece in
                piece.head(.stored, id)
                piece.byte(0)
            }
        case .stored(let id, let result):
            head(.stored, id, &out)
            out.writeStoreResult(result)
        case .fetch(let id, let key, let kind, let timeout, let epoch):
            out.writePiece(termsLength + 1 + ByteWriter.length(ofHeld: key)) { piece in
                piece.head(.fetch, id, epoch, timeout)
                piece.byte(kind.rawValue)
                piece.held(key)
            }
        case .fetched(let id, .digest(let digest)):
            out.writePiece(headLength + 1 + MemoryLayout<UInt64>.size) { piece in
                piece.head(.fetched, id)
                piece.byte(1)
                piece.integer(digest.rawValue)
            }
        case .fetched(let id, let result):
            head(.fetched, id, &out)
            out.writeFetchResult(result)
        default: preconditionFailure("written by write(_:into:)")
        }
    }

    private static func writeCoverage(_ message: PeerMessage, into out: inout ByteBuffer) {
        switch message {
        case .scan(let id, let range, let timeout, let epoch):
            head(.scan, id, epoch, timeout, &out)
            out.writeScanRange(range)
        case .scanned(let id, let result):
            head(.scanned, id, &out)
            out.writeScanResult(result)
        case .count(let id, let epoch):
            head(.count, id, &out)
            out.writeInteger(epoch)
        case .counted(let id, let keys):
            head(.counted, id, &out)
            out.writeInteger(UInt32(keys.count))
            for count in keys { out.writeInteger(UInt64(clamping: count)) }
        case .store, .stored, .fetch, .fetched, .forward, .forwarded, .explained, .handOff,
            .handedOff, .gossip, .entropy, .ring, .ringReport, .transfer, .transferred, .staleRing,
            .facts,
            .clock:
            preconditionFailure("written by write(_:into:)")
        }
    }

    private static func body(
        _ kind: Kind,
        _ id: RequestID,
        _ payload: inout ByteBuffer
    ) throws(WireDecodeError) -> PeerMessage {
        switch kind {
        case .store:
            let (epoch, timeout) = try payload.readTerms()
            let key = try payload.readHeldKey()
            let object = try payload.readPresentObject()
            return .store(id, key, object, timeout: timeout, epoch: epoch)
        case .stored:
            return .stored(id, try payload.readStoreResult())
        case .fetch:
            let (epoch, timeout) = try payload.readTerms()
            guard let kind = FetchKind(rawValue: try payload.field(UInt8.self)) else {
                throw .invalidField("fetch kind")
            }
            return .fetch(id, try payload.readHeldKey(), kind, timeout: timeout, epoch: epoch)
        case .fetched:
            return .fetched(id, try payload.readFetchResult())
        case .forward:
            let epoch = try payload.field(UInt64.self)
            return .forward(id, try payload.readRequest(), epoch: epoch)
        case .forwarded:
            return .forwarded(id, try payload.readResponse())
        case .explained:
            return .explained(id, try payload.readExplanation())
        case .scan:
            let (epoch, timeout) = try payload.readTerms()
            return .scan(id, try payload.readScanRange(), timeout: timeout, epoch: epoch)
        case .scanned:
            return .scanned(id, try payload.readScanResult())
        case .count:
            return .count(id, epoch: try payload.field(UInt64.self))
        case .counted:
            return .counted(id, keys: try payload.readCounts())
        case .handOff:
            return .handOff(id, try payload.readHandedRecords())
        case .handedOff:
            return .handedOff(id, try payload.readHandOffResult())
        case .gossip:
            return .gossip(try payload.readGossip())
        case .entropy:
            return .entropy(id, try payload.readEntropy())
        case .staleRing:
            return .staleRing(id, epoch: try payload.field(UInt64.self))
        case .transfer:
            return .transfer(id, try payload.readTransferRequest())
        case .transferred:
            return .transferred(id, try payload.readTransferResult())
        case .ring:
            return .ring(try payload.readRing())
        case .ringReport:
            return .ringReport(try payload.readRingReport())
        case .facts:
            return .facts(id, try payload.readFacts())
        case .clock:
            return .clock(try payload.readClock())
        }
    }
}

extension ByteWriter {
    fileprivate mutating func head(_ kind: PeerMessageCodec.Kind, _ id: RequestID) {
        byte(kind.rawValue)
        integer(id.rawValue)
    }

    fileprivate mutating func head(
        _ kind: PeerMessageCodec.Kind,
        _ id: RequestID,
        _ epoch: UInt64,
        _ timeout: Interval
    ) {
        head(kind, id)
        integer(epoch)
        integer(timeout.fieldValue)
    }
}

extension ByteBuffer {
    /// Of a message that was written with them.
    fileprivate mutating func readTerms() throws(WireDecodeError) -> (
        epoch: UInt64, timeout: Interval
    ) {
        let (epoch, timeout) = try fields(UInt64.self, UInt32.self)
        return (epoch, .microseconds(UInt64(timeout)))
    }

    mutating func writeStoreResult(_ result: StoreResult) {
        switch result {
        case .durable: writeInteger(UInt8(0))
        case .failed(let failure):
            writeInteger(UInt8(1))
            writeFailure(failure)
        case .clockDrift: writeInteger(UInt8(2))
        case .overloaded: writeInteger(UInt8(3))
        }
    }

    mutating func readStoreResult() throws(WireDecodeError) -> StoreResult {
        switch try field(UInt8.self) {
        case 0: return .durable
        case 1: return .failed(try readFailure())
        case 2: return .clockDrift
        case 3: return .overloaded
        default: throw .invalidField("store result")
        }
    }

    fileprivate mutating func writeFetchResult(_ result: FetchResult) {
        switch result {
        case .object(let object):
            writeInteger(UInt8(0))
            writeObject(object)
        case .digest(let digest):
            writeMultipleIntegers(UInt8(1), digest.rawValue)
        case .failed(let failure):
            writeInteger(UInt8(2))
            writeFailure(failure)
        case .overloaded: writeInteger(UInt8(3))
        }
    }

    fileprivate mutating func readFetchResult() throws(WireDecodeError) -> FetchResult {
        switch try field(UInt8.self) {
        case 0: return .object(try readObject())
        case 1: return .digest(VersionDigest(rawValue: try field(UInt64.self)))
        case 2: return .failed(try readFailure())
        case 3: return .overloaded
        default: throw .invalidField("fetch result")
        }
    }

    fileprivate mutating func writeScanRange(_ range: ScanRange) {
        writeInteger(range.from.rawValue)
        writeInteger(range.through.rawValue)
        writeBytes(range.bucket ?? ByteBuffer())
        writeInteger(UInt32(clamping: range.limit))
        writeInteger(UInt32(clamping: range.examinedMax))
        writeInteger(range.wall.milliseconds)
    }

    fileprivate mutating func readScanRange() throws(WireDecodeError) -> ScanRange {
        let from = Token(rawValue: try field(UInt64.self))
        let through = Token(rawValue: try field(UInt64.self))
        let bucket = try readBytesField()
        let limit = Int(try field(UInt32.self))
        let examinedMax = Int(try field(UInt32.self))
        let wall = WallTime(milliseconds: try field(UInt64.self))
        guard from <= through, limit >= 1, examinedMax >= 1,
            bucket.readableBytes <= StoredKey.bucketLengthMax
        else { throw .invalidField("scan range") }
        return ScanRange(
            from: from,
            through: through,
            bucket: bucket.readableBytes == 0 ? nil : bucket,
            limit: limit,
            examinedMax: examinedMax,
            wall: wall
        )
    }

    fileprivate mutating func writeScanResult(_ result: Result<ScanPage, StorageFailure>) {
        switch result {
        case .failure(let failure):
            writeFlag(false)
            writeFailure(failure)
        case .success(let page):
            writeFlag(true)
            writeFlag(page.next != nil)
            if let next = page.next { writeInteger(next.rawValue) }
            writeInteger(UInt32(page.keys.count))
            for key in page.keys { writeKey(key) }
        }
    }

    fileprivate mutating func readScanResult() throws(WireDecodeError) -> Result<
        ScanPage, StorageFailure
    > {
        guard try readFlag() else { return .failure(try readFailure()) }
        let next = try readFlag() ? Token(rawValue: try field(UInt64.self)) : nil
        let count = Int(try field(UInt32.self))
        // So many keys can't be here: a hostile count must not reserve memory.
        guard count <= readableBytes / (4 + StoredKey.lengthMin) else { throw .truncated }
        var keys: [StoredKey] = []
        keys.reserveCapacity(count)
        for _ in 0..<count { keys.append(try readKey()) }
        return .success(ScanPage(keys: keys, next: next))
    }

    fileprivate mutating func readCounts() throws(WireDecodeError) -> [Int] {
        let count = Int(try field(UInt32.self))
        guard count <= readableBytes / 8 else { throw .truncated }
        var keys: [Int] = []
        keys.reserveCapacity(count)
        for _ in 0..<count { keys.append(Int(clamping: try field(UInt64.self))) }
        return keys
    }
}
