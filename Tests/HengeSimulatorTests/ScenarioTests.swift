import Foundation
import HengeSimulator
import Testing

/// What happens step by step in a few telling situations, as files that a change shows up in as a
/// diff.
///
/// `HENGE_REGENERATE=1 swift test --filter ScenarioTests` writes them anew.
@Suite struct ScenarioTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "scenarios")

    static let names = [
        "actors-out-of-use", "blind-writes", "concurrent-writes-become-siblings",
        "crash-renews-actors", "forward",
        "frozen-node", "hedged-read", "hint-delivered", "hint-outlives-its-keeper",
        "old-copy-of-a-purged-key", "old-copy",
        "quorum-write-with-a-replica-down", "read-at-once", "read-repair", "ring-abort", "ring-add",
        "ring-coordinator-cut-off", "ring-hints-of-a-dead-node", "ring-late-shard",
        "ring-leaver-dies", "ring-new-replica-dies", "ring-recover", "ring-remove",
        "ring-replace-dead", "ring-steward-frozen",
        "rotten-record", "stand-ins",
        "wiped-disk", "write-by-version",
    ]

    @Test("a scenario goes as written", arguments: names)
    func scenario(_ name: String) throws {
        let file = Self.folder.appending(path: "\(name).txt")
        let script = try String(contentsOf: file, encoding: .utf8)
        let transcript = try Scenario.transcript(of: script)
        if ProcessInfo.processInfo.environment["HENGE_REGENERATE"] == "1" {
            try transcript.write(to: file, atomically: true, encoding: .utf8)
            return
        }
        let written = script.split(separator: "\n")
        let now = transcript.split(separator: "\n")
        let difference = zip(written, now).first { $0 != $1 }
        #expect(difference == nil, "\(name): first difference")
        #expect(written.count == now.count, "\(name)")
    }

    @Test("every file of the folder is a scenario of the list")
    func complete() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())
        #expect(files.filter { $0.hasSuffix(".txt") }.sorted() == Self.names.map { "\($0).txt" })
    }

    @Test(
        "a script with a mistake is refused",
        arguments: [
            "> n1 read apple one", "> cluster nodes=x", "> cluster\n> dance",
            "> cluster\n> crash n9", "> cluster\n> n1 set apple red sometimes",
            "> cluster repair=never", "> cluster\n> rot n1 apple", "> cluster\n> restore n1",
            "> cluster\n> 2 times n1 dance", "> cluster\n> slow n1 soon",
            "> cluster\n> wait until step never", "> cluster\n> wait until step writeBoth",
        ]
    )
    func mistakes(_ script: String) {
        #expect(throws: Scenario.ScriptError.self) { try Scenario.transcript(of: script) }
    }
}
