import HengeMessages
import HengeRing

/// A command whose reply its connection is owed. Replies leave in the order of the commands.
struct PendingReply {
    enum Work {
        /// One request, in flight.
        case waiting(ReplyForm)
        /// Answered before a command in front of it.
        case answered(ReplyForm, ClientResponse)
        case fanOut(FanOut)
        case coverage(CoverageJob)
        /// A change of the ring that is worked out or decided on.
        case administration
    }

    var work: Work
    /// Of a single request.
    var token = Token.min
    var isWrite = false
    /// Bytes of the request, in flight.
    var charge = 0
    /// Of a request that asked for it and has been answered.
    var explanation: Explanation?
    /// Bytes of the answer, waiting.
    var answeredBytes = 0
}
