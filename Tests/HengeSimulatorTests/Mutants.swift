import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import HengeSimulator

import struct NIOCore.ByteBuffer

/// A node that misbehaves in one way, made of closures.
final class Mutant: Interposer {
    var configuration: (inout ShardConfiguration) -> Void = { _ in }
    var savedState: (SavedState?, NodeID) -> SavedState? = { state, _ in state }
    var input: (ShardInput) -> [ShardInput] = { [$0] }
    var effect: (ShardEffect) -> [ShardEffect] = { [$0] }
    /// An input that the shard gets because of an effect that was swallowed.
    var echo: (ShardEffect, NodeID) -> ShardInput? = { _, _ in nil }
    var said: (RingMessage) -> RingMessage = { $0 }

    func saying(_ message: RingMessage, of node: NodeID) -> RingMessage { said(message) }

    func configure(_ configuration: inout ShardConfiguration) {
        self.configuration(&configuration)
    }

    func saved(_ state: SavedState?, of node: NodeID) -> SavedState? { savedState(state, node) }

    func inputs(for input: ShardInput, to node: NodeID) -> [ShardInput] { self.input(input) }

    func effects(
        for effects: [ShardEffect],
        of node: NodeID,
        injecting inputs: inout [ShardInput]
    ) -> [ShardEffect] {
        var kept: [ShardEffect] = []
        for effect in effects {
            if let input = echo(effect, node) {
                inputs.append(input)
            } else {
                kept += self.effect(effect)
            }
        }
        return kept
    }

    /// Changes every object that leaves a shard, to the disk or to others.
    func changeObjects(_ change: @escaping (VersionedObject) -> VersionedObject) {
        effect = { effect in
            switch effect {
            case .storage(.persist(let key, let bytes, let hints, let token)):
                guard let object = try? EncodedObject(bytes) else { return [effect] }
                let changed = change(object.decoded()).encoded()
                return [.storage(.persist(key, changed.bytes, hints: hints, token))]
            case .send(let target, .store(let id, let key, let object, let timeout, let epoch)):
                let changed = change(object.decoded()).encoded()
                return [.send(target, .store(id, key, changed, timeout: timeout, epoch: epoch))]
            default: return [effect]
            }
        }
    }

    /// Changes every answer to a client.
    func changeReplies(_ change: @escaping (ShardReply) -> [ShardReply]) {
        effect = { effect in
            guard case .reply(let ticket, let reply) = effect else { return [effect] }
            return change(reply).map { .reply(ticket, $0) }
        }
    }

    /// Changes every request of a client.
    func changeRequests(_ change: @escaping (ClientRequest) -> ClientRequest) {
        input = { input in
            guard case .request(let ticket, let request) = input else { return [input] }
            return [.request(ticket, change(request))]
        }
    }
}

// MARK: Wrong in what they store

extension Mutant {
    /// Acknowledges one write in `every` without storing it.
    static func forgetfulDisk(every: Int, node: NodeID? = nil) -> Mutant {
        let mutant = Mutant()
        var persists = 0
        mutant.echo = { effect, at in
            guard case .storage(.persist(_, _, _, let token)) = effect,
                node.map({ $0 == at }) ?? true
            else { return nil }
            persists += 1
            return persists % every == 0 ? .storage(.persisted(token, nil)) : nil
        }
        return mutant
    }

    /// Keeps the newest of concurrent writes alone, as a last-writer-wins database does.
    static func lastWriterWins() -> Mutant {
        let mutant = Mutant()
        mutant.changeObjects { object in
            let newest = object.siblings.max { $0.timestamp < $1.timestamp }
            return VersionedObject(context: object.context, siblings: newest.map { [$0] } ?? [])
        }
        return mutant
    }

    /// Joins into each context all that was ever seen of its actors anywhere.
    static func boastfulContexts() -> Mutant {
        let mutant = Mutant()
        var seen: [ActorID: UInt64] = [:]
        mutant.changeObjects { object in
            var context = object.context
            for entry in object.context.entries {
                seen[entry.actor] = max(entry.counter, seen[entry.actor] ?? 0)
                context.record(Dot(actor: entry.actor, counter: seen[entry.actor] ?? entry.counter))
            }
            return VersionedObject(context: context, siblings: object.siblings)
        }
        return mutant
    }

    /// Goes on with the actors of an old clean stop after a crash.
    static func staleActors() -> Mutant {
        let mutant = credulous()
        var old: SavedState?
        mutant.savedState = { state, _ in
            old = old ?? state
            guard state == nil, let old else { return state }
            return SavedState(actors: old.actors, counts: nil, clock: old.clock)
        }
        return mutant
    }

