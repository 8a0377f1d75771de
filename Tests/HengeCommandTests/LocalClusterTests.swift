import HengeCommand
import Testing

@Suite struct LocalClusterTests {
    @Test("node i listens on base + i, + 1000 + i and + 2000 + i")
    func ports() {
        let cluster = LocalCluster(nodeCount: 3)
        #expect(cluster.nodes.map(\.name) == ["n1", "n2", "n3"])
        #expect(cluster.nodes.map(\.resp) == [6401, 6402, 6403])
        #expect(cluster.nodes.map(\.peer) == [7401, 7402, 7403])
        #expect(cluster.nodes.map(\.http) == [8401, 8402, 8403])
        #expect(cluster.bootstrap == "n1=127.0.0.1:7401,n2=127.0.0.1:7402,n3=127.0.0.1:7403")
        let largest = LocalCluster(
            nodeCount: LocalCluster.nodeCounts.upperBound,
            basePort: LocalCluster.basePorts.upperBound
        )
        #expect(largest.nodes.allSatisfy { $0.ports.allSatisfy { $0.port <= 65_535 } })
    }

    @Test("with shards a node has as many ports for its peers, one behind the other")
    func shards() {
        let cluster = LocalCluster(nodeCount: 2, settings: [.init("shards", "4")])
        #expect(cluster.nodes.map(\.peer) == [7401, 7405])
        #expect(cluster.bootstrap == "n1=127.0.0.1:7401,n2=127.0.0.1:7405")
        let ports = cluster.nodes.flatMap(\.ports)
        #expect(ports.count { $0.purpose == "peer" } == 8)
        #expect(Set(ports.map(\.port)).count == ports.count)
        #expect(LocalCluster(text: cluster.text) == cluster)
        for shards in [1, 2, 64] {
            let most = LocalCluster(
                nodeCount: LocalCluster.nodesMax(shards: shards),
                settings: [.init("shards", "\(shards)")]
            )
            let ports = most.nodes.flatMap(\.ports).map(\.port)
            #expect(Set(ports).count == ports.count)
        }
    }

    @Test("a node's command line names its addresses, the list, and the options given")
    func arguments() {
        let cluster = LocalCluster(
            nodeCount: 2,
            basePort: 16400,
            settings: [.init("durability", "interval")]
        )
        let words = cluster.arguments(for: cluster.nodes[1], data: "d/n2/data")
        #expect(
            words.joined(separator: " ")
                == "serve --name n2 --data d/n2/data --resp 127.0.0.1:16402 --http 127.0.0.1:18402 "
                + "--peer 127.0.0.1:17402 --bootstrap n1=127.0.0.1:17401,n2=127.0.0.1:17402 "
                + "--durability interval"
        )
    }

    @Test("a node that was added joins by way of the others, which decide on the ring's shape")
    func added() {
        let cluster = LocalCluster(
            nodeCount: 2,
            added: 1,
            settings: [.init("replicas", "2"), .init("durability", "interval")]
        )
        #expect(cluster.nodes.map(\.name) == ["n1", "n2", "n3"])
        #expect(
            cluster.arguments(for: cluster.nodes[2], data: "d/n3/data").joined(separator: " ")
                == "serve --name n3 --data d/n3/data --resp 127.0.0.1:6403 --http 127.0.0.1:8403 "
                + "--peer 127.0.0.1:7403 --join 127.0.0.1:7401,127.0.0.1:7402 "
                + "--durability interval"
        )
        let first = cluster.arguments(for: cluster.nodes[0], data: "d").joined(separator: " ")
        #expect(first.contains("--bootstrap n1=127.0.0.1:7401,n2=127.0.0.1:7402 --replicas 2"))
        #expect(
            cluster.text
                == "nodes=2\nbase-port=6400\nadded=1\nreplicas=2\ndurability=interval\n"
        )
        #expect(LocalCluster(text: cluster.text) == cluster)
    }

    @Test("what is written is read, and nothing else")
    func file() {
        var cluster = LocalCluster(nodeCount: 5, basePort: 20_000)
        cluster.set("durability", "sync")
        cluster.set("partitions", "64")
        cluster.set("durability", "interval")
        #expect(
            cluster.text == "nodes=5\nbase-port=20000\ndurability=interval\npartitions=64\n"
        )
        #expect(LocalCluster(text: cluster.text) == cluster)
        #expect(LocalCluster(text: cluster.text)?.setting("durability") == "interval")
        for text in [
            "", "nodes=5", "nodes=0\nbase-port=6400", "nodes=3\nbase-port=80", "nodes=3\n6400",
            "nodes=3\nbase-port=65000", "base-port=6400\nnodes=3", "nodes=3\nbase-port=6400\n=x",
            "nodes=3\nbase-port=6400\nA b=x", "nodes=3\nbase-port=6400\nadded=0",
            "nodes=3\nbase-port=6400\nadded=97", "nodes=999999999999999999999\nbase-port=6400",
        ] {
            #expect(LocalCluster(text: text) == nil, "\(text)")
        }
    }
}
