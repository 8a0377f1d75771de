package import HengeClient

extension CommandFailure {
    /// A request's failure, with the exit code that scripts expect and what to do next.
    package init(_ error: HengeError) {
        let message = Wording.printable(error.message, limit: 500)
        switch error.code {
        case .unavailable:
            self.init(
                .unavailable,
                "\(message); start the nodes that are down (henge ring show tells which), "
                    + "or ask for fewer replicas with --consistency"
            )
        case .timedOut:
            let doubt = error.mayHaveHappened ? "; a write may still take effect" : ""
            self.init(.timedOut, "\(message)\(doubt); try again")
        case .connectionFailed:
            let doubt = error.mayHaveHappened ? "a write may still take effect; " : ""
            self.init(
                .failed,
                "\(Self.shortened(message)); \(doubt)see that a node runs there (henge cluster "
                    + "status), or name another with --node"
            )
        case .overloaded: self.init(.failed, "\(message); try again later")
        case .tooLarge: self.init(.failed, "\(message); store less, or raise the nodes' limit")
        case .conflict, .staleContext:
            self.init(.failed, "\(message); read the key again and write with its new --context")
        case .storage:
            self.init(.failed, "\(message); a write may still take effect; see the nodes' logs")
        case .protocolViolation:
            self.init(.failed, "\(message); is it a henge node of this version?")
        default: self.init(.failed, Self.withoutCode(message))
        }
    }

    /// A failure to decide on a change of the ring.
    package init(ringChange error: HengeError) {
        let message = Wording.printable(error.message, limit: 500)
        switch error.code {
        case .unavailable:
            self.init(
                .unavailable,
                "\(message); start members that are down (henge ring show tells which)"
            )
        case .timedOut:
            self.init(
                .timedOut,
                "\(message); henge ring progress shows whether it has begun, after that try again"
            )
        default: self.init(error)
        }
    }

    /// The code is for programs: `ERR`, or `REFUSED`.
    private static func withoutCode(_ message: String) -> String {
        let parts = message.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].allSatisfy({ ("A"..."Z").contains($0) }) else {
            return message
        }
        return String(parts[1])
    }

    /// No address could be reached.
    package init(unreachable failures: [HengeError]) {
        let reasons = failures.map { Self.shortened(Wording.printable($0.message, limit: 500)) }
        self.init(
            .failed,
            "\(reasons.joined(separator: "; ")); see that a node runs there (henge cluster "
                + "status), or name another with --node"
        )
    }

    /// Why a node gave no answer, without what to do about it.
    package static func reason(of error: HengeError) -> String {
        shortened(Wording.printable(error.message, limit: 500))
    }

    /// The transport's description of a refused connection is several times as long as its point.
    private static func shortened(_ message: String) -> String {
        let words = message.split(separator: " ", maxSplits: 3)
        guard message.hasPrefix("can't connect to "), words.count > 3 else { return message }
        let reasons = [
            ("refused", "connection refused"), ("imed out", "no answer in time"),
            ("imeout", "no answer in time"), ("nreachable", "unreachable"),
        ]
        let known = reasons.first { message.contains($0.0) }
        let address = words[3].prefix { $0 != " " }
        return known.map { "can't connect to \(address) \($0.1)" } ?? message
    }
}
