import Glibc
package import Logging

/// How `henge serve` writes its log: one event a line, on standard error.
package enum LogFormat: String, Sendable {
    /// For people, as swift-log writes it.
    case text
    /// An object a line, for what collects logs.
    case json

    package func handler(label: String, level: Logger.Level) -> any LogHandler {
        handler(label: label, level: level, stream: StandardError())
    }

    package func handler(
        label: String,
        level: Logger.Level,
        stream: any TextOutputStream & Sendable
    ) -> any LogHandler {
        switch self {
        case .text:
            var text = StreamLogHandler(label: label, stream: OneLineStream(stream))
            text.logLevel = level
            return text
        case .json: return JSONLogHandler(label: label, level: level, stream: stream)
        }
    }
}

/// Each text in one call of the system, so that lines of several threads don't mix.
private struct StandardError: TextOutputStream {
    mutating func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes {
                Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
            guard written > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, written))
        }
    }
}

/// Passes on texts that end with a line's end, with any other control characters escaped: what an
/// event quotes of others must not look like another event.
private struct OneLineStream: TextOutputStream, Sendable {
    private var stream: any TextOutputStream & Sendable

    init(_ stream: any TextOutputStream & Sendable) {
        self.stream = stream
    }

    mutating func write(_ text: String) {
        let isPlain = text.utf8.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard !isPlain else { return stream.write(text) }
        var out = ""
        for scalar in text.unicodeScalars.dropLast() {
            if scalar.value >= 0x20, scalar.value != 0x7F {
                out.unicodeScalars.append(scalar)
            } else {
                out += scalar.escaped(asASCII: true)
            }
        }
        stream.write(out + "\n")
    }
}

/// Writes `{"time","level","logger","message",…}`: what an event says beside its message are
/// fields after these, in order of their names, as strings.
struct JSONLogHandler: LogHandler {
    private let label: String
    private let stream: any TextOutputStream & Sendable
    var logLevel: Logger.Level
    var metadata = Logger.Metadata()

    /// Fields of their own, which an event's must not take the place of.
    private static let own: Set<String> = ["time", "level", "logger", "message"]

    init(label: String, level: Logger.Level, stream: any TextOutputStream & Sendable) {
        self.label = label
        self.stream = stream
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var facts = metadata.merging(event.metadata ?? [:]) { _, said in said }
        if let error = event.error { facts["error"] = "\(error)" }
        var fields = [
            JSON.Field("time", .string(Self.timestamp())),
            JSON.Field("level", .string(event.level.rawValue)),
            JSON.Field("logger", .string(label)),
            JSON.Field("message", .string(event.message.description)),
        ]
        for (name, value) in facts.sorted(by: { $0.key < $1.key }) {
            let name = Self.own.contains(name) ? "\(name)_" : name
            fields.append(JSON.Field(name, Self.json(value)))
        }
        var stream = self.stream
        stream.write(JSON.object(fields).text + "\n")
    }

    private static func json(_ value: Logger.MetadataValue) -> JSON {
        switch value {
        case .array(let values): .array(values.map(json))
        case .dictionary(let entries):
            .object(
                entries.sorted { $0.key < $1.key }.map { JSON.Field($0.key, json($0.value)) }
            )
        default: .string("\(value)")
        }
    }

    /// RFC 3339, in UTC, to the millisecond.
    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = [
            padded(Int(parts.tm_year) + 1900, 4), padded(Int(parts.tm_mon) + 1, 2),
            padded(Int(parts.tm_mday), 2),
        ]
        let time = [
            padded(Int(parts.tm_hour), 2), padded(Int(parts.tm_min), 2),
            padded(Int(parts.tm_sec), 2),
        ]
        let fraction = padded(now.tv_nsec / 1_000_000, 3)
        return "\(date.joined(separator: "-"))T\(time.joined(separator: ":")).\(fraction)Z"
    }
}
