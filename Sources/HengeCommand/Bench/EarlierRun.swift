import FoundationEssentials

/// What `henge bench --json` wrote of a run, to set a later one beside it.
package struct EarlierRun: Equatable, Sendable, Decodable {
    package var load: LoadDescription
    package var rate: Double
    package var errors: Int
    /// Milliseconds, by the names of ``LatencySummary/fields``.
    package var latency: [String: Double]

    private enum CodingKeys: String, CodingKey {
        case load, rate, errors
        case latency = "latency_ms"
    }

    package init(load: LoadDescription, rate: Double, errors: Int, latency: [String: Double]) {
        self.load = load
        self.rate = rate
        self.errors = errors
        self.latency = latency
    }

    /// Reads a file in which `henge bench --json` was kept.
    package static func read(_ path: String) throws(CommandFailure) -> EarlierRun {
        guard let text = SmallFile.read(path) else {
            throw CommandFailure(.failed, "can't read \(Wording.printable(path))")
        }
        do {
            return try JSONDecoder().decode(EarlierRun.self, from: Data(text.utf8))
        } catch {
            throw CommandFailure(
                .failed,
                "\(Wording.printable(path)) is not what henge bench --json prints, or an older "
                    + "version of it did"
            )
        }
    }

    /// Throws where figures under `load` would not compare with these.
    package func require(comparable load: LoadDescription, path: String) throws(CommandFailure) {
        let conflicts = load.conflicts(with: self.load)
        guard !conflicts.isEmpty else { return }
        throw CommandFailure(
            .usage,
            "\(Wording.printable(path)) is of another load: "
                + conflicts.map(\.description).joined(separator: "; ")
        )
    }
}
