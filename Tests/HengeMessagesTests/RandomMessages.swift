import HengeBase
import HengeCausality
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Random values of everything that travels between nodes.
extension SeededGenerator {
    /// How many cases ``anyMessage(kind:)`` knows.
    static let messageKinds = 22

    mutating func anyMessage() -> PeerMessage { anyMessage(kind: below(Self.messageKinds)) }

    mutating func anyMessage(kind: Int) -> PeerMessage {
        let id = RequestID(rawValue: next())
        switch kind {
        case 0:
            let timeout = anyInterval()
            return .store(id, anyHeldKey(), anyObject(), timeout: timeout, epoch: next())
        case 1: return .stored(id, anyStoreResult())
        case 2:
            let kind = FetchKind(rawValue: UInt8(below(3))) ?? .object
            return .fetch(id, anyHeldKey(), kind, timeout: anyInterval(), epoch: next())
        case 3: return .fetched(id, anyFetchResult())
        case 4: return .forward(id, anyRequest(), epoch: next())
        case 5: return .forwarded(id, anyResponse())
        case 6: return .scan(id, anyScanRange(), timeout: anyInterval(), epoch: next())
        case 7: return .scanned(id, anyScanResult())
        case 8: return .count(id, epoch: next())
        case 9: return .counted(id, keys: (0..<below(20)).map { _ in Int(next() >> 1) })
        case 10:
            let records = (0..<below(5)).map { _ in
                HandedRecord(key: anyKey(), object: anyObject())
            }
            return .handOff(id, records)
        case 11:
            switch below(3) {
            case 0: return .handedOff(id, .durable(refused: below(100)))
            case 1: return .handedOff(id, .failed(anyFailure()))
            default: return .handedOff(id, .overloaded)
            }
        case 12: return .gossip(anyGossip())
        case 13: return .entropy(id, anyEntropy())
        case 14: return .ring(anyRingMessage())
        case 15: return .ringReport(anyRingReport())
        case 16: return .staleRing(id, epoch: next())
        case 17: return .facts(id, anyFacts())
        case 18: return .transfer(id, anyTransferRequest())
        case 19: return .clock(anyClock())
        case 20: return .explained(id, anyExplanation())
        default: return .transferred(id, anyTransferResult())
        }
    }

    private mutating func anyClock() -> ClockMessage {
        let asked = Instant(nanoseconds: next())
        return chance(1, in: 2)
            ? .ask(asked: asked) : .tell(asked: asked, wallMicroseconds: next())
    }

    private mutating func anyFacts() -> FactsMessage {
        switch below(11) {
        case 0: return .ask
        case 1: return .askLoads
        case 2, 3: return anyReportFacts()
        case 4: return .askPulse(heat: chance(1, in: 2))
        case 5: return .toldPulse(anyPulse())
        case 6: return .askHistory
        case 7: return .toldHistory(anyHistory())
        default: break
        }
        let disk = NodeFacts(diskFree: Int(next() >> 1), diskTotal: Int(next() >> 1))
        let partitions = (0..<below(20)).map { _ in
            PartitionFacts(keys: Int(next() >> 1), bytes: below(1_000_000))
        }
        return .told(NodeInventory(disk: disk, partitions: partitions))
    }

    private mutating func anyGossip() -> GossipMessage {
        let beats = (0..<below(6)).map { _ in
            Heartbeat(node: NodeID(UInt16(below(65_536))), life: next(), beat: next())
        }
        switch below(4) {
        case 0: return .digest(beats)
        case 1: return .news(beats)
        case 2: return .leaving
        default: return .otherLife(next())
        }
    }

    mutating func anyHeldKey() -> StoredKey {
        anyKey().standingIn(for: chance(1, in: 3) ? NodeID(UInt16(below(65_536))) : nil)
    }

    mutating func anyBuffer(upTo length: Int) -> ByteBuffer {
        ByteBuffer(bytes: (0..<below(length + 1)).map { _ in UInt8(truncatingIfNeeded: next()) })
    }

