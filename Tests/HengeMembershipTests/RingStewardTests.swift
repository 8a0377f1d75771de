import HengeBase
import HengeMembership
import HengeRing
import Testing

/// Members of a ring that changes, as the steward of one of them sees them.
private struct World {
    var ring: Ring
    var isUp: [NodeID: Bool] = [:]
    var epochs: [NodeID: UInt64] = [:]
    var ready: [NodeID: [UInt16]] = [:]
    var drained: Set<NodeID> = []
    var unreached: [NodeID: [NodeID]] = [:]

    init(_ document: RingDocument) {
        ring = Ring(document)
        for member in ring.allMembers { isUp[member.id] = true }
    }

    var ids: [NodeID] { ring.allMembers.map(\.id) }

    var view: RingView {
        RingView(
            ring: ring,
            members: MemberIndex(ids),
            isUp: ids.map { isUp[$0] ?? false },
            epochs: ids.map { epochs[$0] ?? 0 },
            ready: ids.map { ready[$0] ?? [] },
            drained: ids.map { drained.contains($0) },
            unreached: ids.map { unreached[$0] ?? [] }
        )
    }

    /// The node adopts the ring, takes over what it joins, and has nothing to give away at the end.
    mutating func catchUp(_ id: NodeID) {
        drained.remove(id)
        if ring.isMoved, ring.leaving.contains(id) { drained.insert(id) }
        epochs[id] = ring.document.epoch
        let joined = (0..<ring.partitions).filter { ring.joining(partition: $0).contains(id) }
        ready[id] = joined.map { UInt16($0) }
    }

    func isAdopted(by nodes: PreferenceList, _ epoch: UInt64) -> Bool {
        var count = 0
        nodes.forEach { if epochs[$0] ?? 0 >= epoch { count += 1 } }
        return count * 2 > nodes.count
    }
}

private func member(_ id: UInt16) -> Member {
    Member(id: NodeID(id), name: "n\(id)", peerAddress: "n:\(id)")
}

private func first(_ nodes: UInt16, partitions: Int = 64) -> RingDocument {
    RingDocument(
        clusterID: 1,
        epoch: 1,
        replicas: 3,
        members: (1...nodes).map(member),
        owners: (0..<partitions).map { NodeID(UInt16($0) % nodes + 1) }
    )
}

/// A change of so many nodes: some leave, some come.
private func change(
    of document: RingDocument,
    adding: ClosedRange<UInt16>?,
    removing: Set<UInt16>
) throws -> RingDocument {
    let staying = document.members.filter { !removing.contains($0.id.rawValue) }
    let members = staying + (adding?.map(member) ?? [])
    let target = Placement.change(
        owners: document.owners,
        from: document.members,
        to: members,
        replicas: document.replicas
    )
    return try document.beginning(members: members, owners: target.owners)
}

@Suite struct RingStewardTests {
    @Test("a story: all is moved in as few epochs as there are steps and waves")
    func story() throws {
        var world = World(try change(of: first(4), adding: 5...5, removing: []))
        let joining = (0..<64).count { world.ring.joining(partition: $0) == [NodeID(5)] }
        // Twice as many from the third one on.
        let most = RingView.waveMin
        let waves = joining <= most ? 1 : joining <= 2 * most ? 2 : 3
        #expect(waves > 1)
        var steward = RingSteward(own: NodeID(1))
        var now = Instant(nanoseconds: 0)
        var epochs: [UInt64] = []
        while world.ring.document.transition != nil, epochs.count < 20 {
            for id in world.ids { world.catchUp(id) }
            now = now + .seconds(1)
            guard let next = steward.step(world.view, now: now) else { break }
            #expect(next.successorFault(of: world.ring.document) == nil)
            world.ring = Ring(next)
            epochs.append(next.epoch)
        }
        // Write both for each wave, read next, next, the end.
        #expect(epochs == (3..<UInt64(6 + waves)).map { $0 })
        #expect(world.ring.document.members.count == 5)
        #expect(steward.step(world.view, now: now + .seconds(9)) == nil)
    }

