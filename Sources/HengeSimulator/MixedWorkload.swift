import HengeBase
import HengeCausality
import HengeMessages
package import HengeNode

import struct NIOCore.ByteBuffer

/// Every kind of request on a few keys that everyone fights over. Most checkers watch the cluster
/// itself, so this workload only has to reach as many states as it can.
package final class MixedWorkload: Workload {
    package enum Kind: Int, CaseIterable {
        case read, set, setOver, setBlind, delete, deleteOver
        case setExpiring, touch, persist, setAbsent, setPresent, getSet, keepExpiry
        case inspect, scan, count

        /// Part of every run.
        var isBasic: Bool {
            switch self {
            case .read, .set, .setOver: true
            default: false
            }
        }
    }

    private var keys: [Int] = []
    private var names: [StoredKey] = []

    package init() {}

    package func setUp(_ simulation: Simulation, round: Int) {
        names = (0..<simulation.options.keys).map { simulation.key("m\($0)") }
        keys = names.map { simulation.follow($0) }
    }

    package func clientCount(_ options: SimulationOptions) -> Int { options.clients }

    package func next(
        _ client: SimulatedClient,
        number: Int,
        in simulation: Simulation
    ) -> ClientAction {
        let options = simulation.options
        let index = client.dice.below(keys.count)
        guard let kind = Kind(rawValue: client.dice.weighted(options.weights)) else {
            return .count
        }
        let operation: ClientRequest.Operation
        switch kind {
        case .read: operation = .read
        case .inspect: operation = .inspect
        case .scan: return .scan(limit: 1 + client.dice.below(4))
        case .count: return .count
        default:
            operation = .write(
                mutation(
                    kind,
                    number: number,
                    client: client,
                    key: keys[index],
                    name: names[index],
                    simulation
                )
            )
        }
        var request = ClientRequest(
            key: names[index],
            operation: operation,
            levels: ConsistencyLevels(
                read: client.dice.pick(options.levels),
                write: client.dice.pick(options.levels)
            ),
            timeout: simulation.requestTimeout
        )
        request.isSloppy = client.dice.chance(simulation.options.sloppyPercent, in: 100)
        return .request(request, key: keys[index])
    }

    private func mutation(
        _ kind: Kind,
        number: Int,
        client: SimulatedClient,
        key: Int,
        name: StoredKey,
        _ simulation: Simulation
    ) -> Mutation {
        let value = Mutation.Content.value(
            OperationValue.make(
                number: number,
                rest: "",
                padding: client.dice.pick([0, 0, 20, 200])
            ),
            metadata: number % 4 == 1 ? ByteBuffer(string: "said of \(number)") : nil
        )
        var given = VersionVector()
        simulation.checking { () throws(Violation) in
            given = try client.context(of: key, name)
        }
        let context = Mutation.Basis.context(given)
        let soon = Mutation.Expiry.at(
            WallTime(
                milliseconds: simulation.latestWall.milliseconds + UInt64(client.dice.below(3_000))
            )
        )
        switch kind {
        case .setOver: return Mutation(content: value, basis: context)
        case .setBlind: return Mutation(content: value, basis: .nothing)
        case .delete: return Mutation(content: .tombstone)
        case .deleteOver: return Mutation(content: .tombstone, basis: context)
        case .setExpiring: return Mutation(content: value, expiry: soon)
        case .touch: return Mutation(content: .unchanged, expiry: soon, condition: .present)
        case .persist: return Mutation(content: .unchanged, condition: .presentWithExpiry)
        case .setAbsent: return Mutation(content: value, condition: .absent)
        case .setPresent: return Mutation(content: value, condition: .present)
        case .getSet: return Mutation(content: value, returnsPrevious: true)
        case .keepExpiry: return Mutation(content: value, expiry: .keep)
        case .read, .set, .inspect, .scan, .count: return Mutation(content: value)
        }
    }

    package func answered(
        _ client: SimulatedClient,
        _ operation: Operation,
        _ reply: ShardReply
    ) {
        guard let key = operation.key, let name = operation.request?.key,
            case .response(let response) = reply
        else { return }
        switch response {
        case .object(let object?): client.keep(object.context, of: key, name)
        case .written(let context, _): client.keep(context, of: key, name)
        case .object(nil), .notApplied, .inspected, .failed: break
        }
    }

    package func check(_ simulation: Simulation) throws(Violation) {}
}