    mutating func anyKey() -> StoredKey {
        var bucket = anyBuffer(upTo: 11)
        bucket.writeInteger(UInt8(truncatingIfNeeded: next()))
        return StoredKey(bucket: bucket, key: anyBuffer(upTo: chance(1, in: 20) ? 2_000 : 20))
    }

    mutating func anyVector() -> VersionVector {
        var vector = VersionVector()
        for _ in 0..<below(5) {
            let actor = ActorID(rawValue: next())
            vector.record(Dot(actor: actor, counter: max(1, next() >> UInt64(below(64)))))
        }
        return vector
    }

    mutating func anyObject() -> EncodedObject {
        var object = VersionedObject()
        for _ in 0..<below(4) {
            let dot = Dot(actor: ActorID(rawValue: next()), counter: 1 + next() >> 40)
            let sibling = Sibling(
                dot: dot,
                timestamp: HybridTimestamp(rawValue: next()),
                expiry: anyWall(),
                payload: chance(1, in: 3)
                    ? .tombstone : .value(anyBuffer(upTo: 100), metadata: anyMetadata())
            )
            object.write(sibling, replacing: VersionVector())
        }
        return object.encoded()
    }

    mutating func anyWall() -> WallTime? {
        switch below(4) {
        case 0: WallTime(milliseconds: next())
        case 1: WallTime(milliseconds: chance(1, in: 2) ? .max : 0)
        default: nil
        }
    }

    /// Whole microseconds that fit 32 bits, which is what travels.
    mutating func anyInterval() -> Interval {
        .microseconds(UInt64(UInt32(truncatingIfNeeded: next())))
    }

    mutating func anyFailure() -> StorageFailure {
        [.noSpace, .io, .corrupt, .readOnly][below(4)]
    }

    mutating func anyStoreResult() -> StoreResult {
        switch below(4) {
        case 0: .durable
        case 1: .failed(anyFailure())
        case 2: .clockDrift
        default: .overloaded
        }
    }

    mutating func anyFetchResult() -> FetchResult {
        switch below(5) {
        case 0: .object(nil)
        case 1: .object(anyObject())
        case 2: .digest(VersionDigest(rawValue: next()))
        case 3: .failed(anyFailure())
        default: .overloaded
        }
    }

    mutating func anyConsistency() -> Consistency {
        switch below(4) {
        case 0: .one
        case 1: .quorum
        case 2: .all
        default: .count(UInt8(1 + below(ReplicaSet.replicasMax)))
        }
    }

    mutating func anyRequest() -> ClientRequest {
        let operation: ClientRequest.Operation =
            switch below(4) {
            case 0: .read
            case 1: .inspect
            default: .write(anyMutation())
            }
        return ClientRequest(
            key: anyKey(),
            operation: operation,
            levels: ConsistencyLevels(read: anyConsistency(), write: anyConsistency()),
            timeout: anyInterval(),
            isSloppy: chance(1, in: 2),
            isExplained: chance(1, in: 2)
        )
    }

    mutating func anyMutation() -> Mutation {
        let content: Mutation.Content =
            switch below(3) {
            case 0: .value(anyBuffer(upTo: 100), metadata: anyMetadata())
            case 1: .tombstone
            default: .unchanged
            }
        let basis: Mutation.Basis =
            switch below(3) {
            case 0: .coordinator
            case 1: .context(anyVector())
            default: .nothing
            }
        let expiry: Mutation.Expiry =
            switch below(3) {
            case 0: .never
            case 1: .at(WallTime(milliseconds: next()))
            default: .keep
            }
        let conditions = Mutation.Condition.allCases
        return Mutation(
            content: content,
            basis: basis,
            expiry: expiry,
            condition: conditions[below(conditions.count)],
            returnsPrevious: chance(1, in: 2),
            returnsObject: chance(1, in: 2)
        )
    }

    private mutating func anyMetadata() -> ByteBuffer? {
        chance(1, in: 3) ? ByteBuffer(repeating: 0xAD, count: 1 + below(50)) : nil
    }

