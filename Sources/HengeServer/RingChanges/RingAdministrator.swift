import HengeBase
import HengeMembership
import HengeMessages
package import HengeRing
import NIOCore
import NIOPosix

/// Stages, plans, commits and gives up changes of the ring for the operators who ask this node.
///
/// What is staged is kept in memory, by this node alone: an operator stages, plans and commits at
/// one node. Confined to the driver's event loop.
package final class RingAdministrator {
    /// After so long the answers that are there have to do.
    private static let patience = TimeAmount.seconds(2)
    /// How long a commit may take to be decided.
    private static let commitTimeout = Interval.seconds(5)

    unowned let driver: NodeDriver
    package private(set) var stage = RingStage()
    let inquiries = PeerInquiries<NodeInventory>()
    /// Proposals that are being decided on, in their order.
    private var proposals: [(RingElection.Outcome) -> Void] = []
    /// Proposals that were chosen, by epoch, and that this node does not serve by yet.
    private var chosen: [(epoch: UInt64, tell: () -> Void)] = []

    init(driver: NodeDriver) {
        self.driver = driver
    }

    // MARK: Staging

    func append(_ operation: RingOperation) throws(RingStageFault) {
        try stage.append(
            operation,
            to: driver.ring.document,
            candidates: driver.joiners.map(\.candidate),
            isUp: { driver.peerStatus($0).isUp }
        )
    }

    func clear() {
        stage = RingStage()
    }

    /// Clears what has been done. What was staged meanwhile is another matter, and stays to be
    /// judged against the ring to come.
    private func forget(_ done: [RingOperation]) {
        stage = RingStage(stage.operations.filter { !done.contains($0) })
    }

    /// What is wrong with what is staged, as things are now.
    var fault: RingStageFault? {
        do throws(RingStageFault) {
            _ = try stage.target(
                of: driver.ring.document,
                candidates: driver.joiners.map(\.candidate),
                isUp: { driver.peerStatus($0).isUp }
            )
            return nil
        } catch {
            return error
        }
    }

    // MARK: Planning

    /// Asks the other nodes what they hold, then works the plan out beside the event loop: on a
    /// large ring that takes a while.
    func plan(_ done: @escaping (Result<RingPlan, RingPlanFault>) -> Void) {
        guard !stage.isEmpty else {
            let isChanging = driver.ring.document.transition != nil
            return done(.failure(isChanging ? .stage(.transitionRuns) : .nothingStaged))
        }
        if let fault { return done(.failure(.stage(fault))) }
        let driver = self.driver
        driver.withFreshFigures { driver.administrator.askAndPlan(done) }
    }

    private func askAndPlan(_ done: @escaping (Result<RingPlan, RingPlanFault>) -> Void) {
        let driver = self.driver
        let partitions = driver.ring.partitions
        inquiries.ask(
            driver.peersUp.map { (peer: $0, facts: .ask) },
            through: driver,
            patience: Self.patience,
            known: [driver.node: driver.inventory],
            isValid: { $0.partitions.count == partitions }
        ) { inventories in
            let task = RingPlanTask(driver, inventories)
            let done = NIOLoopBound(done, eventLoop: driver.eventLoop)
            NIOThreadPool.singleton
                .runIfActive(eventLoop: driver.eventLoop) { task.run() }
                .whenComplete { result in
                    switch result {
                    case .success(let result): done.value(result)
                    // The pool has stopped, and so does the process.
                    case .failure: done.value(.failure(.nothingStaged))
                    }
                }
        }
    }

    // MARK: Committing

    /// Begins the change if it is still the one that was planned.
    func commit(
        _ id: String,
        allowsFewerReplicas: Bool,
        _ done: @escaping (Result<RingPlan, RingCommitFault>) -> Void
    ) {
        let driver = self.driver
        plan { result in
            let plan: RingPlan
            switch result {
            case .failure(let fault): return done(.failure(.plan(fault)))
            case .success(let made): plan = made
            }
            guard plan.id == id else { return done(.failure(.stale(plan.id))) }
            let refusals = plan.refusals.filter { !($0.mayBeOverruled && allowsFewerReplicas) }
            guard refusals.isEmpty else { return done(.failure(.refused(refusals))) }
            driver.administrator.propose(plan.proposal) { outcome in
                if let fault = RingCommitFault(outcome) { return done(.failure(fault)) }
                driver.administrator.forget(plan.operations)
                done(.success(plan))
            }
        }
    }

    /// Has the change that is running go back.
    func abort(_ done: @escaping (Result<UInt64, RingCommitFault>) -> Void) {
        do throws(RingChangeFault) {
            let document = try driver.ring.document.aborting()
            propose(document) { outcome in
                if let fault = RingCommitFault(outcome) { return done(.failure(fault)) }
                done(.success(document.epoch))
            }
        } catch {
            done(.failure(.plan(.change(error))))
        }
    }

    private func propose(
        _ document: RingDocument,
        _ done: @escaping (RingElection.Outcome) -> Void
    ) {
        proposals.append(done)
        driver.stepControl(.propose(document, within: Self.commitTimeout))
    }

    func propose(
        recovery document: RingDocument,
        within limit: Interval,
        _ done: @escaping (RingElection.Outcome) -> Void
    ) {
        proposals.append(done)
        driver.stepControl(.recover(document, within: limit))
    }

    /// What was chosen is told of once it is this node's ring, which is when it is on the disk:
    /// else who asks how far the change is would hear that none runs.
    func proposalEnded(_ outcome: RingElection.Outcome) {
        invariant(!proposals.isEmpty)
        let tell = proposals.removeFirst()
        guard case .chosen(let document) = outcome,
            document.epoch > driver.ring.document.epoch
        else { return tell(outcome) }
        chosen.append((document.epoch, { tell(outcome) }))
    }

    /// The node serves by a newer ring.
    func adoptedRing() {
        let epoch = driver.ring.document.epoch
        let due = chosen.filter { $0.epoch <= epoch }
        chosen.removeAll { $0.epoch <= epoch }
        for proposal in due { proposal.tell() }
    }
}

