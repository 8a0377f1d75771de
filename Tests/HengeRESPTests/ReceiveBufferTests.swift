import HengeRESP
import NIOCore
import Testing

@Suite struct ReceiveBufferTests {
    @Test("an unfinished request doesn't pin the receive buffer that it came in")
    func pinsNothing() {
        var incoming = ByteBufferAllocator().buffer(capacity: 65_536)
        incoming.writeString("*1\r\n")
        var inbox = ReceiveBuffer()
        inbox.append(incoming)
        inbox.settle()
        #expect(String(buffer: inbox.bytes) == "*1\r\n")
        #expect(inbox.bytes.storageCapacity <= 64)
        inbox.bytes.moveReaderIndex(forwardBy: 4)
        inbox.settle()
        #expect(inbox.bytes.storageCapacity == 0)
    }

    @Test("slices handed out keep their bytes while more arrives")
    func slicesStay() throws {
        var inbox = ReceiveBuffer()
        var parser = RESPRequestParser()
        inbox.append(ByteBuffer(string: "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nEC"))
        let first = try #require(try parser.next(&inbox.bytes))
        #expect(try parser.next(&inbox.bytes) == nil)
        inbox.append(ByteBuffer(string: "HO\r\n"))
        let second = try #require(try parser.next(&inbox.bytes))
        #expect(first.name == "PING")
        #expect(second.name == "ECHO")
    }
}
