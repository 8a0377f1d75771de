import HengeBase
import HengeCausality
import HengeMessages
import HengeNode

import struct NIOCore.ByteBuffer

/// Answers and messages as short texts, so that tests read like transcripts.
func spell(_ reply: ShardReply, wall: WallTime) -> String {
    switch reply {
    case .response(let response), .explained(let response, _): spell(response, wall: wall)
    case .page(let page): "page \(page.keys.map { String(buffer: $0.key) })"
    case .count(let count): "count \(count)"
    }
}

func spell(_ response: ClientResponse, wall: WallTime) -> String {
    switch response {
    case .object(nil): return "nothing"
    case .object(let object?): return spell(object, wall: wall)
    case .written(_, nil): return "OK"
    case .written(_, let previous?): return "OK, was \(String(buffer: previous.value))"
    case .notApplied(nil): return "not applied"
    case .notApplied(let previous?): return "not applied, is \(String(buffer: previous.value))"
    case .inspected(let reports):
        return reports.map { spell($0, wall: wall) }.joined(separator: "; ")
    case .failed(.unavailable(let required, let alive)):
        return "UNAVAILABLE required=\(required) alive=\(alive)"
    case .failed(.timedOut(let required, let received)):
        return "TIMEOUT required=\(required) received=\(received)"
    case .failed(.storage(let failure, let required, let received)):
        return "STORAGE \(failure) required=\(required) received=\(received)"
    case .failed(.overloaded(let inFlight, let limit)): return "OVERLOADED \(inFlight) of \(limit)"
    case .failed(.conflict(let siblings, let limit)): return "CONFLICT \(siblings) of \(limit)"
    case .failed(.tooLarge(_, let limit)): return "TOOLARGE limit=\(limit)"
    case .failed(.clockDrift(let required, let received)):
        return "CLOCKDRIFT required=\(required) received=\(received)"
    }
}

private func spell(_ report: ReplicaReport, wall: WallTime) -> String {
    switch report.state {
    case .present(let object): "\(report.node) \(spell(object, wall: wall))"
    case .absent: "\(report.node) absent"
    case .failed(let failure): "\(report.node) \(failure)"
    case .unreachable: "\(report.node) unreachable"
    }
}

/// The live values in order, or `gone` where there is a tombstone or an expired value alone.
func spell(_ object: EncodedObject, wall: WallTime) -> String {
    let values = object.decoded().siblings.compactMap { $0.value(at: wall) }
    return values.isEmpty
        ? "gone" : values.map { String(buffer: $0) }.sorted().joined(separator: "+")
}

func spell(_ message: PeerMessage) -> String {
    switch message {
    case .store: "store"
    case .stored(_, let result): "stored \(result)"
    case .fetch(_, _, let kind, _, _): "fetch \(kind)"
    case .fetched(_, .object): "fetched object"
    case .fetched(_, .digest): "fetched digest"
    case .fetched(_, .failed(let failure)): "fetched \(failure)"
    case .fetched(_, .overloaded): "fetched overloaded"
    case .forward: "forward"
    case .forwarded: "forwarded"
    case .explained: "explained"
    case .scan: "scan"
    case .scanned: "scanned"
    case .count: "count"
    case .counted: "counted"
    case .handOff(_, let records): "hand over \(records.count)"
    case .handedOff(_, let result): "handed over \(result)"
    case .staleRing: "stale ring"
    case .gossip: "gossip"
    case .ring: "ring"
    case .ringReport: "ring report"
    case .entropy: "entropy"
    case .facts: "facts"
    case .clock: "clock"
    case .transfer: "transfer"
    case .transferred(_, .page(let page)): "transferred \(page.records.count)"
    case .transferred(_, let result): "transferred \(result)"
    }
}

func key(_ text: String, bucket: String = "default") -> StoredKey {
    StoredKey(bucket: ByteBuffer(string: bucket), key: ByteBuffer(string: text))
}

extension Mutation {
    static func value(
        _ text: String,
        basis: Basis = .coordinator,
        expiry: Expiry = .never,
        condition: Condition = .always,
        returnsPrevious: Bool = false
    ) -> Mutation {
        Mutation(
            content: .value(ByteBuffer(string: text)),
            basis: basis,
            expiry: expiry,
            condition: condition,
            returnsPrevious: returnsPrevious
        )
    }

    static func delete(_ basis: Basis = .coordinator) -> Mutation {
        Mutation(content: .tombstone, basis: basis)
    }

    static func expire(_ expiry: Expiry, _ condition: Condition = .present) -> Mutation {
        Mutation(content: .unchanged, expiry: expiry, condition: condition)
    }
}

extension ClientResponse {
    /// The context that covers what this answer told or wrote.
    var context: VersionVector? {
        switch self {
        case .object(let object): object?.context ?? VersionVector()
        case .written(let context, _): context
        case .notApplied, .inspected, .failed: nil
        }
    }
}

extension Cluster.Event {
    /// A message of the kind that `spell(_:)` gives, to this node.
    func isMessage(_ kind: String, to number: Int? = nil, from: Int? = nil) -> Bool {
        guard case .message(let sender, let target, let message) = self,
            spell(message).hasPrefix(kind)
        else { return false }
        return number.map { target == NodeID(UInt16($0)) } ?? true
            && from.map { sender == NodeID(UInt16($0)) } ?? true
    }

    func isLoad(on number: Int) -> Bool {
        switch self {
        case .storage(let id, .load), .storage(let id, .loadVersion):
            return id == NodeID(UInt16(number))
        default: return false
        }
    }

    func isPersist(on number: Int) -> Bool {
        guard case .storage(let id, .persist) = self else { return false }
        return id == NodeID(UInt16(number))
    }
}
