import Foundation
import HengeCommand
import Logging
import Synchronization
import Testing

@Suite struct LogFormatTests {
    /// Keeps what is written.
    private final class Lines: TextOutputStream, Sendable {
        private let text = Mutex("")

        func write(_ string: String) {
            text.withLock { $0 += string }
        }

        var lines: [Substring] { text.withLock { $0.split(separator: "\n") } }
    }

    private func lines(
        _ format: LogFormat,
        level: Logger.Level = .info,
        _ body: (Logger) -> Void
    ) -> [Substring] {
        let stream = Lines()
        body(
            Logger(label: "henge.n1") { label in
                format.handler(label: label, level: level, stream: stream)
            }
        )
        return stream.lines
    }

    @Test("JSON is an object a line, with what the event says in fields of their own")
    func json() throws {
        let lines = lines(.json) { logger in
            logger.notice("peer down", metadata: ["peer": "n2", "phi": "8.1", "level": "x"])
            logger.debug("not wanted")
            logger.error("two\nlines \"quoted\"", metadata: ["list": ["a", "b"]])
        }
        #expect(lines.count == 2)
        let objects = try lines.map { line in
            try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            )
        }
        #expect(objects[0]["level"] as? String == "notice")
        #expect(objects[0]["level_"] as? String == "x")
        #expect(objects[0]["logger"] as? String == "henge.n1")
        #expect(objects[0]["message"] as? String == "peer down")
        #expect(objects[0]["peer"] as? String == "n2")
        #expect(objects[1]["message"] as? String == "two\nlines \"quoted\"")
        #expect(objects[1]["list"] as? [String] == ["a", "b"])
        let time = try #require(objects[0]["time"] as? String)
        let date = try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(time)
        #expect(abs(date.timeIntervalSinceNow) < 60, "\(time)")
    }

    @Test("text is an event a line, too, whatever the event quotes")
    func text() {
        let lines = lines(.text) { logger in
            logger.notice("peer\u{1B}[31m down\nforged line", metadata: ["why": "a\r\nb"])
            logger.info("plain")
        }
        #expect(lines.count == 2)
        #expect(lines[0].contains("peer\\u{1B}[31m down\\nforged line"))
        #expect(lines[0].contains("why=a\\r\\nb"))
        #expect(lines[1].hasSuffix("plain"))
    }
}