    @Test("the lowest voter that is up proposes, the next ones when it does not, once a second")
    func turns() throws {
        var world = World(try change(of: first(4), adding: 5...5, removing: []))
        var stewards = (1...5).map { RingSteward(own: NodeID($0)) }
        for id in world.ids { world.catchUp(id) }
        world.isUp[NodeID(1)] = false
        func proposers(_ seconds: UInt64, _ stewards: inout [RingSteward]) -> [Int] {
            let now = Instant(nanoseconds: 0) + .seconds(100 + seconds)
            return stewards.indices.filter { stewards[$0].step(world.view, now: now) != nil }
        }
        // The first thinks of itself that it is up, whatever others think; the fifth has no vote.
        #expect(proposers(0, &stewards) == [0, 1])
        #expect(proposers(0, &stewards) == [])
        #expect(proposers(4, &stewards) == [0, 1])
        #expect(proposers(5, &stewards) == [0, 1, 2])
        #expect(proposers(10, &stewards) == [0, 1, 2, 3])
        // Another epoch begins the waits anew.
        world.ring = Ring(try #require(world.view.following()))
        for id in world.ids { world.catchUp(id) }
        #expect(proposers(12, &stewards) == [0, 1])
    }

    @Test("a node takes over some partitions at a time, and none is held up by others' losses")
    func waves() throws {
        var world = World(try change(of: first(3, partitions: 128), adding: 4...5, removing: []))
        for id in world.ids { world.catchUp(id) }
        let both = [NodeID(4), NodeID(5)]
        func left(_ node: NodeID) -> Int {
            (0..<128).count { partition in
                world.ring.step(of: partition) == .writeBoth
                    && world.ring.joining(partition: partition).contains(node)
                    && !(world.ready[node] ?? []).contains(UInt16(partition))
            }
        }
        let most = RingView.waveMin
        world.ready = [:]
        world.ring = Ring(try #require(world.view.following()))
        #expect(both.map(left) == [most, most])
        for id in world.ids {
            world.catchUp(id)
            world.ready = [:]
        }
        #expect(world.view.following() == nil, "nothing has come yet")
        // The fifth gets what it is to have, the fourth does not.
        for _ in 0..<30 {
            for id in world.ids { world.catchUp(id) }
            world.ready[NodeID(4)] = []
            guard let next = world.view.following() else { break }
            world.ring = Ring(next)
            #expect(left(NodeID(4)) <= most)
        }
        let waiting = (0..<128).filter { world.ring.step(of: $0) != .next }
        let theirs = waiting.filter { !world.ring.joining(partition: $0).contains(NodeID(4)) }
        #expect(theirs == [] && waiting.count >= most)
    }

    @Test("writes count among nodes that were added together once a majority of them is there")
    func addedTogether() throws {
        var world = World(try change(of: first(3), adding: 4...5, removing: []))
        for id in world.ids where id.rawValue <= 3 { world.catchUp(id) }
        func following() -> RingDocument? { world.view.following(wave: 64) }
        func waiting() -> [Int] {
            let ring = world.ring
            return (0..<ring.partitions).filter { ring.step(of: $0) == .current }
        }
        func hasBoth(_ partition: Int) -> Bool {
            world.ring.joining(partition: partition).map(\.rawValue).sorted() == [4, 5]
        }
        for id in [NodeID(4), NodeID(5)] { world.isUp[id] = false }
        world.ring = Ring(try #require(following()))
        #expect(!waiting().isEmpty && waiting().allSatisfy(hasBoth), "others wait too")
        for id in world.ids where id.rawValue <= 3 { world.catchUp(id) }
        let absence = ReplicaAbsence(partitions: waiting().count, nodes: [4, 5].map { NodeID($0) })
        #expect(world.view.absence == absence)

        // They are connected, and have not heard yet that they are members.
        for id in [NodeID(4), NodeID(5)] { world.isUp[id] = true }
        let still = waiting()
        let steps = following()?.transition?.steps
        #expect(steps == nil || still.allSatisfy { steps?[$0] == .current })
        #expect(world.view.absence == absence)
        world.catchUp(NodeID(4))
        world.unreached[NodeID(2)] = [NodeID(4)]
        #expect(world.view.absence == absence, "n2 would find one of three")
        world.unreached[NodeID(2)] = [NodeID(5)]
        #expect(world.view.absence == ReplicaAbsence())
        world.epochs[NodeID(3)] = world.ring.document.epoch - 1
        #expect(world.view.absence.nodes == [3, 4, 5].map { NodeID($0) }, "n3 has yet to dial")
        world.catchUp(NodeID(3))
        let next = try #require(following()?.transition)
        #expect(still.allSatisfy { next.steps[$0] == .writeBoth })
    }

    @Test("new nodes that are gone before they know that writes count there are not waited for")
    func goneTogether() throws {
        var world = World(try change(of: first(3), adding: 4...5, removing: []))
        for id in world.ids { world.catchUp(id) }
        world.ring = Ring(try #require(world.view.following()))
        #expect((0..<64).contains { world.ring.step(of: $0) == .writeBoth })
        for id in [NodeID(4), NodeID(5)] { world.isUp[id] = false }
        for id in world.ids where id.rawValue <= 3 { world.catchUp(id) }
        #expect(world.view.following() == nil)
        world.ring = Ring(try world.ring.document.aborting())
        for _ in 0..<10 where world.ring.document.transition != nil {
            for id in world.ids where id.rawValue <= 3 { world.catchUp(id) }
            world.ring = Ring(try #require(world.view.following(), "it waits for the dead"))
        }
        #expect(world.ring.document.transition == nil && world.ring.document.members.count == 3)
    }

    @Test("one dead node that nothing needs doesn't stop a change; a dead new replica does")
    func oneDown() throws {
        for dead in UInt16(1)...6 {
            var world = World(try change(of: first(5), adding: 6...6, removing: []))
            world.isUp[NodeID(dead)] = false
            for _ in 0..<10 {
                for id in world.ids where id.rawValue != dead { world.catchUp(id) }
                guard let next = world.view.following(wave: 64) else { break }
                world.ring = Ring(next)
            }
            guard dead != 6 else {
                let steps = try #require(world.ring.document.transition?.steps)
                for (partition, step) in steps.enumerated() {
                    let joins = world.ring.joining(partition: partition).contains(NodeID(6))
                    #expect(!joins || step == .writeBoth)
                }
                // The way back needs nothing of it.
                world.ring = Ring(try world.ring.document.aborting())
                for _ in 0..<10 {
                    for id in world.ids where id.rawValue != dead { world.catchUp(id) }
                    guard let next = world.view.following() else { break }
                    world.ring = Ring(next)
                }
                #expect(world.ring.document.members.count == 5)
                #expect(world.ring.document.transition == nil)
                continue
            }
            // One that is a new replica of some partition itself keeps those waiting.
            let steps = world.ring.document.transition?.steps ?? []
            for (partition, step) in steps.enumerated() where step != .next {
                let joining = world.ring.joining(partition: partition)
                #expect(joining.contains(NodeID(dead)), "\(partition) waits for nothing")
            }
        }
    }

    /// A change that n4 leaves by, at its last step and adopted by all that are up.
    private func leaving(abandoning: [NodeID] = [], isUp: Bool = true) throws -> World {
        let before = first(5)
        let target = try change(of: before, adding: nil, removing: [4]).transition
        let begun = try before.beginning(
            members: try #require(target).members,
            owners: try #require(target).owners,
            abandoning: abandoning
        )
        var world = World(begun)
        world.isUp[NodeID(4)] = isUp
        while !world.ring.isMoved {
            for id in world.ids where world.isUp[id] == true { world.catchUp(id) }
            world.ring = Ring(try #require(world.view.following()))
        }
        for id in world.ids where world.isUp[id] == true { world.catchUp(id) }
        return world
    }

    @Test("the end waits until a node that leaves holds nothing for others, by the present ring")
    func drained() throws {
        var world = try leaving()
        let said = world.drained
        #expect(world.ring.leaving == [NodeID(4)] && said == [NodeID(4)])
        world.drained = []
        #expect(world.view.following() == nil)
        // What it said by the ring before is no word.
        world.drained = said
        world.epochs[NodeID(4)] = world.ring.document.epoch - 1
        world.isUp[NodeID(4)] = false
        #expect(world.view.following() == nil)
        world.epochs[NodeID(4)] = world.ring.document.epoch
        #expect(world.view.following()?.transition == nil && world.view.following() != nil)
    }

    @Test("one that is down is waited for for ten minutes that this node has seen, unless given up")
    func absent() throws {
        var world = try leaving(isUp: false)
        var steward = RingSteward(own: NodeID(1))
        var now = Instant(nanoseconds: 0)
        func pass(_ seconds: Int, _ world: World, _ now: inout Instant) -> Bool {
            var hasProposed = false
            for _ in 0..<seconds {
                now = now + .seconds(1)
                if steward.step(world.view, now: now) != nil { hasProposed = true }
            }
            return hasProposed
        }
        #expect(!pass(590, world, &now))
        // It is there for a moment, and holds something.
        world.isUp[NodeID(4)] = true
        world.epochs[NodeID(4)] = world.ring.document.epoch
        #expect(!pass(1, world, &now))
        world.isUp[NodeID(4)] = false
        #expect(!pass(590, world, &now))
        // An hour in which this node stood still counts for nothing.
        now = now + .seconds(3_600)
        #expect(!pass(1, world, &now))
        #expect(pass(20, world, &now))

        var given = try leaving(abandoning: [NodeID(4)], isUp: false)
        #expect(given.view.following() != nil)
        given.isUp[NodeID(4)] = true
        given.epochs[NodeID(4)] = given.ring.document.epoch
        #expect(given.view.following() == nil)
    }

    @Test("never a step whose condition does not hold, and always an end; random histories")
    func generated() throws {
        var ends = 0
        for seed in UInt64(1)...150 {
            var dice = SeededGenerator(seed: seed)
            let nodes = UInt16(4 + dice.below(5))
            let adding = dice.chance(3, in: 4) ? nodes + 1...nodes + 1 + UInt16(dice.below(2)) : nil
            let leaving = UInt16(1 + dice.below(Int(nodes)))
            let removing = adding == nil || dice.chance(1, in: 2) ? [leaving] : []
            let start = first(nodes)
            var world = World(try change(of: start, adding: adding, removing: Set(removing)))
            var isCalm = false
            for step in 0..<400 where world.ring.document.transition != nil {
                isCalm = step > 200
                for id in world.ids {
                    let moves = isCalm || dice.chance(1, in: 3)
                    if moves, isCalm || world.isUp[id] == true { world.catchUp(id) }
                    if isCalm { world.isUp[id] = true }
                    if !isCalm, dice.chance(1, in: 10) { world.isUp[id]?.toggle() }
                    let ready = world.ready[id]?.count ?? 0
                    if !isCalm, ready > 0, dice.chance(1, in: 3) {
                        let place = dice.below(ready)
                        world.ready[id]?.remove(at: place)
                    }
                }
                let document = world.ring.document
                if !isCalm, dice.chance(1, in: 150), let other = try? document.aborting() {
                    world.ring = Ring(other)
                } else if let next = world.view.following() {
                    try #require(next.successorFault(of: document) == nil, "seed \(seed)")
                    check(next, world, seed)
                    world.ring = Ring(next)
                }
            }
            #expect(world.ring.document.transition == nil, "seed \(seed) never ends")
            if world.ring.document.members != start.members { ends += 1 }
        }
        #expect(ends > 50)
    }

    /// The rules once more, written from what must hold and not from what the steward looks at.
    private func check(_ next: RingDocument, _ world: World, _ seed: UInt64) {
        let ring = world.ring
        let live = world.ids.filter { world.isUp[$0] == true }.map { world.epochs[$0] ?? 0 }
        guard let transition = next.transition else {
            #expect(live.allSatisfy { $0 >= ring.document.epoch }, "seed \(seed)")
            for id in ring.leaving where world.isUp[id] == true || !ring.isGoingBack {
                let said = world.drained.contains(id) && world.epochs[id] == ring.document.epoch
                #expect(said, "seed \(seed): \(id) may hold something")
            }
            return
        }
        for partition in 0..<ring.partitions
        where transition.steps[partition] != ring.step(of: partition) {
            let fence = ring.fence(of: partition)
            let current = ring.preferenceList(partition: partition)
            let following = ring.nextPreferenceList(partition: partition)
            if ring.step(of: partition) == .current {
                var up = 0
                following.forEach { if world.isUp[$0] == true { up += 1 } }
                #expect(up * 2 > following.count, "seed \(seed)")
                #expect(world.isAdopted(by: following, ring.document.epoch), "seed \(seed)")
            }
            if ring.step(of: partition) == .writeBoth {
                following.forEach { node in
                    guard !current.contains(node) else { return }
                    let isReady = world.ready[node]?.contains(UInt16(partition)) ?? false
                    #expect(isReady && world.epochs[node] ?? 0 >= fence, "seed \(seed)")
                }
            }
            if ring.step(of: partition) == .readNext {
                #expect(live.allSatisfy { $0 >= fence }, "seed \(seed)")
                #expect(world.isAdopted(by: current, fence), "seed \(seed)")
                #expect(world.isAdopted(by: following, fence), "seed \(seed)")
            }
        }
    }
}

extension Ring {
    /// Whether those who leave are the ones that were to come.
    fileprivate var isGoingBack: Bool { document.transition?.isAborting ?? false }
}
