import HengeBase
import HengeMessages
import HengeNode

/// What one shard of a node has for another one, gathered for a turn of its loop: requests on keys
/// of the other's, and answers to such.
struct ShardParcel: Sendable {
    enum Question: Sendable {
        case request(ClientRequest)
        case scan(ScanRange)
        case count
    }

    /// With the places where the asking shard keeps who is owed the answer.
    var questions: [(place: Int, question: Question)] = []
    var answers: [(place: Int, reply: ShardReply)] = []

    var isEmpty: Bool { questions.isEmpty && answers.isEmpty }
}

/// A count of all keys: each shard counts its own.
final class CountGathering {
    private var waiting: Int
    private var sum = 0
    private var failure: ShardReply?

    init(shards: Int) { waiting = shards }

    /// Takes what one shard says. Returns the answer once all have said something.
    func take(_ reply: ShardReply) -> ShardReply? {
        waiting -= 1
        if case .count(let count) = reply {
            let (more, overflow) = sum.addingReportingOverflow(count)
            sum = overflow ? .max : more
        } else if failure == nil {
            failure = reply
        }
        return waiting == 0 ? failure ?? .count(sum) : nil
    }
}
