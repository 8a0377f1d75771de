import HengeBase
import HengeCausality
import HengeMembership
import HengeMessages
import HengeNode

import struct NIOCore.ByteBuffer

/// Says in a few words what a shard gets and does. Actors are called A, B, C in the order in which
/// they appear, so that the words are the same in every run.
struct Describer {
    private var actors: [ActorID: String] = [:]

    /// Milliseconds with three digits after the point.
    func time(_ now: Instant) -> String {
        let micros = now.nanoseconds / 1_000
        let fraction = String(1_000 + micros % 1_000).dropFirst()
        let text = "\(micros / 1_000).\(fraction)"
        return String(repeating: " ", count: max(0, 10 - text.count)) + text
    }

    /// nil for what is not worth a line: ticks, and storage that did as it was asked.
    mutating func describe(_ input: ShardInput) -> String? {
        switch input {
        case .request(let ticket, let request): "<- client \(ticket.rawValue): \(describe(request))"
        case .scan(let ticket, _, _): "<- client \(ticket.rawValue): scan"
        case .count(let ticket, _): "<- client \(ticket.rawValue): count"
        case .message(let sender, let message): "<- n\(sender.rawValue): \(describe(message))"
        case .storage(.loaded(_, .success(let bytes))):
            "<- disk: \(bytes.flatMap { try? EncodedObject($0) }.map { describe($0) } ?? "nothing")"
        case .storage(.loaded(_, .failure(let failure))): "<- disk: load failed, \(failure)"
        case .storage(.versionLoaded(_, let bytes)):
            "<- disk: version \((try? EncodedVersion(bytes)).map { describe($0) } ?? "garbage")"
        case .storage(.persisted(_, nil)): "<- disk: durable"
        case .storage(.persisted(_, let failure?)): "<- disk: persist failed, \(failure)"
        case .storage(.scanned): "<- disk: a page"
        case .storage(.listed(_, .success(let page))): "<- disk: \(page.weight.records) listed"
        case .storage(.listed(_, .failure(let failure))): "<- disk: no list, \(failure)"
        case .peerUp(let id): "<- n\(id.rawValue) is up"
        case .storage(.hintsLoaded(_, .success(let hints))): "<- disk: \(hints.count) hints"
        case .storage(.hintsLoaded(_, .failure(let failure))):
            "<- disk: no hints, \(failure)"
        case .peerDown(let id): "<- n\(id.rawValue) is down"
        case .actorsConfirmed(let isConfirmed):
            "<- actors are \(isConfirmed ? "confirmed" : "refuted")"
        case .hints(let command): "<- hints: \(command)"
        case .compareNow: "<- compare now"
        case .ring(let ring): "<- ring of epoch \(ring.document.epoch)"
        case .memberEpoch, .housekeeping, .tick: nil
        }
    }

    mutating func describe(_ effect: ShardEffect) -> String? {
        switch effect {
        case .send(let target, let message): "-> n\(target.rawValue): \(describe(message))"
        case .sendBulk(let target, let message):
            "-> n\(target.rawValue), in bulk: \(describe(message))"
        case .storage(.load(let key, _)): "-> disk: load \(name(key))"
        case .storage(.loadVersion(let key, _)): "-> disk: load \(name(key)) or its version"
        case .storage(.persist(let key, let bytes, let hints, _)):
            "-> disk: persist \(name(key)) "
                + ((try? EncodedObject(bytes)).map { describe($0) } ?? "garbage")
                + (hints.isEmpty ? "" : " with \(describe(hints))")
        case .storage(.remove(let key, _)): "-> disk: remove \(name(key))"
        case .storage(.keepHints(let hints, _)): "-> disk: keep \(describe(hints))"
        case .storage(.loadHints(let target, _, _, _)):
            "-> disk: load hints for n\(target.rawValue)"
        case .storage(.dropHints(let target, let through, _)):
            "-> disk: drop hints for n\(target.rawValue) up to \(through)"
        case .storage(.scan): "-> disk: scan"
        case .storage(.list(let range, _)): "-> disk: list from \(range.from.rawValue >> 32)"
        case .storage(.saveWatermark(let partition, _, _)):
            "-> disk: save the watermark of partition \(partition)"
        case .storage(.saveTransfer(let partition, _, _)):
            "-> disk: save the transfer of partition \(partition)"
        case .storage(.dropPartition(let partition, _, _)):
            "-> disk: drop partition \(partition)"
        case .reply(let ticket, let reply): "-> client \(ticket.rawValue): \(describe(reply))"
        case .ringIsOld(let epoch, let peer): "-> n\(peer.rawValue) has the ring of epoch \(epoch)"
        case .note(let note): "note: \(describe(note))"
        }
    }

