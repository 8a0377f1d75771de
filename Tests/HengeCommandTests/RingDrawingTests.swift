import HengeClient
import HengeCommand
import Testing

@Suite struct RingDrawingTests {
    @Test("the reply becomes a view, and the view a picture")
    func picture() throws {
        let owners = (0..<64).map { $0 % 3 }
        let ring = try RingView(.ring(nodes: 3, owners: owners, states: ["up", "up", "down"]))
        #expect(ring.partitions == 64)
        #expect(ring.owners == owners)
        #expect(ring.nodes.map(\.state) == ["up", "up", "down"])
        let lines = RingDrawing.lines(ring, positions: true, color: false)
        let text = lines.joined(separator: "\n")
        #expect(text.contains("64 partitions"))
        #expect(text.contains("2 of 3 nodes up"))
        #expect(
            text.contains("A  n1    up     –          1      22  34.4 %  ████████████████████████"))
        #expect(
            text.contains("C  n3    down   –          1      21  32.8 %  ██████████████████████▉"))
        #expect(
            lines.last == " 0  ABCABCABCABCABCABCABCABCABCABCABCABCABCABCABCABCABCABCABCABCABCA")
        #expect(!text.contains("\u{1B}"))
    }

    @Test("while the ring changes, the one that it changes to stands beside it")
    func change() throws {
        var ring = RingView(
            cluster: "c",
            epoch: 2,
            replicas: 1,
            nodes: (1...3).map { RingView.Node(name: "n\($0)", vnodes: 32, share: 0.5) },
            owners: (0..<64).map { $0 % 2 }
        )
        ring.nodes[2].state = "joining"
        ring.transition = RingView.Transition(
            isAborting: false,
            owners: (0..<64).map { $0 < 8 ? 2 : $0 % 2 },
            current: 1,
            writeBoth: 3,
            readNext: 4,
            next: 56
        )
        let text = RingDrawing.lines(ring, positions: false, color: false).joined(separator: "\n")
        #expect(text.contains("changes to this") && text.contains("3 of 3 nodes up"))
        #expect(text.contains("positions: n1 gives 4, n2 gives 4, n3 takes 8"))
        #expect(
            text.contains("1 not begun, 3 transferring, 4 served by the new, 56 done or the same"))
        let top = text.split(separator: "\n")[0]
        #expect(top.contains("CC") && top.contains("BA"))
        ring.transition?.isAborting = true
        let back = RingDrawing.lines(ring, positions: false, color: false).joined()
        #expect(back.contains("back to this") && back.contains("the change goes back"))
    }

    @Test("the table says how much each node is suspected and when it was last heard")
    func suspicion() {
        var nodes = (1...2).map { RingView.Node(name: "n\($0)", vnodes: 32, share: 0.5) }
        nodes[1].state = "suspect"
        nodes[1].phi = 4.25
        nodes[1].lastContact = 4321
        let ring = RingView(
            cluster: "c",
            epoch: 1,
            replicas: 3,
            nodes: nodes,
            owners: (0..<64).map { $0 % 2 }
        )
        let lines = RingDrawing.lines(ring, positions: false, color: false)
        #expect(lines.joined().contains("1 of 2 nodes up"))
        #expect(lines.last { $0.contains("n2") }?.contains("4.3     4.3 s ago") ?? false)
        #expect(lines.last { $0.contains("n1") }?.contains("–             –") ?? false)
    }

    @Test("the circle begins at the top and shows each quarter where it belongs")
    func circle() {
        let ring = RingView(
            cluster: "c",
            epoch: 1,
            replicas: 3,
            nodes: (1...4).map { RingView.Node(name: "n\($0)", vnodes: 16, share: 0.25) },
            owners: (0..<64).map { $0 / 16 }
        )
        let lines = RingCircle(radius: 4).lines(ring, labels: ["middle"], color: false)
        #expect(
            lines == [
                "     DDDDAAAA",
                "  DDD        AAA",
                " DD            AA",
                "DD              AA",
                "CD    middle    AB",
                "CC              BB",
                " CC            BB",
                "  CCC        BBB",
                "     CCCCBBBB",
            ]
        )
    }

    @Test("an owner that is no node is a fault, as is a missing field")
    func faults() {
        let stranger = HengeReply.ring(nodes: 2, owners: [0, 1, 2])
        #expect(throws: ReplyFields.Fault.self) { try RingView(stranger) }
        #expect(throws: ReplyFields.Fault(field: "nodes", wanted: "a list")) {
            try RingView(.fields(("cluster", .bulk("c"))))
        }
        #expect(throws: ReplyFields.Fault(field: "map", wanted: "a map")) {
            try RingView(.array([]))
        }
    }

    @Test("--json has every field that scripts rely on, in the order of the reply")
    func shape() {
        let text = JSON(.ring(nodes: 1, owners: [0, 0])).text
        #expect(
            text == #"{"cluster":"00c0ffee00c0ffee","epoch":1,"partitions":2,"replicas":3,"#
                + #""nodes":[{"name":"n1","id":1,"state":"up","zone":"","weight":1,"vnodes":2,"#
                + #""share":1.0,"resp":"127.0.0.1:6401","http":"","peer":"127.0.0.1:7401"}],"#
                + #""owners":["n1","n1"],"transition":null}"#
        )
    }
}
