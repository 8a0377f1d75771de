package import HengeBase
import HengeCausality
package import HengeMessages
package import HengeNode

import struct NIOCore.ByteBuffer

/// What clients do, and what must then be true. Each round of a run sets up, starts and checks
/// anew.
package protocol Workload: AnyObject {
    /// Names the keys of a round with ``Simulation/follow(_:)``.
    func setUp(_ simulation: Simulation, round: Int)
    /// How many clients work at it.
    func clientCount(_ options: SimulationOptions) -> Int
    /// What a client does next, as operation `number`.
    func next(_ client: SimulatedClient, number: Int, in simulation: Simulation) -> ClientAction
    /// A client has been answered.
    func answered(_ client: SimulatedClient, _ operation: Operation, _ reply: ShardReply)
    /// Called at the end of a round, when all is quiet and every key has been read at ALL.
    func check(_ simulation: Simulation) throws(Violation)
}

package enum ClientAction {
    case request(ClientRequest, key: Int)
    /// - limit: how many keys a page should have.
    case scan(limit: Int)
    case count
}

/// A sequential client: one request at a time, at whatever node it finds.
package final class SimulatedClient {
    package let index: Int
    let workload: Int
    package var dice: SeededGenerator
    /// Requests that it will still make in this phase.
    var remaining = 0
    /// The operation that it waits for.
    var operation: Int?
    /// By key: the context it was given last, in the form in which clients get it.
    private var contexts: [Int: String] = [:]
    /// By key, then by number of replicas from 1: its own writes that so many acknowledged.
    private var ownWrites: [Int: [WriteSet]] = [:]

    init(index: Int, workload: Int, dice: SeededGenerator) {
        self.index = index
        self.workload = workload
        self.dice = dice
    }

    func beginRound() {
        contexts.removeAll()
        ownWrites.removeAll()
    }

    func keep(_ write: Int, of key: Int, acknowledgedBy level: Int) {
        var writes = ownWrites[key] ?? []
        for index in 0..<level {
            if index == writes.count { writes.append(WriteSet()) }
            writes[index].insert(write)
        }
        ownWrites[key] = writes
    }

    /// Its writes of a key that so many replicas acknowledged.
    func ownWrites(of key: Int, acknowledgedBy level: Int) -> WriteSet {
        guard let writes = ownWrites[key], level <= writes.count else { return WriteSet() }
        return writes[level - 1]
    }

    func keep(_ context: VersionVector, of key: Int, _ name: StoredKey) {
        contexts[key] = CausalContext.encode(context, key: name.token.rawValue)
    }

    /// The context of a key that it was given last; the empty one at first.
    func context(of key: Int, _ name: StoredKey) throws(Violation) -> VersionVector {
        guard let text = contexts[key] else { return VersionVector() }
        do throws(ObjectDecodeError) {
            let context = try CausalContext.decode(ByteBuffer(string: text))
            guard context.belongs(to: name.token.rawValue) else {
                throw .brokenInvariant(at: 0)
            }
            return context.vector
        } catch {
            throw Violation(.codec, "a context can't be read back: \(error)")
        }
    }

    var isDone: Bool { remaining == 0 && operation == nil }
}
