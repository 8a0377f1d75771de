/// Why a request failed, and what the caller may conclude from it.
public struct HengeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is. More kinds may follow.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        private init(_ description: String) {
            self.description = description
        }

        /// Fewer live replicas than the level requires (``HengeError/required``,
        /// ``HengeError/alive``). Nothing was written.
        public static let unavailable = Code("unavailable")
        /// Too few answers in time (``HengeError/required``, ``HengeError/received``), or no reply
        /// at all within the request timeout. **A write may still happen.**
        public static let timedOut = Code("timedOut")
        /// Too much is in flight, on the node or on this connection. Nothing was done; retry later.
        public static let overloaded = Code("overloaded")
        /// A key, a value or the request is over a limit. Nothing was done.
        public static let tooLarge = Code("tooLarge")
        /// The object has as many siblings as it may have. Nothing was written; read it, merge the
        /// siblings, and write with its context.
        public static let conflict = Code("conflict")
        /// The context of a write is one that the cluster can't use any more. Nothing was written;
        /// read again.
        public static let staleContext = Code("staleContext")
        /// A replica's storage failed. **A write may still happen.**
        public static let storage = Code("storage")
        /// The connection couldn't be made, or broke. ``HengeError/mayHaveHappened`` says whether
        /// the request may have reached the node.
        public static let connectionFailed = Code("connectionFailed")
        /// The node sent what isn't the protocol, or not an answer to the question.
        public static let protocolViolation = Code("protocolViolation")
        /// Any other error reply, such as `ERR unknown command`: see ``HengeError/message``.
        public static let server = Code("server")
        /// An argument makes no sense. Nothing was sent.
        public static let invalidArgument = Code("invalidArgument")
    }

    public let code: Code

    /// For people. Of an error reply it is the reply, with its code word and without the `-`.
    public let message: String

    /// Whether the request may have been carried out, or may still be. Only writes need to care.
    public let mayHaveHappened: Bool

    /// The numbers that an error reply names, such as `required=2 alive=1`, in their order.
    private let fields: [Field]

    private struct Field: Equatable, Sendable {
        var name: String
        var number: Int
    }

    /// Replicas that the level asks for.
    public var required: Int? { number("required") }
    /// Replicas that were alive.
    public var alive: Int? { number("alive") }
    /// Replicas that answered in time.
    public var received: Int? { number("received") }

    package init(_ code: Code, _ message: String, mayHaveHappened: Bool = false) {
        self.code = code
        self.message = message
        self.mayHaveHappened = mayHaveHappened
        self.fields = []
    }

    /// Reads an error reply.
    ///
    /// - Parameter reply: such as `UNAVAILABLE required=2 alive=1`, without the leading `-`.
    package init(reply: String) {
        let words = reply.split(separator: " ")
        code = HengeError.code(of: words.first ?? "")
        message = reply
        mayHaveHappened = code == .timedOut || code == .storage
        fields = words.dropFirst().compactMap { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let number = Int(parts[1]) else { return nil }
            return Field(name: String(parts[0]), number: number)
        }
    }

    private static func code(of word: Substring) -> Code {
        switch word {
        case "UNAVAILABLE": .unavailable
        case "TIMEOUT": .timedOut
        case "OVERLOADED": .overloaded
        case "TOOLARGE": .tooLarge
        case "CONFLICT": .conflict
        case "STALECONTEXT": .staleContext
        case "STORAGE": .storage
        default: .server
        }
    }

    /// The number that the reply gives under `name`, if it does.
    public func number(_ name: String) -> Int? {
        fields.first { $0.name == name }?.number
    }

    public var description: String { "\(code): \(message)" }
}