    mutating func anyLiveValue() -> LiveValue? {
        guard chance(2, in: 3) else { return nil }
        return LiveValue(
            value: anyBuffer(upTo: 100),
            timestamp: HybridTimestamp(rawValue: next()),
            expiry: anyWall()
        )
    }

    mutating func anyResponse() -> ClientResponse {
        switch below(6) {
        case 0: .object(nil)
        case 1: .object(anyObject())
        case 2: .written(context: anyVector(), previous: anyLiveValue())
        case 3: .notApplied(previous: anyLiveValue())
        case 4: .inspected((0..<below(ReplicaSet.capacity + 1)).map { _ in anyReport() })
        default: .failed(anyRequestFailure())
        }
    }

    mutating func anyReport() -> ReplicaReport {
        let state: ReplicaReport.State =
            switch below(4) {
            case 0: .present(anyObject())
            case 1: .absent
            case 2: .failed(anyFailure())
            default: .unreachable
            }
        return ReplicaReport(node: NodeID(UInt16(truncatingIfNeeded: next())), state: state)
    }

    mutating func anyRequestFailure() -> RequestFailure {
        let a = Int(UInt32(truncatingIfNeeded: next()))
        let b = below(9)
        return switch below(7) {
        case 0: .unavailable(required: b, alive: a)
        case 1: .timedOut(required: a, received: b)
        case 2: .storage(anyFailure(), required: a, received: b)
        case 3: .overloaded(inFlight: a, limit: b)
        case 4: .conflict(siblings: a, limit: b)
        case 5: .tooLarge(bytes: a, limit: b)
        default: .clockDrift(required: a, received: b)
        }
    }

    mutating func anyScanRange() -> ScanRange {
        let a = Token(rawValue: next())
        let b = Token(rawValue: next())
        return ScanRange(
            from: min(a, b),
            through: max(a, b),
            bucket: chance(1, in: 2) ? anyKey().bucket : nil,
            limit: 1 + below(10_000),
            examinedMax: 1 + below(10_000),
            wall: WallTime(milliseconds: next())
        )
    }

    mutating func anyScanResult() -> Result<ScanPage, StorageFailure> {
        guard chance(3, in: 4) else { return .failure(anyFailure()) }
        let next = chance(1, in: 2) ? Token(rawValue: self.next()) : nil
        return .success(ScanPage(keys: (0..<below(6)).map { _ in anyKey() }, next: next))
    }

    mutating func anyHello() -> PeerHello {
        let low = UInt16(below(5))
        let names = ["", "n1", "🪨", String(repeating: "x", count: PeerHello.textMax)]
        let purpose = [PeerHello.Purpose.requests, .bulk, .candidate][below(3)]
        return PeerHello(
            versions: low...low + UInt16(below(5)),
            clusterID: next(),
            node: NodeID(UInt16(truncatingIfNeeded: next())),
            name: purpose == .candidate ? "n4" : names[below(4)],
            epoch: next(),
            life: next(),
            respAddress: names[below(4)],
            httpAddress: names[below(4)],
            purpose: purpose,
            candidacy: purpose == .candidate ? anyCandidacy() : nil
        )
    }

    private mutating func anyCandidacy() -> Candidacy {
        Candidacy(
            peerAddress: ["n4:1", "[::1]:65535", "10.0.0.1:7401"][below(3)],
            zone: ["", "a", String(repeating: "z", count: 64)][below(3)],
            weight: 1 + below(1000),
            diskFree: next(),
            diskTotal: next()
        )
    }
}

func bytes(_ message: PeerMessage) -> ByteBuffer {
    var out = ByteBuffer()
    PeerMessageCodec.write(message, into: &out)
    return out
}

func bytes(_ hello: PeerHello) -> ByteBuffer {
    var out = ByteBuffer()
    hello.write(into: &out)
    return out
}

func hex(_ buffer: ByteBuffer) -> String {
    buffer.readableBytesView.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}

func unhex(_ text: some StringProtocol) -> ByteBuffer? {
    var rest = Substring(text)
    var bytes = ByteBuffer()
    while !rest.isEmpty {
        guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
        bytes.writeInteger(byte)
        rest = rest.dropFirst(2)
    }
    return bytes
}
