import HengeBase
import HengeCausality
import HengeMessages
package import HengeNode

import struct NIOCore.ByteBuffer

/// Shopping carts, for which Dynamo was built: a client reads a cart, merges its siblings, adds an
/// item, and writes it back with the context it read. No item whose addition was acknowledged may
/// ever be gone, at whatever levels. Checked by the values alone, knowing nothing of dots or
/// contexts.
package final class CartWorkload: Workload {
    private struct Cart {
        let number: Int
        let key: StoredKey
        /// Items whose addition was acknowledged, each with the request that added it.
        var items: [(item: Int, request: ClientRequest)] = []
    }

    private struct Draft {
        let cart: Int
        let items: [Int]
        let context: VersionVector
    }

    private var carts: [Cart] = []
    /// By client: the cart it has read and is about to write.
    private var drafts: [Int: Draft] = [:]
    /// By operation: the item that it adds.
    private var additions: [Int: Int] = [:]

    package init() {}

    package func setUp(_ simulation: Simulation, round: Int) {
        drafts = [:]
        additions = [:]
        carts = (0..<2).map { number in
            let key = simulation.key("cart\(number)")
            return Cart(number: simulation.follow(key), key: key)
        }
    }

    package func clientCount(_ options: SimulationOptions) -> Int { 2 }

    package func next(
        _ client: SimulatedClient,
        number: Int,
        in simulation: Simulation
    ) -> ClientAction {
        let draft = drafts.removeValue(forKey: client.index)
        let index = draft?.cart ?? client.dice.below(carts.count)
        var operation = ClientRequest.Operation.read
        if let draft {
            // The operation's own number is the item: no other has it.
            let items = draft.items + [number]
            additions[number] = number
            let value = OperationValue.make(
                number: number,
                rest: items.map(String.init).joined(separator: ","),
                padding: 0
            )
            operation = .write(Mutation(content: .value(value), basis: .context(draft.context)))
        }
        var request = ClientRequest(
            key: carts[index].key,
            operation: operation,
            levels: ConsistencyLevels(
                read: client.dice.pick(simulation.options.levels),
                write: client.dice.pick(simulation.options.levels)
            ),
            timeout: simulation.requestTimeout
        )
        request.isSloppy = client.dice.chance(simulation.options.sloppyPercent, in: 100)
        return .request(request, key: carts[index].number)
    }

    package func answered(
        _ client: SimulatedClient,
        _ operation: Operation,
        _ reply: ShardReply
    ) {
        guard let key = operation.key, let cart = carts.firstIndex(where: { $0.number == key }),
            case .response(let response) = reply
        else { return }
        switch response {
        case .object(let object):
            drafts[client.index] = Draft(
                cart: cart,
                items: Self.items(of: object),
                context: object?.context ?? VersionVector()
            )
        case .written:
            guard let item = additions[operation.number], let request = operation.request
            else { return }
            carts[cart].items.append((item, request))
        case .notApplied, .inspected, .failed: break
        }
    }

    package func check(_ simulation: Simulation) throws(Violation) {
        for cart in carts {
            let present = Self.items(of: simulation.finalObject(of: cart.number))
            let losers = simulation.losers(of: cart.number)
            for (item, request) in cart.items where !present.contains(item) {
                let holders = simulation.holders(of: request)
                guard holders > losers else { continue }
                throw Violation(
                    .fullCarts,
                    "\(holders) replicas took item \(item), and the cart has it no more"
                )
            }
        }
    }

    /// All items of all siblings, in rising order.
    private static func items(of object: EncodedObject?) -> [Int] {
        var items: [Int] = []
        for sibling in object?.decoded().siblings ?? [] {
            guard case .value(let value, _) = sibling.payload else { continue }
            for item in OperationValue.rest(of: value).split(separator: ",").compactMap({ Int($0) })
            where !items.contains(item) { items.append(item) }
        }
        return items.sorted()
    }
}
