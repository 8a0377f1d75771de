import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRequestModel
import Testing

/// What the shard of a coordinator and of a replica allocates for a whole request.
@Suite struct RequestAllocationTests {
    @Test("coordinated: SET and GET at QUORUM, GET at ONE")
    func coordinated() throws {
        let model = try RequestModel()
        Allocations.expect(4, "SET at QUORUM, its coordinator") {
            model.request(RequestModel.write, .quorum)
        }
        Allocations.expect(0, "GET at QUORUM, its coordinator") { model.request(.read, .quorum) }
        Allocations.expect(0, "GET at ONE, its coordinator") { model.request(.read, .one) }
        #expect(model.replies == 6_000)
        #expect(model.shard.workInFlight == 0)
    }

    @Test("served for others: a store of a newer version, a fetch")
    func served() throws {
        let model = try RequestModel()
        model.request(RequestModel.write, .quorum)
        let first = try EncodedObject(try #require(model.record))
        let from = NodeID(2)
        let peer = ShardInput.message(
            from: from,
            .fetch(
                RequestID(rawValue: 8), RequestModel.key, .digest, timeout: .seconds(1), epoch: 1)
        )
        Allocations.expect(0, "a fetch of a digest") { model.step(peer) }
        // The same version again: the replica has it, and says so.
        let store = ShardInput.message(
            from: from,
            .store(RequestID(rawValue: 9), RequestModel.key, first, timeout: .seconds(1), epoch: 1)
        )
        Allocations.expect(0, "a store of what is there") { model.step(store) }
        #expect(model.sent == 4_000)
    }
}
