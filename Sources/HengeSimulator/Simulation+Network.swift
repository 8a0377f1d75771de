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
    /// A node has heard nothing for so long that it gives the connection up, if the way is still
    /// cut.
    case suspected(node: Int, other: Int, connection: Int)
}

extension Simulation {
    // MARK: Messages

    /// - Parameter inBulk: on a connection of its own, so in order only with others like it.
    func send(
        _ message: PeerMessage,
        from sender: SimulatedNode,
        to target: NodeID,
        inBulk: Bool = false
    ) {
        let to = Int(target.rawValue) - 1
        counts.messages += 1
        var bytes = ByteBuffer()
        PeerMessageCodec.write(message, into: &bytes)
        switch options.transport {
        case .connections:
            guard let connection = network.connection(of: sender.index, to: to) else {
                counts.messagesLost += 1
                return
            }
            sendInOrder(
                Envelope(from: sender.index, to: to, connection: connection, bytes: bytes),
                lane: inBulk ? 1 : 0
            )
        case .datagrams:
            let envelope = Envelope(from: sender.index, to: to, connection: 0, bytes: bytes)
            sendLoosely(envelope, mayRepeat: message.mayRepeat)
        }
    }

    private func sendInOrder(_ envelope: Envelope, lane: Int) {
        let end = Network.end(of: envelope.from, to: envelope.to) + 2 * lane
        let soonest = network[envelope.from, envelope.to].lastArrivals[end]
        let arrival = max(
            now + messageDelay(envelope),
            soonest + Interval(nanoseconds: 1)
        )
        network[envelope.from, envelope.to].lastArrivals[end] = arrival
        messagesUnderWay += 1
        queue.schedule(.message(envelope), at: arrival)
    }

    private func sendLoosely(_ envelope: Envelope, mayRepeat: Bool) {
        let isLossy = faultsAreOn
        if isLossy, networkDice.chance(options.lossPerThousand, in: 1_000) {
            counts.messagesLost += 1
            return
        }
        messagesUnderWay += 1
        schedule(.message(envelope), after: messageDelay(envelope))
        if isLossy, mayRepeat, networkDice.chance(options.repeatsPerThousand, in: 1_000) {
            let late = Interval(nanoseconds: options.messageDelay.nanoseconds * 20)
            messagesUnderWay += 1
            schedule(.message(envelope), after: delay(late, &networkDice))
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
        messagesUnderWay -= 1
        let isBlocked = network.isBlocked(from: envelope.from, to: envelope.to)
        if options.transport == .connections {
            let connection = network.connection(of: envelope.to, to: envelope.from)
            guard connection == envelope.connection else {
                counts.messagesLost += 1
                return
            }
            let end = Network.end(of: envelope.from, to: envelope.to)
            if isBlocked || !network[envelope.from, envelope.to].stalled[end].isEmpty {
                network[envelope.from, envelope.to].stalled[end].append(envelope)
                return
            }
        } else if isBlocked {
            counts.messagesLost += 1
            return
        }
        deliver(envelope)
    }

    private func deliver(_ envelope: Envelope) {
        let target = nodes[envelope.to]
        guard target.process != nil else { return }
        do throws(WireDecodeError) {
            let message = try PeerMessageCodec.read(envelope.bytes)
            step(target, .message(from: nodes[envelope.from].id, message))
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
        case .suspected(let node, let other, let connection):
            guard network.isCut(node, other) || nodes[other].pausedSince != nil else { return }
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
        // An end that still believes in an older connection hears of its end first.
        for (node, other) in [(a, b), (b, a)] {
            if let old = network.connection(of: node, to: other) { close(node, other, old) }
        }
        let connection = network.newConnection()
        let (node, other) = networkDice.chance(1, in: 2) ? (a, b) : (b, a)
        network[a, b].stalled = [[], []]
        let openTime = now + delay(options.messageDelay, &networkDice)
        network[a, b].lastArrivals = [openTime, openTime, openTime, openTime]
        open(node, other, connection)
        queue.schedule(
            .link(.opened(node: other, other: node, connection: connection)),
            at: openTime
        )
    }

    private func open(_ node: Int, _ other: Int, _ connection: Int) {
        network.setConnection(connection, of: node, to: other)
        step(nodes[node], .peerUp(nodes[other].id))
        if network.isCut(node, other) { suspect(node, other) }
    }

    /// One end gives the connection up; the other hears of it if it can.
    func close(_ node: Int, _ other: Int, _ connection: Int) {
        guard network.connection(of: node, to: other) == connection else { return }
        network.setConnection(nil, of: node, to: other)
        let end = Network.end(of: other, to: node)
        network[node, other].stalled[end] = []
        if nodes[node].process != nil { step(nodes[node], .peerDown(nodes[other].id)) }
        tellClosed(other, node, isSudden: false)
        dialSoon(node, other)
    }

    /// Lets a node hear that the other end of its connection is gone.
    ///
    /// - Parameter isSudden: the other machine died and says nothing.
    func tellClosed(_ node: Int, _ other: Int, isSudden: Bool) {
        guard let connection = network.connection(of: node, to: other) else { return }
        let isSilent = isSudden || network.isBlocked(from: other, to: node)
        let delay =
            isSilent
            ? networkDice.interval(200...2_000) : self.delay(options.messageDelay, &networkDice)
        // In order after what the other end has sent.
        let end = Network.end(of: other, to: node)
        let soonest = network[node, other].lastArrivals[end] + Interval(nanoseconds: 1)
        let time = max(now + delay, soonest)
        queue.schedule(
            .link(.closed(node: node, other: other, connection: connection)),
            at: time
        )
    }

    /// A node hears nothing from another any more, and notices after a while.
    func suspect(_ node: Int, _ other: Int) {
        guard let connection = network.connection(of: node, to: other) else { return }
        schedule(
            .link(.suspected(node: node, other: other, connection: connection)),
            after: networkDice.interval(200...2_500)
        )
    }

    func block(from: Int, to: Int) {
        network.block(from: from, to: to)
        suspect(from, to)
        suspect(to, from)
    }

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
