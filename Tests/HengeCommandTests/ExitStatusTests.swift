import HengeClient
import HengeCommand
import Testing

@Suite struct ExitStatusTests {
    @Test(
        "each kind of failure has its exit code and says what to do next",
        arguments: [
            (HengeError(reply: "UNAVAILABLE required=3 alive=2 too few"), 3, "--consistency"),
            (HengeError(reply: "TIMEOUT required=2 received=1"), 4, "may still take effect"),
            (HengeError(reply: "CONFLICT siblings=100 limit=100"), 1, "--context"),
            (HengeError(reply: "ERR unknown command 'x'"), 1, "unknown command"),
            (HengeError(.connectionFailed, "connection closed"), 1, "--node"),
        ]
    )
    func codes(error: HengeError, code: Int32, hint: String) {
        let failure = CommandFailure(error)
        #expect(failure.status.rawValue == code)
        #expect(failure.message.contains(hint), "\(failure.message)")
        #expect(!failure.message.contains("\n"))
    }

    @Test("codes of error replies are for programs, and changes of the ring have other advice")
    func words() {
        #expect(CommandFailure(HengeError(reply: "ERR no member")).message == "no member")
        #expect(CommandFailure(HengeError(reply: "REFUSED only 2")).message == "only 2")
        #expect(CommandFailure(HengeError(reply: "odd words")).message == "odd words")
        let few = CommandFailure(ringChange: HengeError(reply: "UNAVAILABLE required=2 alive=1"))
        #expect(few.status == .unavailable && !few.message.contains("--consistency"))
        let slow = CommandFailure(ringChange: HengeError(reply: "TIMEOUT required=2 received=1"))
        #expect(slow.status == .timedOut && slow.message.contains("henge ring progress"))
    }

    @Test("a refused connection is told in few words, for each address")
    func refused() {
        let long =
            "can't connect to 127.0.0.1:1: NIOConnectionError(host: \"127.0.0.1\", port: 1, "
            + "error: connection refused (errno: 111))"
        let failure = CommandFailure(unreachable: [
            HengeError(.connectionFailed, long), HengeError(.connectionFailed, "odd"),
        ])
        #expect(failure.status == .failed)
        #expect(
            failure.message.hasPrefix("can't connect to 127.0.0.1:1: connection refused; odd; see")
        )
    }

    @Test("a hostile error reply can't steer the terminal")
    func hostile() {
        let failure = CommandFailure(HengeError(reply: "ERR \u{1B}[2J"))
        #expect(!failure.message.contains("\u{1B}"))
    }
}