    /// nil for rounds and heartbeats, which never end.
    func describe(_ input: ControlInput) -> String? {
        switch input {
        case .connected(let id, let life):
            "<- connected to start \(Life.start(of: life)) of n\(id.rawValue)"
        case .disconnected(let id): "<- disconnected from n\(id.rawValue)"
        case .gossip(let sender, .leaving): "<- n\(sender.rawValue): leaving"
        case .gossip(let sender, .otherLife(let life)):
            "<- n\(sender.rawValue): met start \(Life.start(of: life)) before"
        case .stopping: "<- stopping"
        case .ring(_, .ask), .ring(_, .known): nil
        case .ring(let sender, let message): "<- n\(sender.rawValue): \(describe(message))"
        case .propose(let document, _): "<- propose the ring of epoch \(document.epoch)"
        case .recover(let document, _): "<- recover by the ring of epoch \(document.epoch)"
        case .gossip(_, .digest), .gossip(_, .news), .start, .tick, .heard, .asked, .ringSaved,
            .ringSaveFailed, .report, .ownReport, .memberHas, .due:
            nil
        }
    }

    /// nil for what the shard's inputs tell, and for heartbeats.
    func describe(_ effect: ControlEffect) -> String? {
        switch effect {
        case .disconnect(let id): "-> disconnect n\(id.rawValue)"
        case .note(.suspect(let id, _)): "note: n\(id.rawValue) is suspect"
        case .note(.cleared(let id)): "note: n\(id.rawValue) is no longer suspect"
        case .note(.down(let id, .late)): "note: n\(id.rawValue) has no heartbeat"
        case .note(.down(let id, .silent)): "note: n\(id.rawValue) does not answer"
        case .note(.oldCopy(let reporter, let start)):
            "note: old copy, n\(reporter.rawValue) has met start \(start)"
        case .note(.removed): "note: removed from the ring"
        case .note(.givenUp(let epoch)): "note: given up for lost in epoch \(epoch)"
        case .note(.recoveredApart(_, let sender)):
            "note: n\(sender.rawValue) goes on by another recovery"
        case .note(.ringConflict(let epoch, let sender)):
            "note: n\(sender.rawValue) has another ring of epoch \(epoch)"
        case .note(.ringInvalid(let fault, let sender)):
            "note: n\(sender.rawValue) wants a ring that can't be: \(fault)"
        case .proposalEnded(let outcome): "the proposal ended: \(outcome.word)"
        case .note(.up), .note(.down(_, .disconnected)), .note(.down(_, .leaving)),
            .note(.down(_, .removed)), .note(.ringAdopted):
            nil
        case .send, .peerUp, .peerDown, .confirmActors, .saveLives, .sendRing, .sendReport,
            .saveRing, .adopted, .memberEpoch:
            nil
        }
    }

    private func describe(_ message: RingMessage) -> String {
        switch message {
        case .prepare(let epoch, let ballot): "prepare \(ballot) for epoch \(epoch)"
        case .promise(let epoch, let ballot, let accepted):
            "promise \(ballot) for epoch \(epoch)\(accepted == nil ? "" : ", accepted before")"
        case .accept(let ballot, let delta): "accept \(ballot) for epoch \(delta.epoch)"
        case .accepted(let epoch, let ballot): "accepted \(ballot) for epoch \(epoch)"
        case .refused(let epoch, let ballot, let promised):
            "refused \(ballot) for epoch \(epoch), promised \(promised)"
        case .decided(let document): "decided epoch \(document.epoch)"
        case .next(let delta): "next epoch \(delta.epoch)"
        case .ask(let epoch, _): "what comes after epoch \(epoch)?"
        case .known(let epoch, let hasAccepted, _):
            "nothing after epoch \(epoch)\(hasAccepted ? ", but accepted" : "")"
        case .recover(let base, let document):
            "recover from epoch \(base) by epoch \(document.epoch)"
        case .agreed(let mark): "agreed to epoch \(mark.epoch)"
        case .dissent(let mark, .isUp(let node)):
            "not to epoch \(mark.epoch): n\(node.rawValue) is up"
        case .dissent(let mark, .agreedBefore(let other)):
            "not to epoch \(mark.epoch): agreed to epoch \(other.epoch)"
        }
    }

