import HengeBase
import HengeCausality
import HengeMessages
import HengeNode

/// Steps of shards: inputs in, effects carried out, and everything shown to the checkers on its
/// way.
extension Simulation {
    func step(_ node: SimulatedNode, shard index: Int, _ input: ShardInput) {
        guard let process = node.process, violation == nil else { return }
        guard node.pausedSince == nil else {
            let address = ShardAddress(node.index, process.number, index)
            return process.backlog.append(.input(address, input))
        }
        counts.steps += 1
        let shard = process.shards[index]
        let time = node.clock.reading(at: now)
        latestWall = max(latestWall, time.wall)
        trace.record(input, at: node.id, label(of: shard), now)
        let wasBusy = process.hasWork
        if let wakeAt = shard.wakeAt, wakeAt <= time.now { shard.wakeAt = nil }
        for input in interposer?.inputs(for: input, to: node.id) ?? [input] {
            checking { () throws(Violation) in try observe(input, at: node, shard) }
            shard.shard.step(input, at: time, effects: &shard.effects)
        }
        carryOut(node, process, shard)
        if wasBusy, !process.hasWork { causal.becameIdle(node.index) }
        scheduleTick(node, process, shard)
        scheduleWake(node, process, shard, time.now)
    }

    // MARK: Inputs

    private func observe(
        _ input: ShardInput,
        at node: SimulatedNode,
        _ shard: SimulatedShard
    ) throws(Violation) {
        switch input {
        case .request(let ticket, let request):
            observe(request, at: node, by: .client(ticket))
        case .message(let sender, .forward(let id, let request, _)):
            observe(request, at: node, by: .peer(sender, id))
        case .message(_, let message): try observe(message, at: node)
        case .storage(let completion): try observe(completion, at: node, shard)
        case .scan, .count, .peerUp, .peerDown, .actorsConfirmed, .hints, .ring,
            .memberEpoch, .compareNow, .housekeeping, .tick:
            break
        }
    }

    private func observe(
        _ request: ClientRequest,
        at node: SimulatedNode,
        by origin: CausalChecker.Origin
    ) {
        if case .write(let mutation) = request.operation {
            causal.requested(mutation, of: request.key, at: node.index, by: origin)
        }
    }

    private func observe(_ message: PeerMessage, at node: SimulatedNode) throws(Violation) {
        switch message {
        case .store(_, let key, let object, _, _):
            try causal.received(object, of: key, at: node.index)
        case .fetched(_, .object(let object?)):
            try receivedByContent(object, at: node)
        case .handOff(_, let records):
            for record in records {
                try causal.received(record.object, of: record.key, at: node.index)
            }
        case .transferred(_, .page(let page)):
            for record in page.records {
                try causal.received(record.object, of: record.key, at: node.index)
            }
        case .entropy(_, .versionsCompared(.page(_, _, let records))):
            for record in records {
                try causal.received(record.object, of: record.key, at: node.index)
            }
        case .stored, .fetch, .fetched, .forward, .forwarded, .explained, .scan, .scanned, .count,
            .counted, .handedOff, .gossip, .entropy, .ring, .ringReport, .transfer, .transferred,
            .facts, .clock, .staleRing:
            break
        }
    }

    /// An answer names no key; the writes in it do.
    private func receivedByContent(
        _ object: EncodedObject,
        at node: SimulatedNode
    ) throws(Violation) {
        guard let key = causal.key(of: object) else { return }
        try causal.received(object, of: key, at: node.index)
    }

    private func observe(
        _ completion: StorageCompletion,
        at node: SimulatedNode,
        _ shard: SimulatedShard
    ) throws(Violation) {
        switch completion {
        case .loaded(let token, let result):
            guard let work = shard.storage.removeValue(forKey: token), let key = work.key
            else { return }
            switch result {
            case .success(let bytes?):
                guard let object = try? EncodedObject(bytes) else { return }
                try causal.loaded(object, of: key, at: work.place)
            case .success(nil): break
            case .failure(let failure):
                if failure == .corrupt { causal.foundRotten(key, at: work.place) }
            }
        case .versionLoaded(let token, let bytes):
            guard let work = shard.storage.removeValue(forKey: token), let key = work.key,
                let version = try? EncodedVersion(bytes)
            else { return }
            try causal.loaded(version, of: key, at: work.place)
        case .persisted(let token, let failure):
            guard let work = shard.storage.removeValue(forKey: token), let key = work.key
            else { return }
            let record = work.place.key(causal.keys[key])
            let left = (try? node.peek(record).get()).flatMap { try? EncodedObject($0) }
            try causal.persisted(work, failed: failure != nil, left: left, at: work.place)
        case .listed(_, .success(let page)):
            for record in page.records {
                guard let object = record.object, let key = causal.number(of: record.key)
                else { continue }
                try causal.loaded(object, of: key, at: Place(node: node.index, record.key))
            }
            for key in page.rotten {
                guard let number = causal.number(of: key) else { continue }
                causal.foundRotten(number, at: Place(node: node.index, key))
            }
        case .scanned, .hintsLoaded, .listed: break
        }
    }

    // MARK: Effects

    private func carryOut(_ node: SimulatedNode, _ process: Process, _ shard: SimulatedShard) {
        guard !shard.effects.isEmpty else { return }
        var effects: [ShardEffect] = []
        shard.effects.drain { effects.append($0) }
        var injected: [ShardInput] = []
        if let interposer {
            effects = interposer.effects(for: effects, of: node.id, injecting: &injected)
        }
        // What is sent to others with a write comes from the record that it goes into here.
        shard.persisting = effects.compactMap {
            if case .storage(.persist(let key, _, _, _)) = $0 { key } else { nil }
        }
        for effect in effects where violation == nil {
            trace.record(effect, of: node.id, label(of: shard), now)
            checking { () throws(Violation) in try carryOut(effect, of: node, process, shard) }
        }
        let address = ShardAddress(node.index, process.number, shard.index)
        for input in injected { schedule(.input(address, input), after: options.messageDelay) }
    }