    /// Goes on after a crash with the actors that its own last clean stop saved.
    static func keptActors() -> Mutant {
        let mutant = credulous()
        var kept: [NodeID: SavedState] = [:]
        mutant.savedState = { state, node in
            if let state { kept[node] = state }
            guard state == nil, let old = kept[node] else { return state }
            return SavedState(actors: old.actors, counts: nil, clock: old.clock)
        }
        return mutant
    }

    /// Takes a record that holds nothing but tombstones for none, as if they had been purged.
    static func purgedTombstones() -> Mutant {
        let mutant = Mutant()
        mutant.input = { input in
            guard case .storage(.loaded(let token, .success(let bytes?))) = input,
                let object = try? EncodedObject(bytes), !object.holdsValue
            else { return [input] }
            return [.storage(.loaded(token, .success(nil)))]
        }
        return mutant
    }

    /// Takes a record of which only the version is at hand for none.
    static func forgetsVersions() -> Mutant {
        let mutant = Mutant()
        mutant.input = { input in
            guard case .storage(.versionLoaded(let token, _)) = input else { return [input] }
            return [.storage(.versionLoaded(token, VersionedObject().encoded().bytes))]
        }
        return mutant
    }

    /// Keeps no hint, and says that it did.
    static func forgetsHints() -> Mutant {
        let mutant = Mutant()
        mutant.effect = { effect in
            guard case .storage(.persist(let key, let bytes, _, let token)) = effect,
                key.standInFor == nil
            else { return [effect] }
            return [.storage(.persist(key, bytes, hints: [], token))]
        }
        mutant.echo = { effect, _ in
            guard case .storage(.keepHints(_, let token)) = effect else { return nil }
            return .storage(.persisted(token, nil))
        }
        return mutant
    }

    /// Believes that its data is the newest, whatever others have met.
    static func credulous() -> Mutant {
        let mutant = Mutant()
        mutant.input = { input in
            switch input {
            case .actorsConfirmed: []
            // The first thing that happens to a node, as soon as it has company.
            case .peerUp: [.actorsConfirmed(true), input]
            default: [input]
            }
        }
        return mutant
    }

    /// Sends others another value than it keeps.
    static func forgedValues() -> Mutant {
        let mutant = Mutant()
        mutant.effect = { effect in
            guard
                case .send(
                    let target, .store(let id, let key, let object, let timeout, let epoch)) =
                    effect
            else { return [effect] }
            let siblings = object.decoded().siblings.map { sibling in
                Sibling(
                    dot: sibling.dot,
                    timestamp: sibling.timestamp,
                    expiry: sibling.expiry,
                    payload: .value(ByteBuffer(string: "forged"))
                )
            }
            let forged = VersionedObject(context: object.context, siblings: siblings).encoded()
            return [.send(target, .store(id, key, forged, timeout: timeout, epoch: epoch))]
        }
        return mutant
    }

    static func runawayClock() -> Mutant {
        let mutant = Mutant()
        mutant.changeObjects { object in
            let siblings = object.siblings.map { sibling in
                Sibling(
                    dot: sibling.dot,
                    timestamp: HybridTimestamp(rawValue: sibling.timestamp.rawValue + 1 << 40),
                    expiry: sibling.expiry,
                    payload: sibling.payload
                )
            }
            return VersionedObject(context: object.context, siblings: siblings)
        }
        return mutant
    }

    /// Stamps each write by its dot and not by the clock.
    static func pastStamps() -> Mutant {
        let mutant = Mutant()
        mutant.changeObjects { object in
            let siblings = object.siblings.map { sibling in
                Sibling(
                    dot: sibling.dot,
                    timestamp: HybridTimestamp(rawValue: sibling.dot.actor.rawValue >> 20),
                    expiry: sibling.expiry,
                    payload: sibling.payload
                )
            }
            return VersionedObject(context: object.context, siblings: siblings)
        }
        return mutant
    }

    static func garbage() -> Mutant {
        let mutant = Mutant()
        mutant.effect = { effect in
            guard case .storage(.persist(let key, _, _, let token)) = effect else {
                return [effect]
            }
            return [.storage(.persist(key, ByteBuffer(string: "garbage"), hints: [], token))]
        }
        return mutant
    }
}

// MARK: Wrong in how they coordinate

extension Mutant {
    /// Takes one replica's word for an acknowledgement that never came, and sends it nothing.
    static func hastyWrites() -> Mutant {
        let mutant = Mutant()
        mutant.echo = { effect, _ in
            guard case .send(let target, .store(let id, _, _, _, _)) = effect else { return nil }
            return .message(from: target, .stored(id, .durable))
        }
        return mutant
    }

    /// Asks one replica, whatever the level.
    static func lazyReads() -> Mutant {
        let mutant = Mutant()
        mutant.changeRequests { request in
            var request = request
            request.levels.read = .one
            return request
        }
        return mutant
    }

