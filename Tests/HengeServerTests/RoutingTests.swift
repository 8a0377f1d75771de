import HengeRESP
import HengeRing
import Testing

/// Requests of clients that know the ring, and of those that don't.
@Suite(.serialized) struct RoutingTests {
    @Test("a client that asks by CLUSTER SLOTS is never forwarded; others are, and get the same")
    func forwarding() async throws {
        try await TestCluster.with(nodes: 5) { cluster in
            var clients: [TestClient] = []
            for node in 0..<5 { clients.append(try await cluster.client(node)) }
            let slots = try await clients[0].value("CLUSTER SLOTS").elements.map(\.elements)
            var masters = [Int](repeating: -1, count: HashSlot.count)
            for range in slots {
                let port = range[2].elements[1].int ?? 0
                let node = try #require(cluster.respPorts.firstIndex(of: port))
                for slot in (range[0].int ?? 0)...(range[1].int ?? 0) { masters[slot] = node }
            }
            #expect(!masters.contains(-1))
            for index in 0..<200 {
                let key = "key:\(index)"
                let slot = key.utf8.withContiguousStorageIfAvailable {
                    Int(HashSlot.of(UnsafeRawBufferPointer($0)))
                }
                let client = clients[masters[try #require(slot)]]
                #expect(try await client("SET \(key) \(index)") == "+OK")
                #expect(try await client("GET \(key)") == "\"\(index)\"")
                #expect(try await client("EXPIRE \(key) 1000") == ":1")
            }
            #expect(try await forwarded(clients) == 0)
            for index in 0..<200 {
                #expect(try await clients[index % 5]("GET key:\(index)") == "\"\(index)\"")
            }
            #expect(try await forwarded(clients) > 0)
            #expect(try await clients[4]("DBSIZE") == ":200")
            var keys: Set<String> = []
            var cursor = "0"
            repeat {
                let page = try await clients[3].value("SCAN \(cursor) COUNT 40").elements
                cursor = page[0].text
                keys.formUnion(page[1].elements.map(\.text))
            } while cursor != "0"
            #expect(keys.count == 200)
        }
    }

    private func forwarded(_ clients: [TestClient]) async throws -> Int {
        var sum = 0
        for client in clients {
            sum += try await client.value("HENGE.STATUS")["forwarded"]?.int ?? 0
        }
        return sum
    }
}
