import HengeRESP
import NIOCore
import Testing

@Suite struct RESPWriterTests {
    private func written(
        _ version: RESPVersion,
        _ body: (RESPWriter, inout ByteBuffer) -> Void
    ) -> String {
        var out = ByteBuffer()
        body(RESPWriter(version), &out)
        return String(buffer: out)
    }

    @Test("each reply in both versions, byte for byte")
    func forms() {
        let cases: [(String, String, (RESPWriter, inout ByteBuffer) -> Void)] = [
            ("+OK\r\n", "+OK\r\n", { $0.ok(into: &$1) }),
            ("+PONG\r\n", "+PONG\r\n", { $0.pong(into: &$1) }),
            ("$-1\r\n", "_\r\n", { $0.null(into: &$1) }),
            ("*-1\r\n", "_\r\n", { $0.nullArray(into: &$1) }),
            ("*0\r\n", "*0\r\n", { $0.emptyArray(into: &$1) }),
            ("+a b\r\n", "+a b\r\n", { $0.simpleString("a b", into: &$1) }),
            (":-7\r\n", ":-7\r\n", { $0.integer(-7, into: &$1) }),
            (":1\r\n", "#t\r\n", { $0.boolean(true, into: &$1) }),
            (":0\r\n", "#f\r\n", { $0.boolean(false, into: &$1) }),
            ("$3\r\n1.5\r\n", ",1.5\r\n", { $0.double(1.5, into: &$1) }),
            ("$1\r\n3\r\n", ",3\r\n", { $0.double(3, into: &$1) }),
            ("$4\r\n-inf\r\n", ",-inf\r\n", { $0.double(-.infinity, into: &$1) }),
            ("$3\r\nnan\r\n", ",nan\r\n", { $0.double(.nan, into: &$1) }),
            ("$3\r\na\0b\r\n", "$3\r\na\0b\r\n", { $0.bulk("a\0b", into: &$1) }),
            ("$0\r\n\r\n", "$0\r\n\r\n", { $0.bulk(ByteBuffer(), into: &$1) }),
            ("$2\r\nhi\r\n", "$2\r\nhi\r\n", { $0.bulk([0x68, 0x69], into: &$1) }),
            ("$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n", { $0.verbatim("hi", into: &$1) }),
            ("*2\r\n", "*2\r\n", { $0.arrayHeader(2, into: &$1) }),
            ("*4\r\n", "%2\r\n", { $0.mapHeader(2, into: &$1) }),
            ("*2\r\n", "~2\r\n", { $0.setHeader(2, into: &$1) }),
            ("*2\r\n", ">2\r\n", { $0.pushHeader(2, into: &$1) }),
        ]
        for (v2, v3, body) in cases {
            #expect(written(.v2, body) == v2)
            #expect(written(.v3, body) == v3)
        }
    }

    @Test("a line break in an error or a simple string can't end the reply")
    func injection() {
        #expect(
            written(.v2) { $0.error("ERR a\r\nb\n+OK ä\r", into: &$1) }
                == "-ERR a  b +OK ä \r\n"
        )
        #expect(written(.v3) { $0.simpleString("\n", into: &$1) } == "+ \r\n")
        #expect(
            written(.v2) { $0.error(RESPProtocolError.expectedBulk(got: 10), into: &$1) }
                == "-ERR Protocol error: expected '$', got '\\x0a'\r\n"
        )
    }

    @Test("integers at every length")
    func integers() {
        var values: [Int64] = [0, .min, .max]
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            values += [power - 1, power, -power, 1 - power]
        }
        for value in values {
            #expect(written(.v2) { $0.integer(value, into: &$1) } == ":\(value)\r\n")
        }
    }

    @Test("strings as requests and buffers as requests encode alike")
    func requestEncoder() {
        var a = ByteBuffer()
        var b = ByteBuffer()
        RESPRequestEncoder.encode(["GET", "ä"], into: &a)
        RESPRequestEncoder.encode([ByteBuffer(string: "GET"), ByteBuffer(string: "ä")], into: &b)
        #expect(a == b)
        #expect(String(buffer: a) == "*2\r\n$3\r\nGET\r\n$2\r\nä\r\n")
    }
}
