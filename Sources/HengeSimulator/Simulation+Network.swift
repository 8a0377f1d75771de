import HengeBase
import HengeCausality
import HengeMessages
import HengeNode

import struct NIOCore.ByteBuffer

/// What happens to connections.
enum LinkEvent {
    /// Two nodes try to connect.
    case dial(Int, Int)
    /// The second end of a new connection learns of it.
    case opened(node: Int, other: Int, connection: Int)
    /// A node hears that the other end closed.
    case closed(node: Int, other: Int, connection: Int)
}

extension Simulation {
    // MARK: Messages

    /// - Parameter inBulk: on a connection of its own, so in order only with others like it.
    func send(
        _ message: PeerMessage,
        from sender: SimulatedNode,
        shard: Int = 0,
        to target: NodeID,
        inBulk: Bool = false
    ) {
        let to = Int(target.rawValue) - 1
        counts.messages += 1
        var bytes = ByteBuffer()
        PeerMessageCodec.write(message, into: &bytes)
        var isGossip = false
        switch message {
        case .gossip, .ring, .ringReport: isGossip = true
        default: break
        }
        var isEntropy = false
        if case .entropy = message { isEntropy = true }
        let connection = network.connection(of: sender.index, to: to)
        if connection != nil, sender.process?.traffic[to] == PeerTraffic.none {
            sender.process?.traffic[to] = .asked
        }
        let envelope = Envelope(
            from: sender.index,
            to: to,
            shard: shard,
            connection: connection ?? 0,
            isGossip: isGossip,
            life: isEntropy ? sender.process?.life : nil,
            bytes: bytes
        )
        switch options.transport {
        case .connections:
            guard connection != nil else {
                counts.messagesLost += 1
                return
            }
            sendInOrder(envelope, inBulk: inBulk)
        case .datagrams: sendLoosely(envelope, mayRepeat: message.mayRepeat)
        }
    }

    private func post(_ envelope: Envelope, at time: Instant) {
        if !envelope.isGossip { messagesUnderWay += 1 }
        queue.schedule(.message(envelope), at: time)
    }

    private func sendInOrder(_ envelope: Envelope, inBulk: Bool) {
        let end = Network.end(of: envelope.from, to: envelope.to)
        let lane = Network.lane(end: end, shard: envelope.shard, inBulk: inBulk)
        let soonest = network[envelope.from, envelope.to].lastArrivals[lane]
        let arrival = max(
            now + messageDelay(envelope),
            soonest + Interval(nanoseconds: 1)
        )
        network[envelope.from, envelope.to].lastArrivals[lane] = arrival
        post(envelope, at: arrival)
    }

    private func sendLoosely(_ envelope: Envelope, mayRepeat: Bool) {
        let isLossy = faultsAreOn
        if isLossy, networkDice.chance(options.lossPerThousand, in: 1_000) {
            counts.messagesLost += 1
            return
        }
        post(envelope, at: now + messageDelay(envelope))
        if isLossy, mayRepeat, networkDice.chance(options.repeatsPerThousand, in: 1_000) {
            let late = Interval(nanoseconds: options.messageDelay.nanoseconds * 20)
            post(envelope, at: now + delay(late, &networkDice))
        }
    }

    private func messageDelay(_ envelope: Envelope) -> Interval {
        let extra =
            nodes[envelope.from].messageDelay.nanoseconds
            + nodes[envelope.to].messageDelay.nanoseconds
        let usual = delay(options.messageDelay, &networkDice)
        return Interval(nanoseconds: usual.nanoseconds + extra)
    }

    func arrive(_ envelope: Envelope) {
        if !envelope.isGossip { messagesUnderWay -= 1 }
        let isBlocked = network.isBlocked(from: envelope.from, to: envelope.to)
        // What nodes say of themselves is of one process and one connection, also among datagrams.
        let isOfConnection = options.transport == .connections || envelope.isGossip
        let connection = network.connection(of: envelope.to, to: envelope.from)
        if isOfConnection, connection != envelope.connection {
            counts.messagesLost += 1
            return
        }
        // As a node does with what comes in bulk.
        let present = nodes[envelope.to].process?.lives[envelope.from]
        if let life = envelope.life, connection != nil, life != present {
            counts.messagesLost += 1
            return
        }
        switch options.transport {
        case .connections:
            let end = Network.end(of: envelope.from, to: envelope.to)
            if isBlocked || !network[envelope.from, envelope.to].stalled[end].isEmpty {
                network[envelope.from, envelope.to].stalled[end].append(envelope)
                return
            }
        case .datagrams:
            if isBlocked {
                counts.messagesLost += 1
                return
            }
        }
        deliver(envelope)
    }

