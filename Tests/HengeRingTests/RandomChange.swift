import HengeBase
import HengeRing

/// Changes of a ring as a random operator would make them.
struct RandomChange {
    let document: RingDocument
    let members: [Member]

    /// Adds, removes and reweighs some nodes.
    init(_ generator: inout SeededGenerator, from document: RingDocument) {
        self.document = document
        var members = document.members.filter { _ in generator.chance(4, in: 5) }
        for index in members.indices where generator.chance(1, in: 5) {
            let old = members[index]
            members[index] = Member(
                id: old.id,
                name: old.name,
                peerAddress: old.peerAddress,
                zone: generator.chance(1, in: 2) ? old.zone : "z\(generator.below(3))",
                weight: 1 + generator.below(3)
            )
        }
        let first = document.highestID.rawValue
        let joining = members.isEmpty ? 1 + generator.below(3) : generator.below(3)
        for id in (0..<UInt16(joining)).map({ first + 1 + $0 }) {
            members.append(Member(id: NodeID(id), name: "j\(id)", peerAddress: "j:\(id)"))
        }
        self.members = members
    }

    /// The document that begins it; owners are placed anew, or at random.
    func begin(_ generator: inout SeededGenerator) throws -> RingDocument {
        let random = document.owners.map { owner in
            let stays = members.contains { $0.id == owner } && generator.chance(2, in: 3)
            return stays ? owner : members[generator.below(members.count)].id
        }
        let placed = Placement.initial(
            members: members,
            partitions: document.owners.count,
            replicas: document.replicas
        )
        let owners = generator.chance(1, in: 2) ? random : placed.owners
        let leaving = document.members.map(\.id).filter { id in
            !members.contains { $0.id == id } && generator.chance(1, in: 2)
        }
        return try document.beginning(members: members, owners: owners, abandoning: leaving)
    }

    /// Some partitions a step on; nil when all have arrived.
    static func advance(
        _ generator: inout SeededGenerator,
        _ document: RingDocument
    ) throws -> RingDocument? {
        guard let transition = document.transition else { return nil }
        guard let step = transition.steps.first(where: { $0 != .next }) else { return nil }
        guard let following = step.following else { return nil }
        let ready = transition.steps.indices.filter { transition.steps[$0] == step }
        let some = ready.filter { _ in generator.chance(1, in: 2) }
        return try document.advancing(some.isEmpty ? ready : some, to: following)
    }
}
