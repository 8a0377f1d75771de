import HengeBase

/// Works out the preference list of every partition.
///
/// From each position walk clockwise and take each node met for the first time, unless a node of
/// its zone is taken already and taking it would leave too few places for the zones still to come.
/// Dynamo, section 4.3; the rule for zones is that of Cassandra's `NetworkTopologyStrategy`.
struct PreferenceWalk {
    /// The owner of each position as an index into the members.
    private let owners: [Int]
    /// The zone of each member, numbered; a member without a zone is a zone of its own.
    private let zones: [Int]
    private let replicas: Int
    /// How many nodes of a list may repeat a zone.
    private let repeatsMax: Int

    /// - Parameter replicas: at most the number of distinct owners.
    init(members: [Member], owners: [Int], replicas: Int) {
        let zones = ZoneNumbers(members)
        var isOwner = [Bool](repeating: false, count: members.count)
        for owner in owners { isOwner[owner] = true }
        var isUsed = [Bool](repeating: false, count: zones.count)
        for (member, zone) in zones.ofMember.enumerated() where isOwner[member] {
            isUsed[zone] = true
        }
        self.owners = owners
        self.zones = zones.ofMember
        self.replicas = replicas
        repeatsMax = max(0, replicas - isUsed.count { $0 })
    }

    /// The list of each partition as indexes into the members, -1 where it ends.
    ///
    /// On a fair ring a walk from each position is short: O(partitions · replicas) in all. Where
    /// walks turn out long, which an unfair ring can have them be, another way costs no more than
    /// O(partitions · members).
    func lists() -> [SIMD8<Int16>] {
        walked(stepsMax: owners.count * 4 * replicas) ?? listsBackwards()
    }

    /// - Parameter stepsMax: how many positions all walks may visit together.
    /// - Returns: nil when that is too few.
    private func walked(stepsMax: Int) -> [SIMD8<Int16>]? {
        var lists: [SIMD8<Int16>] = []
        lists.reserveCapacity(owners.count)
        var steps = 0
        for start in owners.indices {
            var taking = Taking()
            var position = start
            while taking.count < replicas {
                // No walk goes twice around: the steps are used up before, or all owners met.
                steps += 1
                guard steps <= stepsMax else { return nil }
                take(owners[position], &taking)
                position = position + 1 == owners.count ? 0 : position + 1
            }
            lists.append(taking.list)
        }
        return lists
    }

    /// Keeps the owners sorted by how soon each is met while it goes around backwards.
    private func listsBackwards() -> [SIMD8<Int16>] {
        var lists = [SIMD8<Int16>](repeating: SIMD8(repeating: -1), count: owners.count)
        var soonest: [Int] = []
        // The first round finds the order from the ring's end on, the second the lists.
        for owner in owners.reversed() { Self.moveToFront(owner, of: &soonest) }
        for position in owners.indices.reversed() {
            Self.moveToFront(owners[position], of: &soonest)
            lists[position] = take(from: soonest)
        }
        return lists
    }

    private func take(from soonest: [Int]) -> SIMD8<Int16> {
        var taking = Taking()
        for member in soonest where taking.count < replicas { take(member, &taking) }
        invariant(taking.count == replicas)
        return taking.list
    }

    /// A list while it is being made.
    private struct Taking {
        var list = SIMD8<Int16>(repeating: -1)
        var count = 0
        /// How many of them have a zone that one before has.
        var repeats = 0
    }

    /// Takes the next member that is met, unless it is one of the list or its zone says no.
    private func take(_ member: Int, _ taking: inout Taking) {
        var isRepeat = false
        for place in 0..<taking.count {
            let other = Int(taking.list[place])
            if other == member { return }
            if zones[other] == zones[member] { isRepeat = true }
        }
        if isRepeat {
            guard taking.repeats < repeatsMax else { return }
            taking.repeats += 1
        }
        taking.list[taking.count] = Int16(member)
        taking.count += 1
    }

    private static func moveToFront(_ member: Int, of soonest: inout [Int]) {
        var carried = member
        for i in soonest.indices {
            swap(&carried, &soonest[i])
            if carried == member { return }
        }
        soonest.append(carried)
    }
}

/// Zones as small numbers in order of the members.
struct ZoneNumbers {
    let ofMember: [Int]
    let count: Int

    init(_ members: [Member]) {
        var numbers: [String: Int] = [:]
        var count = 0
        ofMember = members.map { member in
            if !member.zone.isEmpty, let number = numbers[member.zone] { return number }
            defer { count += 1 }
            if !member.zone.isEmpty { numbers[member.zone] = count }
            return count
        }
        self.count = count
    }
}
