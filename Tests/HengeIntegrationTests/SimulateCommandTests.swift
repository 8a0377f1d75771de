import Foundation
import Testing

/// `henge simulate` with its child processes.
@Suite struct SimulateCommandTests {
    @Test("a seed gives the same trace in every process")
    func verify() async throws {
        let first = try await Henge.run(["simulate", "--seed", "1"])
        let second = try await Henge.run(["simulate", "--seed", "1", "--trace"])
        let hash = #/trace ([0-9a-f]{16})/#
        let traces = try [first, second].map { result in
            String(try #require(result.text.matches(of: hash).last, "\(result.errors)").output.1)
        }
        #expect(traces[0] == traces[1])
        #expect(second.text.split(separator: "\n").count > 50)

        let verified = try await Henge.run([
            "simulate", "--seeds", "1...4", "--verify", "--jobs", "3", "--json",
        ])
        let json = try verified.json()
        #expect(json["runs"] as? Int == 8)
        let failures = try #require(json["failures"] as? [[String: Any]])
        #expect(verified.status == (failures.isEmpty ? 0 : 1))
        #expect(!verified.text.contains("two runs differ"), "\(verified.text)")
    }

    @Test("seeds that make no sense are wrong usage")
    func usage() async throws {
        for arguments in [
            ["--seeds", "9...1"], ["--seed", "1", "--seeds", "1...2"], ["--seed", "x"],
            ["--seeds", "1...2", "--trace"], ["--seed", "1", "--hours", "0"],
            ["--drills", "--hours", "1"], ["--drills", "--seed", "1", "--shrink"],
        ] {
            let result = try await Henge.run(["simulate"] + arguments)
            #expect(result.status == 2, "\(arguments)")
            #expect(result.errorLines.count == 1, "\(result.errors)")
        }
    }
}