    private func deliver(_ envelope: Envelope) {
        let target = nodes[envelope.to]
        guard let process = target.process else { return }
        process.traffic[envelope.from] = .heard
        do throws(WireDecodeError) {
            let sender = nodes[envelope.from].id
            switch try PeerMessageCodec.read(envelope.bytes) {
            case .gossip(let gossip): step(target, control: .gossip(from: sender, gossip))
            case .ring(let ring): step(target, control: .ring(from: sender, ring))
            case .ringReport(let report): step(target, control: .report(from: sender, report))
            case let message:
                step(target, shard: envelope.shard, .message(from: sender, message))
            }
        } catch {
            report(Violation(.codec, "a message can't be read back: \(error)"))
        }
    }

    func unstall(from: Int, to: Int) {
        guard !network.isBlocked(from: from, to: to) else { return }
        let end = Network.end(of: from, to: to)
        let stalled = network[from, to].stalled[end]
        network[from, to].stalled[end] = []
        for envelope in stalled
        where network.connection(of: to, to: from) == envelope.connection { deliver(envelope) }
    }

    // MARK: Connections

    func handle(_ event: LinkEvent) {
        switch event {
        case .dial(let a, let b): dial(a, b)
        case .opened(let node, let other, let connection):
            // The first end may have died meanwhile.
            guard network.connection(of: other, to: node) == connection,
                nodes[node].process != nil
            else { return }
            open(node, other, connection)
        case .closed(let node, let other, let connection):
            close(node, other, connection)
        }
    }

    func dialSoon(_ a: Int, _ b: Int) {
        guard !network[a, b].isDialing else { return }
        network[a, b].isDialing = true
        schedule(.link(.dial(a, b)), after: delay(.milliseconds(60), &networkDice))
    }

    private func dial(_ a: Int, _ b: Int) {
        network[a, b].isDialing = false
        guard !network[a, b].isOpen, let first = nodes[a].process, let second = nodes[b].process,
            !first.isStopping, !second.isStopping
        else { return }
        guard !network.isCut(a, b), nodes[a].pausedSince == nil, nodes[b].pausedSince == nil
        else { return dialSoon(a, b) }
        guard areAcquainted(nodes[a], nodes[b]) else { return }
        // An end that still believes in an older connection hears of its end first.
        for (node, other) in [(a, b), (b, a)] {
            if let old = network.connection(of: node, to: other) { close(node, other, old) }
        }
        let connection = network.newConnection()
        let (node, other) = networkDice.chance(1, in: 2) ? (a, b) : (b, a)
        let openTime = now + delay(options.messageDelay, &networkDice)
        network.open(a, b, from: openTime)
        open(node, other, connection)
        queue.schedule(
            .link(.opened(node: other, other: node, connection: connection)),
            at: openTime
        )
    }

    private func open(_ node: Int, _ other: Int, _ connection: Int) {
        network.setConnection(connection, of: node, to: other)
        nodes[node].process?.traffic[other] = .none
        let life = nodes[other].process?.life ?? 0
        invariant(life > 0, "a connection to a node that is down")
        nodes[node].process?.lives[other] = life
        step(nodes[node], control: .connected(nodes[other].id, life: life))
    }

    /// One end gives the connection up; the other hears of it if it can.
    func close(_ node: Int, _ other: Int, _ connection: Int) {
        guard network.connection(of: node, to: other) == connection else { return }
        network.setConnection(nil, of: node, to: other)
        let end = Network.end(of: other, to: node)
        network[node, other].stalled[end] = []
        step(nodes[node], control: .disconnected(nodes[other].id))
        tellClosed(other, node, isSudden: false)
        dialSoon(node, other)
    }

    /// Lets a node hear that the other end of its connection is gone.
    ///
    /// - Parameter isSudden: the other machine died and says nothing. Then, and when nothing gets
    ///   through, it is for the node's failure detector to notice.
    func tellClosed(_ node: Int, _ other: Int, isSudden: Bool) {
        guard let connection = network.connection(of: node, to: other) else { return }
        guard !isSudden, !network.isBlocked(from: other, to: node) else { return }
        let delay = self.delay(options.messageDelay, &networkDice)
        // In order after what the other end has sent for its first shard.
        let end = Network.end(of: other, to: node)
        let lane = Network.lane(end: end, shard: 0, inBulk: false)
        let soonest = network[node, other].lastArrivals[lane] + Interval(nanoseconds: 1)
        let time = max(now + delay, soonest)
        queue.schedule(
            .link(.closed(node: node, other: other, connection: connection)),
            at: time
        )
    }

    func block(from: Int, to: Int) { network.block(from: from, to: to) }

    func unblock(from: Int, to: Int) {
        network.unblock(from: from, to: to)
        schedule(
            .unstall(from: from, to: to),
            after: delay(options.messageDelay, &networkDice)
        )
    }

    func delay(_ usual: Interval, _ dice: inout SeededGenerator) -> Interval {
        options.hasJitter ? dice.delay(around: usual) : usual
    }
}

extension PeerMessage {
    /// A forwarded request would be carried out twice.
    fileprivate var mayRepeat: Bool {
        if case .forward = self { return false }
        return true
    }
}
