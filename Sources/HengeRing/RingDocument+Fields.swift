import HengeBase

/// The parts of a stored document; each writer has its reader below.
extension [UInt8] {
    mutating func append(_ member: Member) {
        appendInteger(member.id.rawValue)
        appendInteger(UInt16(member.weight))
        for text in [member.name, member.peerAddress, member.zone] {
            appendInteger(UInt16(text.utf8.count))
            append(contentsOf: text.utf8)
        }
    }

    /// Each value with the number of times that it stands there in a row.
    mutating func appendRuns(_ values: [UInt64]) {
        var start = 0
        while start < values.count {
            var end = start + 1
            while end < values.count, values[end] == values[start] { end += 1 }
            appendVarint(UInt64(end - start))
            appendVarint(values[start])
            start = end
        }
    }

    /// What of the next ring differs from the current one, and the steps.
    mutating func append(_ transition: RingTransition, from document: RingDocument) {
        let current = MemberIndexes(document.members)
        appendInteger(UInt16(transition.members.count))
        for member in transition.members {
            if let index = current[member.id], document.members[index] == member {
                append(0)
                appendInteger(member.id.rawValue)
            } else {
                append(1)
                append(member)
            }
        }
        let moves = document.owners.indices.filter {
            document.owners[$0] != transition.owners[$0]
        }
        appendInteger(UInt16(moves.count))
        for partition in moves {
            appendInteger(UInt16(partition))
            appendInteger(transition.owners[partition].rawValue)
        }
        for start in stride(from: 0, to: transition.steps.count, by: 4) {
            append((0..<4).reduce(0) { $0 | transition.steps[start + $1].rawValue << (2 * $1) })
        }
        appendInteger(UInt16(transition.abandoned.count))
        for id in transition.abandoned { appendInteger(id.rawValue) }
    }
}

extension [UInt8] {
    mutating func append(recoveries: [UInt64]) {
        appendInteger(UInt16(recoveries.count))
        for id in recoveries { appendInteger(id) }
    }

    mutating func append(lost: [Member]) {
        appendInteger(UInt16(lost.count))
        for member in lost { append(member) }
    }
}

extension ByteReader {
    mutating func recoveries() throws(RingDecodeError) -> [UInt64] {
        let count: UInt16 = try integer()
        guard count > 0, count <= RingDocument.recoveriesMax else { throw .invalidRecoveries }
        var ids: [UInt64] = []
        for _ in 0..<count { ids.append(try integer()) }
        return ids
    }

    mutating func lost() throws(RingDecodeError) -> [Member] {
        var members: [Member] = []
        for _ in 0..<(try memberCount()) { members.append(try member()) }
        return members
    }

    mutating func memberCount() throws(RingDecodeError) -> Int {
        let count: UInt16 = try integer()
        guard count <= Member.countMax else { throw .invalid(.memberCount(Int(count))) }
        return Int(count)
    }

    mutating func member() throws(RingDecodeError) -> Member {
        let id = NodeID(try integer())
        let weight: UInt16 = try integer()
        return Member(
            id: id,
            name: try text(),
            peerAddress: try text(),
            zone: try text(),
            weight: Int(weight)
        )
    }

    mutating func stepEpochs(count: Int, upTo epoch: UInt64) throws(RingDecodeError) -> [UInt64] {
        var epochs: [UInt64] = []
        epochs.reserveCapacity(count)
        while epochs.count < count {
            let length = try varint()
            let age = try varint()
            guard length >= 1, length <= UInt64(count - epochs.count), age <= epoch,
                epochs.last != epoch - age
            else { throw .invalidRun }
            epochs.append(contentsOf: repeatElement(epoch - age, count: Int(length)))
        }
        return epochs
    }

    /// - Parameter document: all that stands before the transition.
    mutating func transition(
        from document: RingDocument
    ) throws(RingDecodeError) -> RingTransition? {
        let kind: UInt8 = try integer()
        guard kind <= 2 else { throw .invalidTransition }
        guard kind > 0 else { return nil }
        let members = try nextMembers(document.members)
        let owners = try nextOwners(document.owners)
        var steps: [PartitionStep] = []
        steps.reserveCapacity(owners.count)
        while steps.count < owners.count {
            let four: UInt8 = try integer()
            for place in 0..<min(4, owners.count - steps.count) {
                let step = PartitionStep(rawValue: four >> (2 * UInt8(place)) & 3)
                steps.append(step ?? .current)
            }
        }
        var abandoned: [NodeID] = []
        for _ in 0..<(try memberCount()) { abandoned.append(NodeID(try integer())) }
        return RingTransition(
            members: members,
            owners: owners,
            steps: steps,
            isAborting: kind == 2,
            abandoned: abandoned
        )
    }

    private mutating func nextMembers(_ current: [Member]) throws(RingDecodeError) -> [Member] {
        // The members have not been checked: some may have the same id.
        var known: [NodeID: Member] = [:]
        for member in current { known[member.id] = member }
        var members: [Member] = []
        for _ in 0..<(try memberCount()) {
            let kind: UInt8 = try integer()
            switch kind {
            case 0:
                guard let member = known[NodeID(try integer())] else { throw .invalidTransition }
                members.append(member)
            case 1:
                let member = try member()
                guard known[member.id] != member else { throw .invalidTransition }
                members.append(member)
            default: throw .invalidTransition
            }
        }
        return members
    }

    private mutating func nextOwners(_ current: [NodeID]) throws(RingDecodeError) -> [NodeID] {
        var owners = current
        var last = -1
        let count: UInt16 = try integer()
        for _ in 0..<count {
            let partition = Int(try integer() as UInt16)
            let owner = NodeID(try integer())
            guard partition > last, partition < owners.count, owners[partition] != owner else {
                throw .invalidTransition
            }
            owners[partition] = owner
            last = partition
        }
        return owners
    }
}
