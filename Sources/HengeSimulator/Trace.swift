import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRing

import struct NIOCore.ByteBuffer

/// A running hash of everything that happens, byte by byte, and, where asked for, the same in
/// words.
///
/// Two runs of one seed must have equal hashes, in whatever process: if not, something depends on
/// more than the seed.
package struct Trace {
    package private(set) var hash: UInt64 = 0
    private var scratch = ByteBuffer()
    private var describer = Describer()
    private let line: ((String) -> Void)?

    init(line: ((String) -> Void)?) {
        self.line = line
        scratch.reserveCapacity(1 << 12)
    }

    /// The hash in 16 hexadecimal digits.
    package var digits: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// - Parameter shard: nil where a node has but one.
    mutating func record(
        _ input: ShardInput,
        at node: NodeID,
        _ shard: Int? = nil,
        _ now: Instant
    ) {
        begin(1, node, now)
        if let shard { scratch.writeInteger(UInt8(shard)) }
        switch input {
        case .request(let ticket, let request):
            scratch.writeInteger(ticket.rawValue)
            write(.forward(RequestID(rawValue: 1), request, epoch: 0))
        case .scan(let ticket, let range, let timeout):
            scratch.writeInteger(ticket.rawValue)
            write(.scan(RequestID(rawValue: 2), range, timeout: timeout, epoch: 0))
        case .count(let ticket, _):
            scratch.writeInteger(ticket.rawValue)
            scratch.writeInteger(UInt8(3))
        case .message(let sender, let message):
            scratch.writeInteger(sender.rawValue)
            write(message)
        case .storage(let completion): write(completion)
        case .peerUp(let id): scratch.writeInteger(UInt32(id.rawValue) | 1 << 16)
        case .peerDown(let id): scratch.writeInteger(UInt32(id.rawValue) | 2 << 16)
        case .actorsConfirmed(let isConfirmed): scratch.writeInteger(UInt8(isConfirmed ? 7 : 8))
        case .hints(let command): scratch.writeString("\(command)")
        case .housekeeping: scratch.writeInteger(UInt8(9))
        case .compareNow: scratch.writeInteger(UInt8(11))
        case .ring(let ring): scratch.writeInteger(ring.document.epoch)
        case .memberEpoch(let id, let epoch):
            scratch.writeInteger(id.rawValue)
            scratch.writeInteger(epoch)
        case .tick: scratch.writeInteger(UInt8(4))
        }
        end()
        guard let line, let text = describer.describe(input) else { return }
        line("\(describer.time(now)) \(name(node, shard)) \(text)")
    }

    mutating func record(
        _ effect: ShardEffect,
        of node: NodeID,
        _ shard: Int? = nil,
        _ now: Instant
    ) {
        begin(2, node, now)
        if let shard { scratch.writeInteger(UInt8(shard)) }
        switch effect {
        case .send(let target, let message):
            scratch.writeInteger(target.rawValue)
            write(message)
        case .sendBulk(let target, let message):
            scratch.writeInteger(UInt32(target.rawValue))
            write(message)
        case .storage(let request): write(request)
        case .reply(let ticket, let reply):
            scratch.writeInteger(ticket.rawValue)
            write(reply)
        case .ringIsOld(let epoch, let peer):
            scratch.writeInteger(epoch)
            scratch.writeInteger(peer.rawValue)
        case .note(let note): scratch.writeString("\(note)")
        }
        end()
        guard let line, let text = describer.describe(effect) else { return }
        line("\(describer.time(now)) \(name(node, shard))   \(text)")
    }

    mutating func record(_ input: ControlInput, at node: NodeID, _ now: Instant) {
        begin(5, node, now)
        switch input {
        case .start: scratch.writeInteger(UInt8(1))
        case .tick: scratch.writeInteger(UInt8(2))
        case .connected(let id, let life):
            scratch.writeInteger(UInt32(id.rawValue) | 3 << 16)
            scratch.writeInteger(life)
        case .disconnected(let id): scratch.writeInteger(UInt32(id.rawValue) | 4 << 16)
        case .gossip(let sender, let message):
            scratch.writeInteger(sender.rawValue)
            write(.gossip(message))
        case .heard(let id): scratch.writeInteger(UInt32(id.rawValue) | 5 << 16)
        case .asked(let id): scratch.writeInteger(UInt32(id.rawValue) | 6 << 16)
        case .stopping: scratch.writeInteger(UInt8(7))
        case .ring(let sender, let message):
            scratch.writeInteger(sender.rawValue)
            write(.ring(message))
        case .ringSaved: scratch.writeInteger(UInt8(8))
        case .ringSaveFailed: scratch.writeInteger(UInt8(9))
        case .propose(let document, _), .recover(let document, _):
            scratch.writeBytes(document.encoded())
        case .report(let sender, let report):
            scratch.writeInteger(sender.rawValue)
            write(.ringReport(report))
        case .ownReport(let report):
            scratch.writeInteger(UInt8(10))
            if let report { write(.ringReport(report)) }
        case .due: scratch.writeInteger(UInt8(11))
        case .memberHas(let id, let epoch):
            scratch.writeInteger(id.rawValue)
            scratch.writeInteger(epoch)
        }
        end()
        guard let line, let text = describer.describe(input) else { return }
        line("\(describer.time(now)) n\(node.rawValue) \(text)")
    }

    mutating func record(_ effect: ControlEffect, of node: NodeID, _ now: Instant) {
        begin(6, node, now)
        switch effect {
        case .send(let target, let message):
            scratch.writeInteger(target.rawValue)
            write(.gossip(message))
        case .disconnect(let id): scratch.writeInteger(UInt32(id.rawValue) | 1 << 16)
        case .peerUp(let id): scratch.writeInteger(UInt32(id.rawValue) | 2 << 16)
        case .peerDown(let id): scratch.writeInteger(UInt32(id.rawValue) | 3 << 16)
        case .confirmActors(let isNewest): scratch.writeInteger(UInt8(isNewest ? 1 : 0))
        case .saveLives(let lives): scratch.writeImmutableBuffer(lives)
        case .sendRing(let target, let message):
            scratch.writeInteger(target.rawValue)
            write(.ring(message))
        case .sendReport(let target, let report):
            scratch.writeInteger(target.rawValue)
            write(.ringReport(report))
        case .saveRing(let bytes): scratch.writeImmutableBuffer(bytes)
        case .adopted(let ring): scratch.writeBytes(ring.document.encoded())
        case .memberEpoch(let id, let epoch):
            scratch.writeInteger(id.rawValue)
            scratch.writeInteger(epoch)
        case .proposalEnded(let outcome): scratch.writeString(outcome.word)
        // Floating point in words could differ where hashes must not; effects tell the rest.
        case .note: break
        }
        end()
        guard let line, let text = describer.describe(effect) else { return }
        line("\(describer.time(now)) n\(node.rawValue)   \(text)")
    }

    /// Something that the simulator does to a node.
    mutating func note(_ what: String, at node: NodeID, _ now: Instant) {
        begin(3, node, now)
        scratch.writeString(what)
        end()
        line?("\(describer.time(now)) n\(node.rawValue) -- \(what)")
    }

    /// A remark on the whole, in words and hash.
    mutating func write(_ what: String, at now: Instant) {
        begin(4, NodeID(0), now)
        scratch.writeString(what)
        end()
        line?("\(describer.time(now)) -- \(what)")
    }

    /// What a record holds, in the words of the event log.
    mutating func describe(record: ByteBuffer?) -> String {
        describer.describe(record.flatMap { try? EncodedObject($0) })
    }

    private func name(_ node: NodeID, _ shard: Int?) -> String {
        "n\(node.rawValue)\(shard.map { "/\($0)" } ?? "")"
    }

    private mutating func begin(_ kind: UInt8, _ node: NodeID, _ now: Instant) {
        scratch.clear()
        scratch.writeInteger(kind)
        scratch.writeInteger(node.rawValue)
        scratch.writeInteger(now.nanoseconds)
    }

    private mutating func end() {
        hash = scratch.withUnsafeReadableBytes { XXH3.hash64($0, seed: hash) }
    }

    private mutating func write(_ message: PeerMessage) {
        PeerMessageCodec.write(message, into: &scratch)
    }

    private mutating func write(_ request: StorageRequest) {
        switch request {
        case .load(let key, let token), .loadVersion(let key, let token):
            scratch.writeInteger(token.rawValue)
            write(key)
        case .persist(let key, let bytes, let hints, let token):
            scratch.writeInteger(token.rawValue)
            write(key)
            scratch.writeImmutableBuffer(bytes)
            write(hints)
        case .remove(let key, let token):
            scratch.writeInteger(token.rawValue)
            write(key)
        case .keepHints(let hints, let token):
            scratch.writeInteger(token.rawValue)
            write(hints)
        case .loadHints(let target, let after, let limit, let token):
            scratch.writeInteger(token.rawValue)
            scratch.writeString("\(target) \(after) \(limit)")
        case .dropHints(let target, let through, let token):
            scratch.writeInteger(token.rawValue)
            scratch.writeString("\(target) \(through)")
        case .scan(let range, let token):
            write(.scan(RequestID(rawValue: token.rawValue), range, timeout: .zero, epoch: 0))
        case .list(let range, let token):
            scratch.writeInteger(token.rawValue)
            scratch.writeInteger(range.from.rawValue)
            scratch.writeInteger(range.through.rawValue)
        case .dropPartition(let partition, _, let token):
            scratch.writeInteger(token.rawValue)
            scratch.writeInteger(partition)
        case .saveWatermark(let partition, let bytes, let token),
            .saveTransfer(let partition, let bytes, let token):
            scratch.writeInteger(token.rawValue)
            scratch.writeInteger(partition)
            scratch.writeImmutableBuffer(bytes)
        }
    }

    private mutating func write(_ completion: StorageCompletion) {
        switch completion {
        case .loaded(let token, let result):
            scratch.writeInteger(token.rawValue)
            switch result {
            case .success(let bytes?): scratch.writeImmutableBuffer(bytes)
            case .success(nil): scratch.writeInteger(UInt8(0))
            case .failure(let failure): scratch.writeString("\(failure)")
            }
        case .versionLoaded(let token, let bytes):
            scratch.writeInteger(token.rawValue)
            scratch.writeImmutableBuffer(bytes)
        case .persisted(let token, let failure):
            scratch.writeInteger(token.rawValue)
            scratch.writeString(failure.map { "\($0)" } ?? "")
        case .scanned(let token, let result):
            write(.scanned(RequestID(rawValue: token.rawValue), result))
        case .listed(let token, .success(let page)):
            scratch.writeInteger(token.rawValue)
            scratch.writeInteger(page.weight.fingerprint)
            for record in page.records { scratch.writeInteger(record.fingerprint) }
        case .listed(let token, .failure(let failure)):
            scratch.writeInteger(token.rawValue)
            scratch.writeString("\(failure)")
        case .hintsLoaded(let token, .success(let hints)):
            scratch.writeInteger(token.rawValue)
            write(hints)
        case .hintsLoaded(let token, .failure(let failure)):
            scratch.writeInteger(token.rawValue)
            scratch.writeString("\(failure)")
        }
    }

    private mutating func write(_ key: StoredKey) {
        if let home = key.standInFor { scratch.writeInteger(home.rawValue) }
        scratch.writeImmutableBuffer(key.bytes)
    }

    private mutating func write(_ hints: [Hint]) {
        for hint in hints {
            scratch.writeInteger(hint.target.rawValue)
            scratch.writeInteger(hint.sequence)
            scratch.writeInteger(hint.created.milliseconds)
            write(hint.key)
        }
    }

    private mutating func write(_ reply: ShardReply) {
        switch reply {
        case .response(let response): write(.forwarded(RequestID(rawValue: 5), response))
        case .explained(let response, let explanation):
            write(.forwarded(RequestID(rawValue: 5), response))
            write(.explained(RequestID(rawValue: 5), explanation))
        case .page(let page): write(.scanned(RequestID(rawValue: 6), .success(page)))
        case .count(let count): scratch.writeInteger(count)
        }
    }
}
