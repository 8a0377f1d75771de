import HengeRESP
import HengeServer
import Testing

@Suite struct RecoveryCommandTests {
    @Test("an unsafe recovery is refused while it isn't needed, and without the right words")
    func refused() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            let loss = try await client.value("HENGE.RING LOSS n2 n3")
            #expect(loss["lost"]?.elements.map(\.text) == ["n2", "n3"])
            #expect(loss["survivors"]?.elements.map(\.text) == ["n1"])
            #expect(loss["partitions_in_doubt"]?.int == loss["partitions"]?.int)
            #expect(loss["partitions_gone"]?.int == 0)
            let codes = loss["refusals"]?.elements.map { $0["code"]?.text }
            #expect(codes == ["is_up", "is_up", "majority_up"])

            let cluster = try #require(loss["cluster"]?.text)
            #expect(
                try await client("HENGE.RING RECOVER x 1 n2 n3")
                    == "-REFUSED this cluster is called \(cluster)")
            #expect(
                try await client("HENGE.RING RECOVER \(cluster) 2 n2 n3").hasPrefix(
                    "-STALEPLAN the ring has changed since, epoch 1"))
            #expect(
                try await client("HENGE.RING RECOVER \(cluster) 1 n2 n3").hasPrefix(
                    "-REFUSED n2 is up, so it is not gone; n3 is up"))
            #expect(
                try await client("HENGE.RING LOSS n9") == "-ERR no member is called 'n9'")
            #expect(
                try await client("HENGE.RING LOSS n1 n2 n3")
                    == "-ERR No node that owns a part of the ring would be left.")
            for wrong in ["LOSS", "RECOVER x 1"] {
                #expect(
                    try await client("HENGE.RING \(wrong)").contains("wrong number of arguments"))
            }
        }
    }
}