    static func noReadRepair() -> Mutant {
        let mutant = Mutant()
        mutant.configuration = { $0.readRepair = .off }
        return mutant
    }

    /// Carries out each forwarded request twice.
    static func doubleForwards() -> Mutant {
        let mutant = Mutant()
        mutant.input = { input in
            if case .message(_, .forward) = input { return [input, input] }
            return [input]
        }
        return mutant
    }

    static func noTicks() -> Mutant {
        let mutant = Mutant()
        // Hedging would ask for one without end.
        mutant.configuration = { $0.hedgesReads = false }
        mutant.input = { input in
            if case .tick = input { return [] }
            return [input]
        }
        return mutant
    }

    /// Loses one completion of a load in `every`.
    static func lostLoads(every: Int) -> Mutant {
        let mutant = Mutant()
        var loads = 0
        mutant.input = { input in
            guard case .storage(.loaded) = input else { return [input] }
            loads += 1
            return loads % every == 0 ? [] : [input]
        }
        return mutant
    }

    /// Drops all but the newest item of a cart on its way in.
    static func cartThief() -> Mutant {
        let mutant = Mutant()
        mutant.changeRequests { request in
            guard case .write(var mutation) = request.operation,
                case .value(let value, _) = mutation.content
            else { return request }
            let text = String(decoding: value.readableBytesView, as: UTF8.self)
            guard let number = text.split(separator: " ").first, text.contains(",") else {
                return request
            }
            mutation.content = .value(ByteBuffer(string: "\(number) \(number)"))
            var request = request
            request.operation = .write(mutation)
            return request
        }
        return mutant
    }
}

// MARK: Wrong in what they answer

extension Mutant {
    static func answersTwice() -> Mutant {
        let mutant = Mutant()
        mutant.changeReplies { [$0, $0] }
        return mutant
    }

    static func answersOften(every: Int) -> Mutant {
        let mutant = Mutant()
        var replies = 0
        mutant.changeReplies { reply in
            replies += 1
            return replies % every == 0 ? [] : [reply]
        }
        return mutant
    }

    /// Says that nothing was written when it can't know.
    static func deniesWrites() -> Mutant {
        let mutant = Mutant()
        mutant.changeReplies { reply in
            guard case .response(.failed(.timedOut(let required, let received))) = reply else {
                return [reply]
            }
            return [.response(.failed(.unavailable(required: required, alive: received)))]
        }
        return mutant
    }

    /// Counts one acknowledgement more than came.
    static func boastfulFailures() -> Mutant {
        let mutant = Mutant()
        mutant.changeReplies { reply in
            guard case .response(.failed(.timedOut(let required, let received))) = reply else {
                return [reply]
            }
            return [.response(.failed(.timedOut(required: required, received: received + 1)))]
        }
        return mutant
    }

    static func refusesReads() -> Mutant {
        let mutant = Mutant()
        mutant.changeReplies { reply in
            guard case .response(.object) = reply else { return [reply] }
            return [.response(.failed(.timedOut(required: 2, received: 1)))]
        }
        return mutant
    }

    /// Takes every replica for equal with the others'.
    static func equalRoots() -> Mutant {
        let mutant = Mutant()
        mutant.input = { input in
            guard case .message(let sender, .entropy(let id, let message)) = input,
                case .rootsCompared(_, let unready, let clocks) = message
            else { return [input] }
            let answer = EntropyMessage.rootsCompared(
                differing: [],
                unready: unready,
                clocks: clocks
            )
            return [.message(from: sender, .entropy(id, answer))]
        }
        return mutant
    }

    /// Removes a record at once where it should keep a tombstone.
    static func purgesAtOnce() -> Mutant {
        let mutant = Mutant()
        mutant.effect = { effect in
            guard case .storage(.persist(let key, let bytes, _, let token)) = effect,
                key.standInFor == nil, let object = try? EncodedObject(bytes), !object.holdsValue
            else { return [effect] }
            return [.storage(.remove(key, token))]
        }
        return mutant
    }

    static func miscounts() -> Mutant {
        let mutant = Mutant()
        mutant.savedState = { state, _ in
            guard var state, let tallies = state.counts?.tallies else { return state }
            state.counts?.tallies = tallies.map { $0 + RecordWeight(records: 1, keys: 1, bytes: 0) }
            return state
        }
        return mutant
    }

    static func forgetfulScans() -> Mutant {
        let mutant = Mutant()
        mutant.changeReplies { reply in
            guard case .page(var page) = reply, !page.keys.isEmpty else { return [reply] }
            page.keys.removeFirst()
            return [.page(page)]
        }
        return mutant
    }

    static func countsOneMore() -> Mutant {
        let mutant = Mutant()
        mutant.changeReplies { reply in
            if case .count(let count) = reply { return [.count(count + 1)] }
            return [reply]
        }
        return mutant
    }
}