/// Why nothing was committed, or may not have been.
package enum RingCommitFault: Error, Hashable, CustomStringConvertible {
    case plan(RingPlanFault)
    /// The plan would have this id by now.
    case stale(String)
    case refused([RingRefusal])
    /// Others were quicker: this is the epoch that was decided.
    case overtaken(UInt64)
    case noMajority(required: Int, alive: Int, mayTakeEffect: Bool)
    case abstained

    /// Nil when the proposal was chosen.
    init?(_ outcome: RingElection.Outcome) {
        switch outcome {
        case .chosen: return nil
        case .superseded(let document), .overtaken(let document): self = .overtaken(document.epoch)
        case .failed(let required, let alive, let mayTakeEffect):
            self = .noMajority(required: required, alive: alive, mayTakeEffect: mayTakeEffect)
        case .refused(let fault): self = .plan(.change(fault))
        case .abstained, .dissent: self = .abstained
        }
    }

    /// As an error reply, its code first.
    package var description: String {
        switch self {
        case .plan(let fault): "ERR \(fault)"
        case .stale(let id):
            "STALEPLAN what is staged, or the ring, has changed since; the plan is \(id) now: look "
                + "at it again (ring plan)"
        case .refused(let refusals):
            "REFUSED \(refusals.map(\.description).joined(separator: "; "))"
        case .overtaken(let epoch):
            "STALEPLAN another change of the ring was decided first, epoch \(epoch); look at the "
                + "plan again (ring plan)"
        case .noMajority(let required, let alive, false):
            "UNAVAILABLE required=\(required) alive=\(alive) a majority of the members decides on "
                + "a change; nothing was changed"
        case .noMajority(let required, let alive, true):
            "TIMEOUT required=\(required) received=\(alive) a majority of the members decides on a "
                + "change; it may still begin, which ring progress shows"
        case .abstained:
            "ERR this node has lost what it voted for and may not propose yet; ask another node"
        }
    }
}

/// Everything that a plan is made of, to be worked out on any thread.
struct RingPlanTask: Sendable {
    let document: RingDocument
    let stage: RingStage
    let candidates: [RingCandidate]
    let facts: RingFacts
    let up: Set<NodeID>

    init(_ driver: NodeDriver, _ inventories: [NodeID: NodeInventory]) {
        let ring = driver.ring
        document = ring.document
        stage = driver.administrator.stage
        candidates = driver.joiners.map(\.candidate)
        up = Set(document.members.map(\.id).filter { driver.peerStatus($0).isUp })
        var nodes: [String: NodeFacts] = [:]
        for member in document.members { nodes[member.name] = inventories[member.id]?.disk }
        for joiner in driver.joiners { nodes[joiner.candidate.name] = joiner.disk }
        let partitions = (0..<ring.partitions).map { partition in
            var held = PartitionFacts.nothing
            // What others still hold of it does not count.
            ring.preferenceList(partition: partition).forEach { node in
                if let told = inventories[node] { held = held.merged(told.partitions[partition]) }
            }
            return held
        }
        facts = RingFacts(
            nodes: nodes,
            partitions: partitions,
            bytesPerSecond: driver.transferBytesPerSecond
        )
    }

    func run() -> Result<RingPlan, RingPlanFault> {
        do throws(RingPlanFault) {
            let plan = try RingPlan.make(
                document,
                stage: stage,
                candidates: candidates,
                facts: facts,
                isUp: { up.contains($0) }
            )
            return .success(plan)
        } catch {
            return .failure(error)
        }
    }
}
