import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// A few shards in one process, with queues for a network and dictionaries for disks.
///
/// Nothing happens until ``run()``; what `holds` matches then stays where it is until
/// ``release()``.
final class Cluster {
    /// Something on its way to a node.
    enum Event {
        case message(from: NodeID, to: NodeID, PeerMessage)
        case storage(NodeID, StorageRequest)
    }

    final class Node {
        let id: NodeID
        var shard: Shard
        var disk: [StoredKey: ByteBuffer] = [:]
        /// By target, in order.
        var hints: [NodeID: [Hint]] = [:]
        var watermarks: [Int: ByteBuffer] = [:]
        var transfers: [Int: ByteBuffer] = [:]
        /// Milliseconds that its wall clock is ahead of the true time.
        var clockAhead: Int64 = 0

        init(id: NodeID, shard: consuming Shard) {
            self.id = id
            self.shard = shard
        }
    }

    /// What nodes that start have on their disks.
    private(set) var ring: Ring
    let configuration: ShardConfiguration
    /// Which shard of its node each of these is.
    let slice: ShardSlice
    private(set) var nodes: [Node] = []
    private(set) var down: Set<NodeID> = []
    private(set) var queue: [Event] = []
    private(set) var held: [Event] = []
    /// What stays under way.
    var holds: (Event) -> Bool = { _ in false }
    /// What a disk answers in place of doing it.
    var fails: (NodeID, StorageRequest) -> StorageFailure? = { _, _ in nil }
    /// What disks answer with in place of a record where its version may be enough; nil for the
    /// record.
    var versions: (ByteBuffer) -> ByteBuffer? = { _ in nil }
    /// Everything that was sent, as `1→2 fetch object`.
    private(set) var sent: [String] = []
    private(set) var replies: [UInt64: [ShardReply]] = [:]
    private(set) var notes: [ShardNote] = []
    /// Of which rings nodes have heard that they lack.
    private(set) var oldRings: [(epoch: UInt64, of: NodeID, at: NodeID)] = []
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var wallMilliseconds: Int64 = 1_700_000_000_000
    private var tickets: UInt64 = 0
    private var seeds: UInt64 = 0
    private var effects = EffectBuffer<ShardEffect>()

    convenience init(
        nodes count: Int = 3,
        replicas: Int = 3,
        configuration: ShardConfiguration = ShardConfiguration(),
        slice: ShardSlice = .whole
    ) throws {
        let list = (1...count).map { "n\($0)=127.0.0.1:\(7400 + $0)" }.joined(separator: ",")
        let bootstrap = try BootstrapList.parse(list)
        let document = try RingDocument.bootstrap(bootstrap, replicas: replicas, partitions: 64)
        try self.init(document: document, configuration: configuration, slice: slice)
    }

    /// - Parameter document: the ids of its members, those to come among them, rise from 1 without
    ///   gaps.
    init(
        document: RingDocument,
        configuration: ShardConfiguration = ShardConfiguration(),
        slice: ShardSlice = .whole
    ) throws {
        ring = Ring(document)
        self.configuration = configuration
        self.slice = slice
        for member in document.allMembers {
            let id = member.id
            nodes.append(Node(id: id, shard: makeShard(id, saved: nil)))
        }
        for node in nodes {
            let empty = Array(repeating: RecordWeight.nothing, count: ring.partitions)
            node.shard.addInitialTallies(empty, leaves: noLeaves)
            for peer in nodes where peer.id != node.id { step(node.id, .peerUp(peer.id)) }
        }
    }

    /// The hash trees of a disk without records.
    var noLeaves: [LeafSums] { Array(repeating: LeafSums(bits: 0), count: ring.partitions) }

