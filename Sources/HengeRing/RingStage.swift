package import HengeBase

/// The changes of the ring that an operator has asked for and not committed yet, in order.
///
/// They are judged against the ring as it is when they are asked about, so another operator's
/// commit may make what was fine a fault.
package struct RingStage: Hashable, Sendable {
    package private(set) var operations: [RingOperation] = []

    package init(_ operations: [RingOperation] = []) {
        self.operations = operations
    }

    package var isEmpty: Bool { operations.isEmpty }

    /// Stages one more; when it is refused the stage stays as it was.
    ///
    /// - Parameter isUp: whether a member is.
    package mutating func append(
        _ operation: RingOperation,
        to document: RingDocument,
        candidates: [RingCandidate],
        isUp: (NodeID) -> Bool
    ) throws(RingStageFault) {
        let longer = RingStage(operations + [operation])
        _ = try longer.target(of: document, candidates: candidates, isUp: isUp)
        self = longer
    }

    /// The members after all of it; new ones get ids above every one that was ever given, in the
    /// order of the operations.
    package func target(
        of document: RingDocument,
        candidates: [RingCandidate],
        isUp: (NodeID) -> Bool
    ) throws(RingStageFault) -> RingTarget {
        guard document.transition == nil else { throw .transitionRuns }
        // A change gives away what is still in the names of those that are lost, asked or not.
        var target = RingTarget(members: document.membersAndLost)
        var highest = document.highestID
        for (index, operation) in operations.enumerated() {
            try checkAgreement(operation, with: operations[..<index])
            switch operation {
            case .add(let name, let weight, let zone):
                let candidate = try candidate(name, candidates, document)
                let member = try member(
                    candidate,
                    id: Self.nextID(&highest),
                    weight: weight ?? candidate.weight,
                    zone: zone ?? candidate.zone
                )
                target.members.append(member)
            case .replace(let old, let new):
                let leaver = try target.member(named: old)
                let candidate = try candidate(new, candidates, document)
                let member = try member(
                    candidate,
                    id: Self.nextID(&highest),
                    weight: leaver.weight,
                    zone: candidate.zone
                )
                target.members.removeAll { $0.id == leaver.id }
                target.members.append(member)
                target.heirs[leaver.id] = member.id
            case .remove(let name):
                try target.drop(name)
            case .forceRemove(let name):
                let leaver = try target.member(named: name)
                guard !isUp(leaver.id) else { throw .isUp(name) }
                try target.drop(name)
                target.forced.append(leaver.id)
            case .weight(let name, let weight):
                try target.change(name, weight: weight)
            case .zone(let name, let zone):
                try target.change(name, zone: zone)
            }
        }
        let lost = Set(document.lost.map(\.id))
        target.members.removeAll { lost.contains($0.id) }
        guard target.members.count <= Member.countMax else {
            throw .tooMany(target.members.count)
        }
        target.members.sort { $0.id < $1.id }
        return target
    }

    private func checkAgreement(
        _ operation: RingOperation,
        with earlier: ArraySlice<RingOperation>
    ) throws(RingStageFault) {
        if earlier.contains(operation) { throw .repeated(operation) }
        if let other = earlier.first(where: { !operation.agrees(with: $0) }) {
            throw .contradiction(operation, earlier: other)
        }
    }

    /// Names and addresses of those who leave stay taken until the change is through.
    private func candidate(
        _ name: String,
        _ candidates: [RingCandidate],
        _ document: RingDocument
    ) throws(RingStageFault) -> RingCandidate {
        let members = document.membersAndLost
        if members.contains(where: { $0.name == name }) { throw .alreadyMember(name) }
        guard let candidate = candidates.first(where: { $0.name == name }) else {
            throw .noCandidate(name)
        }
        let address = candidate.peerAddress
        if let member = members.first(where: { $0.peerAddress == address }) {
            throw .addressTaken(address, candidate: name, by: member.name)
        }
        return candidate
    }

    private func member(
        _ candidate: RingCandidate,
        id: NodeID,
        weight: Int,
        zone: String
    ) throws(RingStageFault) -> Member {
        try RingTarget.check(candidate.name, weight: weight, zone: zone)
        return Member(
            id: id,
            name: candidate.name,
            peerAddress: candidate.peerAddress,
            zone: zone,
            weight: weight
        )
    }

    private static func nextID(_ highest: inout NodeID) throws(RingStageFault) -> NodeID {
        guard highest.rawValue < .max else { throw .idsExhausted }
        highest = NodeID(highest.rawValue + 1)
        return highest
    }
}

/// Who is to be in the ring, and why.
package struct RingTarget: Hashable, Sendable {
    /// Sorted by id.
    package var members: [Member]
    /// Who takes exactly the place of whom.
    package var heirs: [NodeID: NodeID] = [:]
    /// Those who leave without giving anything away.
    package var forced: [NodeID] = []

    init(members: [Member]) {
        self.members = members
    }

    func member(named name: String) throws(RingStageFault) -> Member {
        guard let member = members.first(where: { $0.name == name }) else {
            throw .unknownNode(name)
        }
        return member
    }

    mutating func drop(_ name: String) throws(RingStageFault) {
        let leaver = try member(named: name)
        guard members.count > 1 else { throw .lastNode(name) }
        members.removeAll { $0.id == leaver.id }
    }

    mutating func change(
        _ name: String,
        weight: Int? = nil,
        zone: String? = nil
    ) throws(RingStageFault) {
        let before = try member(named: name)
        let weight = weight ?? before.weight
        let zone = zone ?? before.zone
        try Self.check(name, weight: weight, zone: zone)
        for index in members.indices where members[index].id == before.id {
            members[index] = Member(
                id: before.id,
                name: name,
                peerAddress: before.peerAddress,
                zone: zone,
                weight: weight
            )
        }
    }

    static func check(_ name: String, weight: Int, zone: String) throws(RingStageFault) {
        guard Member.weights.contains(weight) else { throw .weight(weight, node: name) }
        guard zone.isEmpty || Member.isName(zone) else { throw .zone(zone, node: name) }
    }
}
