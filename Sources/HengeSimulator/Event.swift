import HengeBase
import HengeMessages
import HengeNode

/// A shard of a process.
struct ShardAddress {
    let node: Int
    let process: Int
    let shard: Int

    init(_ node: Int, _ process: Int, _ shard: Int) {
        (self.node, self.process, self.shard) = (node, process, shard)
    }
}

/// What is scheduled to happen. Processes are named by number, so that what was meant for one that
/// is gone does not reach the next.
enum Event {
    case message(Envelope)
    case unstall(from: Int, to: Int)
    case link(LinkEvent)
    case storage(ShardAddress, StorageEvent)
    case tick(ShardAddress)
    case housekeeping(ShardAddress)
    /// A round of gossip is due.
    case round(node: Int, process: Int)
    case control(node: Int, process: Int, ControlInput)
    case input(ShardAddress, ShardInput)
    /// What the control plane has told a shard on another event loop than its own.
    case told(ShardAddress, ShardInput)
    case tallies(ShardAddress, [RecordWeight], [LeafSums])
    case start(node: Int)
    case stopping(node: Int, process: Int, StopStage, deadline: Instant)
    case wake(client: Int)
    case nemesis
    case ringChange
    case relief(Relief)

    /// The node whose process must run for it to happen.
    var target: Int? {
        switch self {
        case .message(let envelope): envelope.to
        case .unstall(_, let to): to
        case .link(.opened(let node, _, _)), .link(.closed(let node, _, _)): node
        case .storage(let address, _), .tick(let address), .housekeeping(let address),
            .input(let address, _), .told(let address, _), .tallies(let address, _, _):
            address.node
        case .round(let node, _), .control(let node, _, _), .stopping(let node, _, _, _): node
        case .link(.dial), .start, .wake, .nemesis, .ringChange, .relief: nil
        }
    }

    /// Whether it is a message that is more than gossip.
    var isRequest: Bool {
        if case .message(let envelope) = self { return !envelope.isGossip }
        return false
    }
}
