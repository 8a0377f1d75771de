package import HengeBase

/// A change of the ring, worked out and priced, before anything is done.
package struct RingPlan: Sendable {
    /// One node, before and after. Bytes are those of keys and objects, as if every replica held
    /// all of its partitions.
    package struct Node: Hashable, Sendable {
        package enum Role: String, Sendable {
            case stays, joins, leaves
        }

        package let id: NodeID
        package let name: String
        package let role: Role
        /// Empty for none.
        package let zone: String
        package let weight: Int
        package internal(set) var before = Holding()
        package internal(set) var after = Holding()
        /// What it receives and sends.
        package internal(set) var bytesIn = 0
        package internal(set) var bytesOut = 0
        /// Free bytes that it needs, since what it gives away is deleted only afterwards.
        package internal(set) var diskNeeded = 0
        /// Nil for one that did not answer.
        package let facts: NodeFacts?
    }

    /// What a node claims and stores.
    package struct Holding: Hashable, Sendable {
        package internal(set) var vnodes = 0
        /// Of all virtual nodes, 0 to 1.
        package internal(set) var share = 0.0
        /// The partitions that it holds a replica of.
        package internal(set) var replicas = 0
        package internal(set) var keys = 0
        package internal(set) var bytes = 0

        package init(
            vnodes: Int = 0,
            share: Double = 0,
            replicas: Int = 0,
            keys: Int = 0,
            bytes: Int = 0
        ) {
            self.vnodes = vnodes
            self.share = share
            self.replicas = replicas
            self.keys = keys
            self.bytes = bytes
        }
    }

    /// Replicas that would share what they should not.
    package struct Violation: Hashable, Sendable {
        package enum Kind: String, Sendable {
            /// Fewer nodes than N, so that there are fewer replicas.
            case node
            case zone
        }

        package let kind: Kind
        package let partitionsBefore: Int
        /// At least 1.
        package let partitions: Int
        /// Of the worst partition: how many distinct nodes or zones it would have.
        package let fewest: Int
        /// How many the members would allow.
        package let possible: Int
    }

    /// What the plan is for, as hexadecimal digits: another ring, or another target, has another.
    package let id: String
    package let operations: [RingOperation]
    /// The document that begins the change.
    package let proposal: RingDocument
    /// Of the ring that it is made for.
    package let epoch: UInt64
    package let replicas: Int
    /// All members before and after, by id.
    package let nodes: [Node]
    package let change: PlacementChange
    /// By partition.
    package let partitions: [PartitionFacts]
    /// Sent over the network in all.
    package let bytes: Int
    package let bytesPerSecond: Int
    /// Until the node with the most to receive or send is through, if nothing else holds it up.
    package let seconds: Double
    package let violations: [Violation]
    /// Why it must not be committed.
    package let refusals: [RingRefusal]

    package var minutes: Double { seconds / 60 }

    /// The owners before, by position.
    package var ownersBefore: [NodeID] { change.before.owners }

    package func node(_ id: NodeID) -> Node? { nodes.first { $0.id == id } }

    /// Works a change out.
    ///
    /// - Parameters:
    ///   - document: the present ring, valid.
    ///   - isUp: whether a member is.
    package static func make(
        _ document: RingDocument,
        stage: RingStage,
        candidates: [RingCandidate],
        facts: RingFacts,
        isUp: (NodeID) -> Bool
    ) throws(RingPlanFault) -> RingPlan {
        guard document.transition == nil else { throw .stage(.transitionRuns) }
        guard !stage.isEmpty else { throw .nothingStaged }
        invariant(facts.partitions.count == document.owners.count)
        let target: RingTarget
        do throws(RingStageFault) {
            target = try stage.target(of: document, candidates: candidates, isUp: isUp)
        } catch {
            throw .stage(error)
        }
        let change = Placement.change(
            owners: document.owners,
            from: document.membersAndLost,
            to: target.members,
            replicas: document.replicas,
            heirs: target.heirs
        )
        let proposal: RingDocument
        do throws(RingChangeFault) {
            let leaving = document.members.map(\.id).filter { id in
                !target.members.contains { $0.id == id }
            }
            proposal = try document.beginning(
                members: target.members,
                owners: change.owners,
                abandoning: leaving.filter { !isUp($0) }
            )
        } catch {
            throw error == .nothingChanged ? .nothingChanges : .change(error)
        }
        var pricing = RingPricing(document, target, change, facts, isUp: isUp)
        pricing.run()
        return RingPlan(stage, document, proposal, change, facts, pricing)
    }

    private init(
        _ stage: RingStage,
        _ document: RingDocument,
        _ proposal: RingDocument,
        _ change: PlacementChange,
        _ facts: RingFacts,
        _ pricing: RingPricing
    ) {
        id = Self.id(of: proposal)
        operations = stage.operations
        self.proposal = proposal
        epoch = document.epoch
        replicas = document.replicas
        nodes = pricing.nodes
        self.change = change
        partitions = facts.partitions
        bytes = pricing.nodes.reduce(0) { $0 + $1.bytesIn }
        bytesPerSecond = facts.bytesPerSecond
        let most = pricing.nodes.reduce(0) { max($0, $1.bytesIn, $1.bytesOut) }
        seconds = Double(most) / Double(facts.bytesPerSecond)
        violations = pricing.violations
        refusals = pricing.refusals
    }

    /// Everything that would be proposed goes into it, and what it follows.
    private static func id(of proposal: RingDocument) -> String {
        let hash = proposal.encoded().withUnsafeBytes { XXH3.hash64($0) }
        let digits = String(hash, radix: 16)
        let all = String(repeating: "0", count: 16 - digits.count) + digits
        return String(all.prefix(8))
    }
}
