import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing

/// Unsafe recoveries, for operators who have lost a majority of the members for good.
extension RingAdministrator {
    /// Longer than that of a change: every survivor has to agree, and may be behind.
    private static let recoveryTimeout = Interval.seconds(10)

    /// What going on without these members would cost, and what stands against it.
    func recoveryPlan(without names: [String]) throws(RecoveryFault) -> RecoveryPlan {
        let ring = driver.ring
        var gone: [NodeID] = []
        for name in names {
            guard let member = ring.member(named: name) else { throw .unknownNode(name) }
            if !gone.contains(member.id) { gone.append(member.id) }
        }
        do throws(RingChangeFault) {
            let before = driver.control?.openRecoveries ?? []
            let loss = try RecoveryLoss(ring, without: gone, after: before)
            return RecoveryPlan(loss, ring: ring, isUp: { driver.peerStatus($0).isUp })
        } catch {
            throw .change(error)
        }
    }

    /// Goes on without these members, if that is what was shown.
    ///
    /// - Parameters:
    ///   - cluster: its name, as the operator has typed it.
    ///   - epoch: of the ring that the operator was shown the loss of.
    func recover(
        cluster: String,
        epoch: UInt64,
        without names: [String],
        _ done: @escaping (Result<RecoveryPlan, RecoveryFault>) -> Void
    ) {
        let ring = driver.ring
        guard cluster == hexadecimal(ring.document.clusterID) else {
            return done(.failure(.otherCluster(hexadecimal(ring.document.clusterID))))
        }
        guard epoch == ring.document.epoch else {
            return done(.failure(.stale(ring.document.epoch)))
        }
        let plan: RecoveryPlan
        do throws(RecoveryFault) {
            plan = try recoveryPlan(without: names)
        } catch {
            return done(.failure(error))
        }
        guard plan.refusals.isEmpty else { return done(.failure(.refused(plan.refusals))) }
        propose(recovery: plan.loss.document, within: Self.recoveryTimeout) { outcome in
            if let fault = RecoveryFault(outcome, name: { ring.member($0)?.name ?? "\($0)" }) {
                return done(.failure(fault))
            }
            done(.success(plan))
        }
    }
}

/// An unsafe recovery, before it is done.
struct RecoveryPlan {
    let loss: RecoveryLoss
    /// Of the ring that it follows.
    let epoch: UInt64
    let clusterID: UInt64
    let partitions: Int
    let refusals: [RecoveryRefusal]

    init(_ loss: RecoveryLoss, ring: Ring, isUp: (NodeID) -> Bool) {
        self.loss = loss
        epoch = ring.document.epoch
        clusterID = ring.document.clusterID
        partitions = ring.partitions
        var refusals = loss.lost.filter { isUp($0.id) }.map { RecoveryRefusal.isUp($0.name) }
        refusals += loss.survivors.filter { !isUp($0.id) }.map { RecoveryRefusal.isDown($0.name) }
        let up = ring.voters.count(where: isUp)
        if up * 2 > ring.voters.count {
            refusals.append(.majority(up: up, of: ring.voters.count))
        }
        self.refusals = refusals
    }
}

/// What stands against an unsafe recovery.
enum RecoveryRefusal: Hashable, CustomStringConvertible {
    case isUp(String)
    /// It was not named, and would have to agree.
    case isDown(String)
    case majority(up: Int, of: Int)

    /// For scripts.
    var code: String {
        switch self {
        case .isUp: "is_up"
        case .isDown: "is_down"
        case .majority: "majority_up"
        }
    }

    var description: String {
        switch self {
        case .isUp(let name): "\(name) is up, so it is not gone"
        case .isDown(let name):
            "\(name) is down and not named; start it, since all that are left must agree, or name "
                + "it too if it is gone for good"
        case .majority(let up, let count):
            "\(up) of \(count) members are up, which is a majority; use ring force-remove, replace "
                + "and commit without --unsafe-recover, which lose nothing"
        }
    }
}

/// Why no unsafe recovery was done, or may not have been.
enum RecoveryFault: Error, CustomStringConvertible {
    case unknownNode(String)
    case change(RingChangeFault)
    case otherCluster(String)
    case stale(UInt64)
    case refused([RecoveryRefusal])
    /// A survivor is connected to a node that is said to be gone.
    case seenAlive(String, by: String)
    case agreedBefore(String)
    case overtaken(UInt64)
    case tooFew(agreed: Int, required: Int)
    case abstained

    /// Nil when the recovery was decided.
    init?(_ outcome: RingElection.Outcome, name: (NodeID) -> String) {
        switch outcome {
        case .chosen: return nil
        case .superseded(let document), .overtaken(let document): self = .overtaken(document.epoch)
        case .failed(let required, let alive, _): self = .tooFew(agreed: alive, required: required)
        case .refused(let fault): self = .change(fault)
        case .abstained: self = .abstained
        case .dissent(let node, .isUp(let alive)):
            self = .seenAlive(name(alive), by: name(node))
        case .dissent(let node, .agreedBefore): self = .agreedBefore(name(node))
        }
    }

    /// As an error reply, its code first.
    var description: String {
        switch self {
        case .unknownNode(let name): "ERR no member is called '\(name)'"
        case .change(let fault): "ERR \(fault)"
        case .otherCluster(let name): "REFUSED this cluster is called \(name)"
        case .stale(let epoch):
            "STALEPLAN the ring has changed since, epoch \(epoch); look at what would be lost again"
        case .refused(let refusals):
            "REFUSED \(refusals.map(\.description).joined(separator: "; "))"
        case .seenAlive(let name, let witness):
            "REFUSED \(name) is connected to \(witness), so it is not gone"
        case .agreedBefore(let name):
            "STALEPLAN \(name) has agreed to another recovery before, which may have been decided; "
                + "asking again replaces it"
        case .overtaken(let epoch):
            "STALEPLAN another ring was decided first, epoch \(epoch); look at it (ring show)"
        case .tooFew(let agreed, let required):
            "TIMEOUT required=\(required) received=\(agreed) all that are left must agree; asking "
                + "again goes on with it"
        case .abstained: "ERR this node can't take part now; ask another one"
        }
    }
}
