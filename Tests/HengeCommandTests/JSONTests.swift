import HengeClient
import HengeCommand
import NIOCore
import Testing

@Suite struct JSONTests {
    @Test("fields keep their order, and strings their characters")
    func writing() {
        let value = JSON.object(
            ("z", .integer(1)), ("a", .array([.null, .boolean(true), .number(0.25)])),
            ("text", .string("q\"\\\n\t\u{01}é"))
        )
        #expect(
            value.text == #"{"z":1,"a":[null,true,0.25],"text":"q\"\\\n\t\u0001é"}"#
        )
        #expect(JSON.number(.infinity).text == "null")
        #expect(JSON.array([]).text == "[]")
        #expect(JSON.object([]).text == "{}")
    }

    @Test("bytes are text where they are UTF-8, else base64")
    func binary() {
        #expect(JSON.binary(ByteBuffer(string: "stone")).text == #""stone""#)
        #expect(JSON.binary(ByteBuffer(bytes: [0xFF, 0xFE, 0x00])).text == #"{"base64":"//4A"}"#)
        // A lone continuation byte and an overlong form are no UTF-8.
        #expect(JSON.binary(ByteBuffer(bytes: [0x80])).text == #"{"base64":"gA=="}"#)
        #expect(JSON.binary(ByteBuffer(bytes: [0xC0, 0x80])).text == #"{"base64":"wIA="}"#)
    }

    @Test("a node's map becomes an object")
    func replies() {
        let reply = HengeReply.map([
            .init(key: .bytes(ByteBuffer(string: "epoch")), value: .integer(1)),
            .init(key: .text("share"), value: .double(0.5)),
            .init(key: .text("transition"), value: .null),
            .init(key: .text("owners"), value: .array([.text("n1"), .boolean(false)])),
        ])
        #expect(
            JSON(reply).text
                == #"{"epoch":1,"share":0.5,"transition":null,"owners":["n1",false]}"#
        )
    }
}