    private mutating func describe(_ message: PeerMessage) -> String {
        switch message {
        case .store(_, let key, let object, _, _): "store \(name(key)) \(describe(object))"
        case .stored(_, let result): "stored: \(result)"
        case .fetch(_, let key, let kind, _, _): "fetch \(kind) of \(name(key))"
        case .fetched(_, .object(let object)): "fetched: \(describe(object))"
        case .fetched(_, .digest(let digest)):
            "fetched: digest \(digest == .absent ? "of nothing" : "of something")"
        case .fetched(_, .failed(let failure)): "fetched: failed, \(failure)"
        case .fetched(_, .overloaded): "fetched: overloaded"
        case .forward(_, let request, _): "forward \(describe(request))"
        case .forwarded(_, let response): "forwarded: \(describe(response))"
        case .explained(_, let explanation): "explained: \(describe(explanation))"
        case .scan: "scan"
        case .scanned: "scanned"
        case .count: "count"
        case .counted: "counted"
        case .staleRing(_, let epoch): "refused: this is epoch \(epoch)"
        case .handOff(_, let records):
            "hand over \(records.map { name($0.key) }.joined(separator: " "))"
        case .handedOff(_, let result): "handed over: \(result)"
        case .gossip(let gossip): "\(gossip)"
        case .ring(let message): describe(message)
        case .ringReport(let report): "at epoch \(report.epoch)"
        case .entropy(_, let entropy): describe(entropy)
        case .transfer(_, let request): "transfer of partition \(request.partition)"
        case .transferred(_, .page(let page)):
            "transferred: \(page.records.map { name($0.key) }.joined(separator: " "))"
        case .transferred(_, let result): "transferred: \(result)"
        case .facts: "facts"
        case .clock: "clock"
        }
    }

    private mutating func describe(_ message: EntropyMessage) -> String {
        switch message {
        case .roots(let roots, let told):
            "compare \(roots.count) roots, \(told.clocks.count) clocks"
        case .rootsCompared(let differing, let unready, let told):
            "\(differing.count) roots differ, \(unready.count) unready, \(told.clocks.count) clocks"
        case .leaves(let question):
            "compare \(question.sums.count) leaves of partition \(question.partition)"
        case .leavesCompared(let answer): "\(answer.differing.count) leaves differ"
        case .versions(let question):
            "compare \(question.fingerprints.count) versions of partition \(question.partition)"
        case .versionsCompared(.failed): "could not compare versions"
        case .versionsCompared(.page(_, let matched, let records)):
            "\(matched.count { $0 }) versions match; "
                + records.map { name($0.key) }.joined(separator: " ")
        case .agreed(let partitions, let clocks):
            "agreed on \(partitions.count) partitions, \(clocks.count) clocks"
        case .askHeld: "do you hold anything for others?"
        case .disputed(let key): "\(name(key)) is current"
        case .held(let holds): holds ? "something is held" : "nothing is held"
        }
    }

    private func describe(_ hints: [Hint]) -> String {
        let names = hints.map { "\(name($0.key)) for n\($0.target.rawValue)" }
        return "hints: \(names.joined(separator: ", "))"
    }

