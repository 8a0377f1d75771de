package import HengeBase
import HengeCausality
package import HengeMessages
package import HengeRing

/// How a request went, as `HENGE.EXPLAIN` shows it, with the field names of
/// `henge explain --json`.
package struct ExplanationReply {
    /// What the nodes are called, and how they are.
    package struct World {
        package var ring: Ring
        package var wall: WallTime
        /// `up`, `suspect` or `down`.
        package var state: (NodeID) -> String

        package init(ring: Ring, wall: WallTime, state: @escaping (NodeID) -> String) {
            self.ring = ring
            self.wall = wall
            self.state = state
        }
    }

    /// In upper case.
    let command: String
    let request: ClientRequest
    let response: ClientResponse
    /// Nil when the node was explaining too many others.
    let explanation: Explanation?
    let world: World

    package init(
        command: String,
        request: ClientRequest,
        response: ClientResponse,
        explanation: Explanation?,
        world: World
    ) {
        self.command = command
        self.request = request
        self.response = response
        self.explanation = explanation
        self.world = world
    }

    /// - Parameters:
    ///   - stepsMax: how many steps to show.
    ///   - withKey: whether to say what the key is, which may be long.
    package func tree(stepsMax: Int = .max, withKey: Bool = true) -> ReplyTree {
        let partition = world.ring.partition(of: request.key.token)
        let moments = explanation.map { ExplanationTimeline($0).moments } ?? []
        let isCut = explanation.map { $0.legs.contains(where: \.isCut) } ?? true
        var fields: [ReplyTree.Field] = [.init(name: "command", value: .text(command))]
        if withKey {
            fields.append(.init(name: "bucket", value: .bytes(request.key.bucket)))
            fields.append(.init(name: "key", value: .bytes(request.key.key)))
        }
        let rest: KeyValuePairs<String, ReplyTree> = [
            "token": .text(hexadecimal(request.key.token.rawValue)),
            "slot": .integer(request.key.token.slot),
            "partition": .integer(partition),
            "epoch": .integer(Int64(clamping: world.ring.document.epoch)),
            "node": name(explanation?.legs.first?.node),
            "coordinator": name(coordinator?.node),
            "level": .text(
                (request.isWrite ? request.levels.write : request.levels.read).description),
            "sloppy": .boolean(request.isSloppy),
            "required": required,
            "reached": reached,
            "preference_list": .array(preferenceList(partition)),
            "ok": .boolean(isSuccess),
            "outcome": .text(outcome),
            "answer": answer,
            "after_us": microseconds(explanation?.legs.first?.replied?.after),
            "steps": .array(moments.prefix(stepsMax).map(step)),
            "cut": .boolean(isCut || moments.count > stepsMax),
        ]
        return .map(fields + rest.map(ReplyTree.Field.init(name:value:)))
    }

    /// How many steps ``tree(stepsMax:withKey:)`` shows at most.
    var stepCount: Int { explanation?.legs.reduce(0) { $0 + $1.steps.count } ?? 0 }

    private func name(_ id: NodeID?) -> ReplyTree {
        id.map { .text(world.ring.member($0)?.name ?? $0.description) } ?? .null
    }

    private func microseconds(_ interval: Interval?) -> ReplyTree {
        interval.map { .integer(Int64(clamping: $0.microseconds)) } ?? .null
    }

    // MARK: Levels

    /// The leg of the node that has coordinated the request: of several, the last that has told.
    private var coordinator: Explanation.Leg? {
        explanation?.legs.last { leg in
            leg.steps.contains { if case .coordinates = $0.event { true } else { false } }
        }
    }

    private var required: ReplyTree {
        var levels: (reads: UInt8, writes: UInt8) = (0, 0)
        for step in coordinator?.steps ?? [] {
            if case .coordinates(let reads, let writes) = step.event { levels = (reads, writes) }
        }
        return .map([
            "read": levels.reads > 0 ? .integer(Int(levels.reads)) : .null,
            "write": levels.writes > 0 ? .integer(Int(levels.writes)) : .null,
        ])
    }

    /// How many replicas had told their version, or stored the write, when the answer was given.
    private var reached: ReplyTree {
        var (told, stored) = (Set<NodeID>(), Set<NodeID>())
        steps: for step in coordinator?.steps ?? [] {
            switch step.event {
            case .answers(let node, .object), .answers(let node, .digest),
                .answers(let node, .absent), .repaired(let node, .durable):
                told.insert(node)
            case .stores(let node, .durable): stored.insert(node)
            case .replies: break steps
            default: break
            }
        }
        return .map(["read": .integer(told.count), "write": .integer(stored.count)])
    }

    // MARK: Replicas

    private func preferenceList(_ partition: Int) -> [ReplyTree] {
        let roles = world.ring.roles(partition: partition)
        var list: [ReplyTree] = []
        for slot in 0..<roles.homes.count {
            let isNext = roles.next?.contains(slot) ?? false
            let role =
                roles.next == nil
                ? "replica" : !roles.current.contains(slot) ? "next" : isNext ? "both" : "current"
            list.append(replica(roles.homes[slot], role, standsInFor: nil))
        }
        for step in coordinator?.steps ?? [] {
            guard case .standsIn(let node, let home) = step.event else { continue }
            list.append(replica(node, "stand-in", standsInFor: home))
        }
        return list
    }

    private func replica(_ id: NodeID, _ role: String, standsInFor home: NodeID?) -> ReplyTree {
        .map([
            "node": name(id),
            "zone": .text(world.ring.member(id)?.zone ?? ""),
            "state": .text(world.state(id)),
            "role": .text(role),
            "for": name(home),
        ])
    }

    // MARK: The answer

    private var isSuccess: Bool {
        if case .failed = response { return false }
        return true
    }

    private var outcome: String {
        switch response {
        case .object(let object): (object?.isLive(at: world.wall) ?? false) ? "found" : "absent"
        case .written: "written"
        case .notApplied: "not applied"
        case .inspected: "inspected"
        case .failed(let failure): request.isWrite ? failure.message : failure.readMessage
        }
    }

    private var answer: ReplyTree {
        guard case .object(let object?) = response else { return .null }
        return .map(ExplanationSteps.fields(Explanation.Version(object)))
    }

    private func step(_ moment: ExplanationTimeline.Moment) -> ReplyTree {
        let steps = ExplanationSteps(name: name)
        let (event, peer, more) = steps.describe(moment.event)
        var fields: [ReplyTree.Field] = [
            .init(name: "node", value: name(moment.node)),
            .init(name: "after_us", value: microseconds(moment.after)),
            .init(name: "event", value: .text(event)),
        ]
        if let peer { fields.append(.init(name: "peer", value: name(peer))) }
        return .map(fields + more)
    }
}
