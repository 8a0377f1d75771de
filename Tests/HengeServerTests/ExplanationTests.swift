import HengeBase
import HengeMessages
import HengeRESP
import HengeRing
import HengeServer
import NIOCore
import Testing

/// Explanations on one axis of time, and within the bounds of a header.
@Suite struct ExplanationTests {
    private let key = StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: "kéy"))

    private func leg(
        _ node: UInt16,
        _ steps: (microseconds: UInt64, event: Explanation.Event)...
    ) -> Explanation.Leg {
        Explanation.Leg(
            node: NodeID(node),
            epoch: 1,
            steps: steps.map {
                Explanation.Step(after: .microseconds($0.microseconds), event: $0.event)
            }
        )
    }

    private func reply(_ explanation: Explanation?) throws -> ExplanationReply {
        let list = (1...3).map { "n\($0)=127.0.0.1:\(7400 + $0)" }.joined(separator: ",")
        let bootstrap = try BootstrapList.parse(list)
        let document = try RingDocument.bootstrap(bootstrap, replicas: 3, partitions: 64)
        return ExplanationReply(
            command: "GET",
            request: ClientRequest(
                key: key,
                operation: .read,
                levels: .standard,
                timeout: .seconds(1),
                isExplained: true
            ),
            response: .failed(.timedOut(required: 2, received: 1)),
            explanation: explanation,
            world: ExplanationReply.World(
                ring: Ring(document),
                wall: WallTime(milliseconds: 1)
            ) { $0 == NodeID(3) ? "down" : "up" }
        )
    }

    @Test("a forwarded leg lies in the middle of the time that its sender waited")
    func axis() {
        let explanation = Explanation(legs: [
            leg(
                1,
                (100, .forwards(NodeID(2), isHedge: false)), (500, .forwardAnswered(NodeID(2))),
                (500, .replies(isSuccess: true))
            ),
            leg(
                2,
                (0, .coordinates(reads: 1, writes: 0)), (10, .forwards(NodeID(3), isHedge: false)),
                (190, .forwardAnswered(NodeID(3))), (200, .replies(isSuccess: true)),
                (900, .deadline)
            ),
            // It says that it took longer than it was waited for: its clock runs fast.
            leg(3, (1_000, .replies(isSuccess: true))),
            // Nobody says that it was asked.
            leg(4, (7, .deadline)),
        ])
        let timeline = ExplanationTimeline(explanation)
        #expect(timeline.starts == [0, 200, 210, 0].map { .microseconds($0) })
        let times = timeline.moments.map { "\($0.node.rawValue)@\($0.after.microseconds)" }
        #expect(
            times == [
                "4@7", "1@100", "2@200", "2@210", "2@390", "2@400", "1@500", "1@500", "2@1100",
                "3@1210",
            ]
        )
    }

    @Test("times at the far end of what a node may tell do not trap")
    func extremes() {
        let far = Explanation.Step(
            after: Interval(nanoseconds: .max),
            event: .forwards(NodeID(1), isHedge: true)
        )
        let leg = Explanation.Leg(node: NodeID(1), epoch: .max, steps: [far, far])
        let legs = Array(repeating: leg, count: Explanation.legsMax)
        #expect(ExplanationTimeline(Explanation(legs: legs)).moments.count == 16)
    }

    @Test("the tree tells of the key, the levels, the replicas and the failure")
    func tree() throws {
        let version = Explanation.Version(digest: .absent, siblings: 2, bytes: 64)
        let explanation = Explanation(legs: [
            leg(
                1,
                (0, .coordinates(reads: 2, writes: 0)), (0, .skips(NodeID(3))),
                (0, .asks(NodeID(1), .object)), (0, .asks(NodeID(2), .digest)),
                (20, .answers(NodeID(1), .object(version))),
                (900, .answers(NodeID(2), .overloaded)), (901, .replies(isSuccess: false)),
                (950, .answers(NodeID(2), .absent))
            )
        ])
        guard case .map(let fields) = try reply(explanation).tree() else {
            Issue.record("no map")
            return
        }
        let tree = fields.reduce(into: [:]) { $0[$1.name] = $1.value }
        #expect(tree["command"] == .text("GET") && tree["level"] == .text("QUORUM"))
        #expect(tree["required"] == .map(["read": .integer(2), "write": .null]))
        // What came after the answer, and what was no version, does not count.
        #expect(tree["reached"] == .map(["read": .integer(1), "write": .integer(0)]))
        #expect(tree["ok"] == .boolean(false) && tree["after_us"] == .integer(901))
        #expect(
            tree["outcome"]
                == .text("TIMEOUT required=2 received=1 too few replicas answered in time")
        )
        #expect(tree["node"] == .text("n1") && tree["coordinator"] == .text("n1"))
        guard case .array(let list)? = tree["preference_list"],
            case .array(let steps)? = tree["steps"]
        else {
            Issue.record("no lists")
            return
        }
        #expect(list.count == 3 && steps.count == 8)
        #expect(
            list.contains(
                .map([
                    "node": .text("n3"), "zone": .text(""), "state": .text("down"),
                    "role": .text("replica"), "for": .null,
                ])
            )
        )
        #expect(
            steps[4]
                == .map([
                    "node": .text("n1"), "after_us": .integer(20), "event": .text("answers"),
                    "peer": .text("n1"), "found": .text("object"),
                    "digest": .text("0000000000000000"), "siblings": .integer(2),
                    "bytes": .integer(64),
                ])
        )
    }

    @Test("a request that could not be explained says so, and nothing false")
    func without() throws {
        guard case .map(let fields) = try reply(nil).tree() else {
            Issue.record("no map")
            return
        }
        let tree = fields.reduce(into: [:]) { $0[$1.name] = $1.value }
        #expect(tree["cut"] == .boolean(true) && tree["steps"] == .array([]))
        #expect(tree["node"] == .null && tree["after_us"] == .null)
    }

    @Test("a header is bounded ASCII: the last steps are left out and it says so")
    func header() throws {
        let long = (0..<250).map { (UInt64($0), Explanation.Event.hedges) }
        let steps = long.map { Explanation.Step(after: .microseconds($0.0), event: $0.1) }
        let legs = [Explanation.Leg(node: NodeID(1), epoch: 1, steps: steps)]
        let cut = try #require(ExplanationHeader(try reply(Explanation(legs: legs)))).text
        #expect(cut.utf8.count <= ExplanationHeader.bytesMax && cut.utf8.count > 3_000)
        #expect(cut.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
        let document = try #require(JSONValue(parsing: cut.utf8))
        #expect(document["cut"] == .bool(true) && document["key"] == nil)
        let few = Explanation.Leg(node: NodeID(1), epoch: 1, steps: Array(steps.prefix(5)))
        let whole = try #require(ExplanationHeader(try reply(Explanation(legs: [few])))).text
        #expect(JSONValue(parsing: whole.utf8)?["cut"] == .bool(false))
    }
}
