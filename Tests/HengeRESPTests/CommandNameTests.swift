import HengeRESP
import NIOCore
import Testing

@Suite struct CommandNameTests {
    @Test("names compare without regard to case, and only to their like")
    func comparison() {
        #expect(CommandName(ByteBuffer(string: "hEnge.InSpEcT")) == "HENGE.INSPECT")
        #expect(CommandName(ByteBuffer(string: "get")) == "GET")
        #expect(CommandName(ByteBuffer(string: "gets")) != "GET")
        #expect(CommandName(ByteBuffer(string: "ge")) != "GET")
        // Folding must not make `{` of `[`, nor `@` of a back quote.
        #expect(CommandName(ByteBuffer(string: "[")) != CommandName(ByteBuffer(string: "{")))
        #expect(CommandName(ByteBuffer(string: "@")) != CommandName(ByteBuffer(string: "`")))
        let long = CommandName(ByteBuffer(string: "abcdefghijklmnop"))
        #expect(long == "ABCDEFGHIJKLMNOP" && long != "ABCDEFGHIJKLMNOQ")
        #expect(long?.folded == ("ABCDEFGHIJKLMNOP" as CommandName).folded)
        #expect(CommandName(ByteBuffer(string: "henge.get"))?.description == "HENGE.GET")
    }

    @Test("what can't be a name has none")
    func refused() {
        for bytes: [UInt8] in [[], [0x47, 0x00], [0x20], [0x7F], [0xC3, 0xA4], [0x0A]] {
            #expect(CommandName(ByteBuffer(bytes: bytes)) == nil)
        }
        #expect(CommandName(ByteBuffer(repeating: 0x41, count: 17)) == nil)
        #expect(CommandName(ByteBuffer(repeating: 0x41, count: 16)) != nil)
    }
}
