import Foundation
import HengeServer
import NIOCore
import NIOHTTP1
import Testing

/// A recorded dialogue with Riak KV 3.2.3 (`riak-dialogue.txt`), had anew with Henge: wherever a
/// client looks, the answers are the same.
@Suite struct RiakDialogueTests {
    /// One command of the recording, with what Riak answered.
    struct Exchange {
        var method = HTTPMethod.GET
        var path = ""
        var headers: [(String, String)] = []
        var body: String?
        var reply = HTTPReply(status: 0, headers: [])
        var replyBody = ""

        var name: String { "\(method) \(path) \(headers.map(\.1)) \(body ?? "")" }

        init?(_ text: Substring) {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            guard let command = lines.first, lines.count > 2 else { return nil }
            readCommand(command)
            guard let blank = lines.dropFirst().firstIndex(of: "") else { return nil }
            reply.status = Int(lines[1].split(separator: " ")[1]) ?? 0
            for line in lines[2..<blank] {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                reply.headers.append((String(line[..<colon]), String(value)))
            }
            replyBody = lines[(blank + 1)...].joined(separator: "\n")
        }

        /// `$ curl [-I] [-XPUT] [-H Name: value]… URL [-H …] [-d body]`, without quotes.
        private mutating func readCommand(_ command: Substring) {
            var words = command.split(separator: " ").dropFirst(2)
            while let word = words.popFirst() {
                switch word {
                case "-I": method = .HEAD
                case "-H":
                    var value: [Substring] = []
                    let name = words.popFirst() ?? ""
                    while let next = words.first, next != "-H", next != "-d",
                        !next.hasPrefix("http://")
                    {
                        value.append(next)
                        words.removeFirst()
                    }
                    headers.append((String(name.dropLast()), value.joined(separator: " ")))
                case "-d": body = words.popFirst().map(String.init)
                case let word where word.hasPrefix("-X"):
                    method = HTTPMethod(rawValue: String(word.dropFirst(2)))
                default:
                    path = "/" + word.split(separator: "/").dropFirst(2).joined(separator: "/")
                }
            }
            if !headers.contains(where: { $0.0 == "Accept" }) { headers.append(("Accept", "*/*")) }
        }
    }