    private func makeShard(_ id: NodeID, saved: SavedState?) -> Shard {
        seeds += 1
        return Shard(
            node: id,
            slice: slice,
            ring: ring,
            configuration: configuration,
            saved: saved,
            hints: nodes.count >= Int(id.rawValue) ? backlogs(of: node(id)) : [],
            watermarks: nodes.count >= Int(id.rawValue)
                ? node(id).watermarks.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } : [],
            transfers: nodes.count >= Int(id.rawValue)
                ? node(id).transfers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } : [],
            seed: seeds
        )
    }

    /// What a storage tells of its hints at the start.
    private func backlogs(of node: Node) -> [HintBacklog] {
        nodes.map(\.id).compactMap { target in
            guard let hints = node.hints[target], let last = hints.last else { return nil }
            let held = node.disk.reduce(0) { sum, record in
                guard record.key.standInFor == target else { return sum }
                return sum + record.key.bytes.readableBytes + record.value.readableBytes
            }
            return HintBacklog(
                target: target,
                lastSequence: last.sequence,
                count: hints.count,
                bytes: held + hints.reduce(0) { $0 + $1.byteCount },
                oldest: hints.first?.created
            )
        }
    }

    /// The hints that a node's disk holds for another.
    func hints(on holder: Int, for target: Int) -> [Hint] {
        node(holder).hints[NodeID(UInt16(target))] ?? []
    }

    func node(_ number: Int) -> Node { nodes[number - 1] }
    func node(_ id: NodeID) -> Node { nodes[Int(id.rawValue) - 1] }

    /// Has one node adopt the ring of this document, and nobody know of it.
    func adopt(_ document: RingDocument, at number: Int) {
        let newer = Ring(document)
        if newer.document.epoch > ring.document.epoch { ring = newer }
        step(NodeID(UInt16(number)), .ring(newer))
        run()
    }

    /// Begins ``sent`` anew.
    func forgetSent() { sent = [] }

    func reply(_ ticket: Ticket) -> ShardReply? { replies[ticket.rawValue]?.first }
    // MARK: The ring

    /// Has all nodes that are up adopt the ring of this document, and know of each other that they
    /// have. Nodes that it names first are started with it.
    func adopt(_ document: RingDocument) {
        ring = Ring(document)
        let known = nodes.count
        for member in ring.allMembers where Int(member.id.rawValue) > nodes.count {
            nodes.append(Node(id: member.id, shard: makeShard(member.id, saved: nil)))
            node(member.id).shard.addInitialTallies(
                Array(repeating: RecordWeight.nothing, count: ring.partitions),
                leaves: noLeaves
            )
        }
        for node in nodes where !down.contains(node.id) { step(node.id, .ring(ring)) }
        // Nodes connect to those that they know to be members.
        for number in (known + 1)..<(nodes.count + 1) { bring(up: number) }
        tellEpochs()
    }

    /// Has each node that is up know what the others that are up have adopted.
    func tellEpochs() {
        for node in nodes where !down.contains(node.id) {
            for other in nodes where !down.contains(other.id) {
                step(node.id, .memberEpoch(other.id, ring.document.epoch))
            }
        }
    }

    // MARK: Requests

    @discardableResult
    func request(
        _ operation: ClientRequest.Operation,
        _ key: StoredKey,
        at node: Int = 1,
        read: Consistency = .quorum,
        write: Consistency = .quorum,
        timeout: Interval = .milliseconds(500),
        sloppy: Bool = false,
        explained: Bool = false
    ) -> Ticket {
        let request = ClientRequest(
            key: key,
            operation: operation,
            levels: ConsistencyLevels(read: read, write: write),
            timeout: timeout,
            isSloppy: sloppy,
            isExplained: explained
        )
        return submit(at: node) { .request($0, request) }
    }

    func submit(at node: Int, _ input: (Ticket) -> ShardInput) -> Ticket {
        tickets += 1
        let ticket = Ticket(rawValue: tickets)
        step(NodeID(UInt16(node)), input(ticket))
        return ticket
    }

    /// The one reply to a ticket, spelled out; nil while there is none.
    func answer(_ ticket: Ticket) -> String? {
        guard let all = replies[ticket.rawValue] else { return nil }
        #expect(all.count == 1, "answered \(all.count) times")
        return all.first.map { spell($0, wall: WallTime(milliseconds: UInt64(wallMilliseconds))) }
    }

    func response(_ ticket: Ticket) -> ClientResponse? {
        replies[ticket.rawValue]?.first?.response
    }

    /// Asks, runs until nothing moves, and spells the answer.
    @discardableResult
    func ask(
        _ operation: ClientRequest.Operation,
        _ key: StoredKey,
        at node: Int = 1,
        read: Consistency = .quorum,
        write: Consistency = .quorum,
        sloppy: Bool = false
    ) -> String? {
        let ticket = request(operation, key, at: node, read: read, write: write, sloppy: sloppy)
        run()
        return answer(ticket)
    }

    @discardableResult
    func get(
        _ key: StoredKey,
        at node: Int = 1,
        _ level: Consistency = .quorum,
        sloppy: Bool = false
    ) -> String? {
        ask(.read, key, at: node, read: level, sloppy: sloppy)
    }

    @discardableResult
    func set(
        _ key: StoredKey,
        _ value: String,
        at node: Int = 1,
        _ level: Consistency = .quorum,
        basis: Mutation.Basis = .coordinator,
        sloppy: Bool = false
    ) -> String? {
        ask(.write(.value(value, basis: basis)), key, at: node, write: level, sloppy: sloppy)
    }

    /// What a node's disk holds of a key, as readers would see it.
    func stored(_ key: StoredKey, on node: Int) -> String? {
        guard let bytes = self.node(node).disk[key] else { return nil }
        guard let object = try? EncodedObject(bytes) else { return "rotten" }
        return spell(object, wall: wall(NodeID(UInt16(node))))
    }

    // MARK: The world

    func wall(_ id: NodeID) -> WallTime {
        WallTime(milliseconds: UInt64(wallMilliseconds + node(id).clockAhead))
    }

    func step(_ id: NodeID, _ input: ShardInput) {
        let reading = ClockReading(now: now, wall: wall(id))
        node(id).shard.step(input, at: reading, effects: &effects)
        for index in 0..<effects.count { carryOut(effects[index], of: id) }
        effects.removeAll()
    }

    private func carryOut(_ effect: ShardEffect, of id: NodeID) {
        switch effect {
        case .send(let target, let message), .sendBulk(let target, let message):
            sent.append("\(id.rawValue)→\(target.rawValue) \(spell(message))")
            queue.append(.message(from: id, to: target, message))
        case .storage(let request): queue.append(.storage(id, request))
        case .reply(let ticket, let reply): replies[ticket.rawValue, default: []].append(reply)
        case .note(let note): notes.append(note)
        case .ringIsOld(let epoch, let peer): oldRings.append((epoch, of: peer, at: id))
        }
    }

    /// Carries out what is under way, and what follows from it, until nothing is left but what is
    /// held.
    func run() {
        while !queue.isEmpty { next(at: 0) }
    }

    /// Carries out one thing of those under way.
    func next(at index: Int) {
        let event = queue.remove(at: index)
        if holds(event) { return held.append(event) }
        switch event {
        case .message(let sender, let target, let message):
            if down.contains(sender) || down.contains(target) { return }
            step(target, .message(from: sender, message))
        case .storage(let id, let request):
            step(id, .storage(complete(request, on: node(id))))
        }
    }

    /// Lets go of what was held and of what would have been.
    func release() {
        holds = { _ in false }
        queue += held
        held = []
        run()
    }

    /// Lets time pass and every shard notice it.
    func pass(milliseconds: Int64) {
        now = now + .milliseconds(UInt64(milliseconds))
        wallMilliseconds += milliseconds
        for node in nodes where !down.contains(node.id) { step(node.id, .tick) }
        run()
    }

    /// Has every shard do its slow upkeep.
    func housekeep() {
        for node in nodes where !down.contains(node.id) { step(node.id, .housekeeping) }
        run()
    }

    /// Has hints wait, so that nothing comes to a node but what a test is about.
    func pauseHints() {
        for node in nodes { step(node.id, .hints(.pause)) }
    }

    /// Lets time pass in ticks until nothing moves any more, as a driver does while there is work.
    func settle(limitMilliseconds: Int = 60_000) {
        run()
        var left = limitMilliseconds
        while !isQuiet, left > 0 {
            pass(milliseconds: 10)
            left -= 10
        }
    }

    /// Cuts a node off; with it what is under way to and from it is gone.
    func take(down number: Int) {
        let id = NodeID(UInt16(number))
        down.insert(id)
        for node in nodes where node.id != id { step(node.id, .peerDown(id)) }
        for node in nodes where node.id != id { step(id, .peerDown(node.id)) }
    }

    func bring(up number: Int) {
        let id = NodeID(UInt16(number))
        down.remove(id)
        for node in nodes where node.id != id && !down.contains(node.id) {
            step(node.id, .peerUp(id))
            step(id, .peerUp(node.id))
        }
    }

    /// Starts a node that is down anew on its disk.
    ///
    /// - Parameter confirmed: what the others say of its saved actors; nil for nothing yet.
    func restart(_ number: Int, saved: SavedState? = nil, confirmed: Bool? = true) {
        let node = self.node(number)
        let isOwn: (Event) -> Bool = { event in
            guard case .storage(let id, _) = event else { return false }
            return id == node.id
        }
        queue.removeAll(where: isOwn)
        held.removeAll(where: isOwn)
        node.shard = makeShard(node.id, saved: saved)
        if let confirmed { step(node.id, .actorsConfirmed(confirmed)) }
        bring(up: number)
    }

    var workInFlight: [Int] { nodes.map { $0.shard.workInFlight } }
    /// Whether nothing is in flight; hints that wait for a node that is down don't count.
    var isQuiet: Bool { workInFlight.allSatisfy { $0 == 0 } }

    // MARK: Disks

    private func complete(_ request: StorageRequest, on node: Node) -> StorageCompletion {
        let failure = fails(node.id, request)
        switch request {
        case .load(let key, let token):
            if let failure { return .loaded(token, .failure(failure)) }
            return .loaded(token, .success(node.disk[key]))
        case .loadVersion(let key, let token):
            if let failure { return .loaded(token, .failure(failure)) }
            let object = node.disk[key]
            guard let version = object.flatMap(versions) else {
                return .loaded(token, .success(object))
            }
            return .versionLoaded(token, version)
        case .persist(let key, let bytes, let hints, let token):
            if failure == nil {
                node.disk[key] = bytes
                keep(hints, on: node)
            }
            return .persisted(token, failure)
        case .scan(let range, let token):
            if let failure { return .scanned(token, .failure(failure)) }
            return .scanned(token, .success(scan(range, node)))
        case .remove(let key, let token):
            if failure == nil { node.disk[key] = nil }
            return .persisted(token, failure)
        case .keepHints(let hints, let token):
            if failure == nil { keep(hints, on: node) }
            return .persisted(token, failure)
        case .loadHints(let target, let after, let limit, let token):
            if let failure { return .hintsLoaded(token, .failure(failure)) }
            let rest = (node.hints[target] ?? []).filter { $0.sequence > after }
            return .hintsLoaded(token, .success(Array(rest.prefix(limit))))
        case .saveWatermark(let partition, let bytes, let token):
            if failure == nil { node.watermarks[partition] = bytes }
            return .persisted(token, failure)
        case .saveTransfer(let partition, let bytes, let token):
            if failure == nil { node.transfers[partition] = bytes.readableBytes > 0 ? bytes : nil }
            return .persisted(token, failure)
        case .dropPartition(let partition, let tokens, let token):
            guard failure == nil else { return .persisted(token, failure) }
            node.disk = node.disk.filter {
                $0.key.standInFor != nil || !tokens.contains($0.key.token)
            }
            node.watermarks[partition] = nil
            node.transfers[partition] = nil
            return .persisted(token, nil)
        case .list(let range, let token):
            if let failure { return .listed(token, .failure(failure)) }
            return .listed(token, .success(list(range, node)))
        case .dropHints(let target, let through, let token):
            if failure == nil { node.hints[target]?.removeAll { $0.sequence <= through } }
            return .persisted(token, failure)
        }
    }

    private func keep(_ hints: [Hint], on node: Node) {
        for hint in hints {
            let last = node.hints[hint.target]?.last?.sequence ?? 0
            #expect(hint.sequence > last, "hints out of order")
            node.hints[hint.target, default: []].append(hint)
        }
    }

    private func list(_ range: ListRange, _ node: Node) -> ListPage {
        var builder = ListPageBuilder(range)
        let own = node.disk.filter { $0.key.standInFor == nil }
            .filter { $0.key.token >= range.from && $0.key.token <= range.through }
            .sorted {
                $0.key.bytes.readableBytesView.lexicographicallyPrecedes(
                    $1.key.bytes.readableBytesView)
            }
        for (key, bytes) in own {
            guard !builder.ends(before: key.token) else { break }
            if let object = try? EncodedObject(bytes) {
                builder.add(key, object)
            } else {
                builder.addRotten(key)
            }
        }
        return builder.page
    }

    private func scan(_ range: ScanRange, _ node: Node) -> ScanPage {
        let own = node.disk.keys.filter { $0.standInFor == nil }
        let keys = own.filter { $0.token >= range.from && $0.token <= range.through }
            .sorted { $0.token < $1.token }
        var page = ScanPage(keys: [], next: nil)
        for (index, key) in keys.enumerated() {
            if page.keys.count >= range.limit, key.token != keys[index - 1].token {
                page.next = key.token
                break
            }
            guard let bytes = node.disk[key], let object = try? EncodedObject(bytes),
                object.isLive(at: range.wall), range.bucket.map({ $0 == key.bucket }) ?? true
            else { continue }
            page.keys.append(key)
        }
        return page
    }
}