    private func carryOut(
        _ effect: ShardEffect,
        of node: SimulatedNode,
        _ process: Process,
        _ shard: SimulatedShard
    ) throws(Violation) {
        switch effect {
        case .send(let target, let message):
            checking { () throws(Violation) in try observe(sending: message, from: node, shard) }
            if case .forwarded(let id, let response) = message {
                let wroteNothing = ShardReply.response(response).saysNothingWritten
                causal.ended(.peer(target, id), wroteNothing: wroteNothing, at: node.index)
            }
            send(message, from: node, shard: shard.index, to: target)
        case .sendBulk(let target, let message):
            checking { () throws(Violation) in try observe(sending: message, from: node, shard) }
            send(message, from: node, shard: shard.index, to: target, inBulk: true)
        case .storage(let request):
            try start(request, at: node, process, shard)
        case .reply(let ticket, let reply):
            let wroteNothing = reply.saysNothingWritten
            causal.ended(.client(ticket), wroteNothing: wroteNothing, at: node.index)
            guard let reply = counted(reply, to: ticket, process) else { return }
            try answer(Int(ticket.rawValue), reply, from: node)
        case .ringIsOld(let epoch, let peer):
            step(node, control: .memberHas(peer, epoch: epoch))
        case .note: break
        }
    }

    private func observe(
        sending message: PeerMessage,
        from node: SimulatedNode,
        _ shard: SimulatedShard
    ) throws(Violation) {
        switch message {
        case .store(_, let key, let object, _, _):
            let before = causal.writeCount(of: key)
            let own = shard.persisting.first {
                $0.standingIn(for: nil) == key.standingIn(for: nil)
            }
            let place = own.map { Place(node: node.index, $0) }
            try causal.emitted(object, of: key, by: node.index, from: place)
            try noteWrite(of: key, since: before)
        case .fetched(_, .object(let object?)):
            guard let key = causal.key(of: object) else { return }
            try causal.emitted(object, of: key, by: node.index)
        case .handOff(_, let records):
            for record in records {
                try causal.emitted(record.object, of: record.key, by: node.index)
            }
        case .transferred(_, .page(let page)):
            for record in page.records {
                try causal.emitted(record.object, of: record.key, by: node.index)
            }
        case .entropy(_, .versionsCompared(.page(_, _, let records))):
            for record in records {
                try causal.emitted(record.object, of: record.key, by: node.index)
            }
        case .forward(_, let request, _): causal.forwarded(request, by: node.index)
        case .stored, .fetch, .fetched, .forwarded, .explained, .scan, .scanned, .count, .counted,
            .handedOff, .gossip, .entropy, .ring, .ringReport, .transfer, .transferred, .facts,
            .clock, .staleRing:
            break
        }
    }

    private func start(
        _ request: StorageRequest,
        at node: SimulatedNode,
        _ process: Process,
        _ shard: SimulatedShard
    ) throws(Violation) {
        checkSlice(of: request, shard)
        switch request {
        case .load(let key, let token), .loadVersion(let key, let token):
            shard.storage[token] = work(.load, key, node)
            scheduleRead(node, process, shard)
        case .scan, .loadHints, .list:
            scheduleRead(node, process, shard)
        case .persist(let key, let bytes, hints: _, let token):
            guard let object = try? EncodedObject(bytes) else {
                throw Violation(.codec, "n\(node.index + 1) stores what is no object")
            }
            checking { () throws(Violation) in
                let before = causal.writeCount(of: key)
                var work = work(.persist, key, node)
                defer { shard.storage[token] = work }
                try causal.persisting(object, &work, at: work.place)
                try noteWrite(of: key, since: before)
            }
            scheduleCommit(node, process, shard)
        case .remove(let key, let token):
            if key.standInFor == nil {
                checking { () throws(Violation) in
                    try checkPurge(of: key, by: node, shard)
                }
            }
            let work = work(.remove, key, node)
            shard.storage[token] = work
            if let key = work.key { causal.removing(key, at: work.place) }
            scheduleCommit(node, process, shard)
        case .dropPartition(_, let tokens, _):
            for (number, key) in causal.keys.enumerated() where tokens.contains(key.token) {
                causal.removing(number, at: Place(node: node.index))
            }
            scheduleCommit(node, process, shard)
        case .keepHints, .dropHints, .saveWatermark, .saveTransfer:
            scheduleCommit(node, process, shard)
        }
        node.disk[shard.index].request(request)
    }

    private func work(
        _ kind: StorageWork.Kind,
        _ key: StoredKey,
        _ node: SimulatedNode
    ) -> StorageWork {
        StorageWork(
            kind: kind,
            key: causal.number(of: key),
            place: Place(node: node.index, key)
        )
    }

    /// Ties a write that was just seen for the first time to the operation that its value names.
    private func noteWrite(of key: StoredKey, since before: Int) throws(Violation) {
        guard let key = causal.number(of: key), causal.histories[key].writes.count > before
        else { return }
        let sibling = causal.histories[key].writes[before].sibling
        guard sibling.timestamp.wall.milliseconds <= latestWall.milliseconds + 1 else {
            throw Violation(.soundClocks, "\(sibling.timestamp.wall) is later than any clock")
        }
        if case .value(let value, _) = sibling.payload,
            let number = OperationValue.number(of: value),
            causal.histories[key].writes[..<before].allSatisfy({
                $0.sibling.payload != sibling.payload
            })
        {
            try log.made(before, by: number)
        }
    }
}