    static let exchanges: [Exchange] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "riak-dialogue.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.components(separatedBy: "\n$ curl")
            .map { $0.hasPrefix("$") ? $0 : "$ curl" + $0 }
            .compactMap { Exchange($0[...]) }
    }()

    @Test("the recording is read")
    func recording() {
        #expect(Self.exchanges.count == 18)
        #expect(Self.exchanges.allSatisfy { $0.reply.status >= 200 && $0.path.hasPrefix("/bu") })
    }

    @Test("the dialogue with Riak is had with Henge, on three nodes")
    func dialogue() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            var (riak, henge) = (Names(), Names())
            for exchange in Self.exchanges {
                let reply = try await http(
                    exchange.method,
                    exchange.path,
                    exchange.headers,
                    body: exchange.body.map { ByteBuffer(string: $0) }
                )
                #expect(reply.status == exchange.reply.status, "\(exchange.name)")
                compareHeaders(exchange, reply, &riak, &henge)
                compareBodies(exchange, reply, &riak, &henge)
            }
            try await http.close()
        }
    }

    /// Those that Riak's clients read.
    private static let read = [
        "X-Riak-Vclock", "X-Riak-Meta-Foo", "X-Riak-Deleted", "Link", "Last-Modified", "ETag",
        "Content-Type", "Location", "Vary", "Content-Length", "Transfer-Encoding",
    ]

    private func compareHeaders(
        _ exchange: Exchange,
        _ reply: HTTPReply,
        _ riak: inout Names,
        _ henge: inout Names
    ) {
        for name in Self.read {
            guard let expected = exchange.reply[name], !mayDiffer(name, in: exchange) else {
                continue
            }
            if name == "X-Riak-Vclock" {
                #expect(reply[name]?.isEmpty == false, "\(name) of \(exchange.name)")
                continue
            }
            // The one header that SwiftNIO spells.
            let spelled = name == "Transfer-Encoding" ? name.lowercased() : name
            let shown = reply[spelled].map { henge.normalize($0) }
            #expect(shown == riak.normalize(expected), "\(name) of \(exchange.name)")
        }
    }

    /// The type of what has no body or is for people, and the length of what lists less: Henge
    /// lists no deleted keys, and its properties have other values.
    private func mayDiffer(_ name: String, in exchange: Exchange) -> Bool {
        switch exchange.reply.status {
        // Riak ends its reasons with a line end, but for this one.
        case 400: name == "Content-Length" && exchange.path.hasSuffix("/preflist")
        case 412: name.hasPrefix("Content-") || name == "Vary"
        case 204: name == "Content-Type" && exchange.method == .DELETE
        case 200: name == "Content-Length" && exchange.method == .GET
        default: false
        }
    }

    private func compareBodies(
        _ exchange: Exchange,
        _ reply: HTTPReply,
        _ riak: inout Names,
        _ henge: inout Names
    ) {
        if exchange.path.hasSuffix("/props"), exchange.method == .GET {
            compareProperties(exchange.replyBody, reply.text)
        } else if exchange.path.contains("?keys=") {
            let expected = keys(exchange.replyBody).subtracting(["k9"])
            #expect(
                Set(keys(reply.text).map { henge.normalize($0) })
                    == Set(expected.map { riak.normalize($0) }), "\(exchange.name)"
            )
        } else if exchange.reply.status != 412 {
            // The recording shows line ends of MIME as others, and ends each body with one or two.
            let shown = henge.normalize(reply.text.replacing("\r\n", with: "\n"))
            let expected = riak.normalize(exchange.replyBody)
            #expect(trimmed(shown) == trimmed(expected), "\(exchange.name)")
        }
    }

    private func trimmed(_ text: String) -> String {
        text.trimmingCharacters(in: .newlines)
    }

    private func keys(_ text: String) -> Set<String> {
        var keys: Set<String> = []
        for part in text.split(separator: "}") where part.contains("[") {
            let list = part.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }
            for word in list.split(separator: ",") {
                keys.insert(word.trimmingCharacters(in: CharacterSet(charactersIn: "\"")))
            }
        }
        return keys
    }

    /// Henge keeps siblings by default, and tracks them by dots.
    private func compareProperties(_ expected: String, _ shown: String) {
        let differing: Set = ["allow_mult", "dvv_enabled"]
        guard case .object(let riak)? = JSONValue(parsing: expected.utf8)?["props"],
            case .object(let henge)? = JSONValue(parsing: shown.utf8)?["props"]
        else {
            Issue.record("no properties: \(shown)")
            return
        }
        #expect(riak.map(\.name) == henge.map(\.name))
        for (a, b) in zip(riak, henge) where !differing.contains(a.name) {
            #expect(a.value == b.value, "\(a.name)")
        }
        #expect(shown.hasPrefix("{\"props\":{\"name\":\"smp\",\"allow_mult\":true,"))
    }
}

/// What differs from run to run, by the order in which it comes up.
private struct Names {
    private var seen: [String: String] = [:]

    mutating func normalize(_ text: String) -> String {
        var out = text
        let date = /[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT/
        out.replace(date, with: "DATE")
        // Before tags, which are as long as parts of it.
        out.replace(/boundary=[0-9A-Za-z]+/, with: "boundary=B")
        out.replace(/--[0-9A-Za-z]{20,}/, with: "--B")
        for match in out.matches(of: /[0-9A-Za-z]{11,}/).map({ String($0.output) }) {
            // The lengths of tags and of chosen keys; words of the text are shorter or longer.
            guard match.utf8.count == 22 || match.utf8.count == 27, seen[match] == nil else {
                continue
            }
            seen[match] = "#\(seen.count)"
        }
        for (word, name) in seen { out = out.replacing(word, with: name) }
        return out
    }
}
