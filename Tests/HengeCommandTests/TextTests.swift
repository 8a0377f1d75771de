import HengeCommand
import NIOCore
import Testing

@Suite struct TextTests {
    @Test("columns are as wide as their widest cell, and colour changes no width")
    func table() {
        var table = Table([.init("node"), .init("keys", .right), .init("note")])
        table.add([Painted("n1", .good), "7", "first"])
        table.add(["n2", Painted("1,234", .bad)])
        #expect(
            table.lines(color: false) == [
                "node   keys  note",
                "n1        7  first",
                "n2    1,234",
            ]
        )
        let escape = #/\u{1B}\[[0-9;]*m/#
        let colored = table.lines(color: true)
        #expect(colored[1].contains("\u{1B}["))
        let plain = colored.map { $0.replacing(escape, with: "") }
        #expect(plain.map { $0.trimmingTail } == table.lines(color: false))
    }

    @Test("bars are exact to an eighth, and something is never drawn as nothing")
    func bars() {
        #expect(Bar.text(0, width: 4) == "")
        #expect(Bar.text(1, width: 4) == "████")
        #expect(Bar.text(0.5, width: 4, padded: true) == "██  ")
        #expect(Bar.text(0.53125, width: 4) == "██▏")
        #expect(Bar.text(0.0001, width: 4) == "▏")
        #expect(Bar.text(7, width: 4) == "████")
        #expect(Bar.text(-1, width: 4) == "")
        #expect(Bar.text(.nan, width: 4) == "")
    }

    @Test("numbers for people")
    func numbers() {
        #expect(Wording.grouped(0) == "0")
        #expect(Wording.grouped(999) == "999")
        #expect(Wording.grouped(1_000) == "1,000")
        #expect(Wording.grouped(-1_234_567) == "-1,234,567")
        #expect(Wording.bytes(1023) == "1023 B")
        #expect(Wording.bytes(1536) == "1.50 KiB")
        #expect(Wording.bytes(13 << 20) == "13.0 MiB")
        #expect(Wording.bytes(600 << 20) == "600 MiB")
        #expect(Wording.percent(1 / 3) == "33.3 %")
        #expect(Wording.decimal(-0.04, places: 1) == "0.0")
        #expect(Wording.decimal(2.05, places: 2) == "2.05")
        #expect(Wording.decimal(9.996, places: 2) == "10.00")
    }

    @Test("what could steer a terminal is escaped")
    func printable() {
        #expect(Wording.printable(ByteBuffer(string: "Grüße")) == "Grüße")
        #expect(Wording.printable("a\u{1B}[2Jb\n") == "a\\u{1b}[2Jb\\n")
        #expect(Wording.printable("\u{202E}x") == "\\u{202e}x")
        #expect(Wording.printable(ByteBuffer(bytes: [0xFF, 0x00, 0x41])) == "\\xff\\x00\\x41")
        #expect(Wording.printable("abcdef", limit: 3) == "abc…")
    }

    @Test("letters of nodes are distinct as long as there are any")
    func letters() {
        #expect(Set((0..<62).map(Paint.letter)).count == 62)
        #expect(Paint.letter(0) == "A")
        #expect(Paint.letter(62) == "+")
    }

    @Test("wrong usage is one line that says where help is")
    func usage() {
        let full = """
            Error: Missing expected argument '<key>'
            Help:  <key>  The key.
            Usage: henge get <key> [--bucket <bucket>]
              See 'henge get --help' for more information.
            """
        #expect(
            UsageMessage(full).text == "Missing expected argument '<key>'; see henge get --help")
        #expect(UsageMessage("Error: It must be one.").text == "It must be one; see henge --help")
        #expect(UsageMessage("").text == "; see henge --help")
    }
}

extension String {
    fileprivate var trimmingTail: String {
        String(reversed().drop { $0 == " " }.reversed())
    }
}
