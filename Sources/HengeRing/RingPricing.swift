import HengeBase

/// Works out what a change costs, node by node.
struct RingPricing {
    /// A node's free space must exceed what it gets by as much, for what the storage adds to it.
    static let diskMargin = 1.1

    private(set) var nodes: [RingPlan.Node] = []
    private(set) var violations: [RingPlan.Violation] = []
    private(set) var refusals: [RingRefusal] = []

    private let document: RingDocument
    private let target: RingTarget
    private let change: PlacementChange
    private let facts: RingFacts
    private let before: PreferenceLists
    private let after: PreferenceLists
    private let indexes: MemberIndexes
    /// By node.
    private let isUp: [Bool]

    init(
        _ document: RingDocument,
        _ target: RingTarget,
        _ change: PlacementChange,
        _ facts: RingFacts,
        isUp: (NodeID) -> Bool
    ) {
        self.document = document
        self.target = target
        self.change = change
        self.facts = facts
        before = document.lists
        after = PreferenceLists(
            members: target.members,
            owners: change.owners,
            replicas: document.replicas
        )
        let present = document.membersAndLost
        let (old, new) = (MemberIndexes(present), MemberIndexes(target.members))
        let leavers = present.filter { new[$0.id] == nil }
        let all = (target.members + leavers).sorted { $0.id < $1.id }
        indexes = MemberIndexes(all)
        self.isUp = all.map { old[$0.id] == nil || isUp($0.id) }
        nodes = all.map { member in
            let role: RingPlan.Node.Role =
                old[member.id] == nil ? .joins : new[member.id] == nil ? .leaves : .stays
            return RingPlan.Node(
                id: member.id,
                name: member.name,
                role: role,
                zone: member.zone,
                weight: member.weight,
                facts: facts.nodes[member.name]
            )
        }
    }

    mutating func run() {
        hold(document.owners, before, \.before)
        hold(change.owners, after, \.after)
        let partitionsWithoutSources = transfer()
        judgeNodes()
        judgeZones()
        refuse(partitionsWithoutSources)
    }

    private func index(_ id: NodeID) -> Int {
        guard let index = indexes[id] else { preconditionFailure("\(id) is in neither ring") }
        return index
    }

    private mutating func hold(
        _ owners: [NodeID],
        _ lists: PreferenceLists,
        _ side: WritableKeyPath<RingPlan.Node, RingPlan.Holding>
    ) {
        for owner in owners { nodes[index(owner)][keyPath: side].vnodes += 1 }
        for (partition, held) in facts.partitions.enumerated() {
            for slot in 0..<lists.count(partition) {
                let node = index(NodeID(lists.ids[partition][slot]))
                nodes[node][keyPath: side].replicas += 1
                nodes[node][keyPath: side].keys += held.keys
                nodes[node][keyPath: side].bytes += held.bytes
            }
        }
        for node in nodes.indices {
            let vnodes = nodes[node][keyPath: side].vnodes
            nodes[node][keyPath: side].share = Double(vnodes) / Double(owners.count)
        }
    }

    /// A new replica gets the data from the one that it replaces; if that is down, from a read
    /// quorum of the others, each of which sends all.
    ///
    /// - Returns: how many partitions have too few.
    private mutating func transfer() -> Int {
        var gained = [Int](repeating: 0, count: nodes.count)
        var largest = gained
        var short = -1
        var shortCount = 0
        for move in change.replicaMoves {
            let bytes = facts.partitions[move.partition].bytes
            let sources = sources(of: move)
            if sources.isEmpty, short != move.partition {
                short = move.partition
                shortCount += 1
            }
            let to = index(move.to)
            for source in sources { nodes[source].bytesOut += bytes }
            nodes[to].bytesIn += bytes * sources.count
            gained[to] += bytes
            largest[to] = max(largest[to], bytes)
        }
        for node in nodes.indices where gained[node] > 0 {
            // While a partition is taken over, what came first may lie there twice until the
            // storage has merged it.
            let needed = Double(gained[node]) * Self.diskMargin
            nodes[node].diskNeeded = Int(needed.rounded(.up)) + largest[node]
        }
        return shortCount
    }

    private func sources(of move: PlacementChange.ReplicaMove) -> [Int] {
        if let from = move.from, isUp[index(from)] { return [index(from)] }
        let count = before.count(move.partition)
        let quorum = min(count, before.replicas / 2 + 1)
        let replicas = (0..<count).map { index(NodeID(before.ids[move.partition][$0])) }
        let alive = replicas.filter { isUp[$0] }
        return alive.count < quorum ? [] : Array(alive.prefix(quorum))
    }

    private mutating func judgeNodes() {
        guard after.replicas < document.replicas else { return }
        violations.append(
            RingPlan.Violation(
                kind: .node,
                partitionsBefore: before.replicas < document.replicas ? document.owners.count : 0,
                partitions: document.owners.count,
                fewest: after.replicas,
                possible: min(document.replicas, target.members.count)
            )
        )
    }

    private mutating func judgeZones() {
        let (was, will) = (
            sharedZones(before, document.members), sharedZones(after, target.members)
        )
        guard will.partitions > 0 else { return }
        violations.append(
            RingPlan.Violation(
                kind: .zone,
                partitionsBefore: was.partitions,
                partitions: will.partitions,
                fewest: will.fewest,
                possible: min(document.replicas, ZoneNumbers(target.members).count)
            )
        )
    }

    private func sharedZones(
        _ lists: PreferenceLists,
        _ members: [Member]
    ) -> (partitions: Int, fewest: Int) {
        let zones = ZoneNumbers(members).ofMember
        let indexes = MemberIndexes(members)
        var partitions = 0
        var fewest = lists.replicas
        for list in lists.ids {
            var met: [Int] = []
            for slot in 0..<lists.replicas {
                guard let member = indexes[NodeID(list[slot])] else { continue }
                if !met.contains(zones[member]) { met.append(zones[member]) }
            }
            if met.count < lists.replicas { partitions += 1 }
            fewest = min(fewest, met.count)
        }
        return (partitions, fewest)
    }

    private mutating func refuse(_ partitionsWithoutSources: Int) {
        let count = target.members.count
        if count < document.replicas, count < document.membersAndLost.count {
            refusals.append(.fewerNodes(count, replicas: document.replicas))
            let before = min(document.replicas, document.members.count)
            if count < before - 1 { refusals.append(.replicasLost(from: before, to: count)) }
        }
        let lost = Set(document.lost.map(\.id))
        for node in nodes {
            guard let facts = node.facts else {
                if lost.contains(node.id) { continue }
                let isGiven = target.forced.contains(node.id) || target.heirs[node.id] != nil
                if !isGiven { refusals.append(.noAnswer(node.name)) }
                continue
            }
            if node.diskNeeded > facts.diskFree {
                refusals.append(
                    .diskFull(node.name, needed: node.diskNeeded, free: facts.diskFree)
                )
            }
        }
        if partitionsWithoutSources > 0 {
            refusals.append(.sourcesMissing(partitions: partitionsWithoutSources))
        }
    }
}