    private mutating func describe(_ request: ClientRequest) -> String {
        let key = name(request.key)
        switch request.operation {
        case .read: return "read \(key) at \(request.levels.read)"
        case .inspect: return "inspect \(key)"
        case .write(let mutation):
            var text = "write \(key) "
            switch mutation.content {
            case .value(let value, _): text += quote(value)
            case .tombstone: text += "tombstone"
            case .unchanged: text += "unchanged"
            }
            switch mutation.basis {
            case .coordinator: break
            case .context(let vector): text += " over \(describe(vector))"
            case .nothing: text += " over nothing"
            }
            if mutation.condition != .always { text += " if \(mutation.condition)" }
            return text + " at \(request.levels.write)" + (request.isSloppy ? ", sloppy" : "")
        }
    }

    private mutating func describe(_ reply: ShardReply) -> String {
        switch reply {
        case .response(let response): describe(response)
        case .explained(let response, let explanation):
            "\(describe(response)), \(describe(explanation))"
        case .page(let page): "\(page.keys.count) keys\(page.next == nil ? ", the end" : "")"
        case .count(let count): "count \(count)"
        }
    }

    private func describe(_ explanation: Explanation) -> String {
        let legs = explanation.legs.map { "\($0.steps.count) steps of n\($0.node.rawValue)" }
        return legs.joined(separator: ", ")
    }

    private mutating func describe(_ response: ClientResponse) -> String {
        switch response {
        case .object(let object): describe(object)
        case .written(let context, _): "written \(describe(context))"
        case .notApplied: "not applied"
        case .inspected(let reports): "inspected \(reports.count) replicas"
        case .failed(let failure): "failed, \(failure)"
        }
    }

    private func describe(_ note: ShardNote) -> String {
        switch note {
        case .unreadable: "records can't be read"
        case .mustCompare: "old copy, not read from before it was compared"
        case .rottenRecord(let key): "rotten record of \(name(key))"
        case .actorRenewed: "actor renewed"
        case .manySiblings(let key, let count): "\(count) siblings of \(name(key))"
        case .clockDrift(let from, _): "n\(from.rawValue) has a clock too far ahead"
        case .unexpectedMessage(let from): "unexpected message of n\(from.rawValue)"
        }
    }

    mutating func describe(_ object: EncodedObject?) -> String {
        guard let object = object?.decoded() else { return "nothing" }
        let siblings = object.siblings.map { sibling in
            switch sibling.payload {
            case .value(let value, _): "\(name(sibling.dot)) \(quote(value))"
            case .tombstone: "\(name(sibling.dot)) tombstone"
            }
        }
        return "{\(siblings.joined(separator: ", "))} of \(describe(object.context))"
    }

    private mutating func describe(_ version: EncodedVersion) -> String {
        let dots = version.writes.map { name($0.dot) }
        return "{\(dots.joined(separator: ", "))} of \(describe(version.context))"
    }

    private mutating func describe(_ vector: VersionVector) -> String {
        let names = vector.entries.map { name($0) }.sorted()
        return "[\(names.joined(separator: " "))]"
    }

    private mutating func name(_ dot: Dot) -> String {
        let known = actors[dot.actor]
        let name = known ?? Self.letters(actors.count)
        if known == nil { actors[dot.actor] = name }
        return "\(name)\(dot.counter)"
    }

    /// A to Z, then AA and so on.
    private static func letters(_ number: Int) -> String {
        let last = String(UnicodeScalar(UInt8(ascii: "A") + UInt8(number % 26)))
        return number < 26 ? last : letters(number / 26 - 1) + last
    }

    private func name(_ key: StoredKey) -> String {
        let text = String(decoding: key.key.readableBytesView, as: UTF8.self)
        return key.standInFor.map { "\(text) in place of n\($0.rawValue)" } ?? text
    }

    private func quote(_ value: ByteBuffer) -> String {
        let text = String(decoding: value.readableBytesView.prefix(24), as: UTF8.self)
        return "\"\(text.prefix { $0 != "." })\""
    }
}

extension RingElection.Outcome {
    /// Without the documents.
    var word: String {
        switch self {
        case .chosen: "chosen"
        case .superseded: "superseded"
        case .overtaken: "overtaken"
        case .failed(let required, let alive, _): "failed, \(alive) of \(required) answered"
        case .refused(let fault): "refused, \(fault)"
        case .abstained: "abstained"
        case .dissent(let node, _): "n\(node.rawValue) did not agree"
        }
    }
}
